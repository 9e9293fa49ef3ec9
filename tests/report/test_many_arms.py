"""Studies of many arms: sentences that stay readable, and notes that say the same but for their numbers said once."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_study import rows, write_run

from muybridge.core.plain_data import write_json
from muybridge.core.text.plurals import some
from muybridge.report import write_report
from muybridge.report.tables.accuracy_tables import run_notes
from muybridge.runs.contents.predictions import concatenate


def scored(**notes: list[list[str]]) -> Any:
    """Arms with the notes of each of their runs."""
    arms = {
        name: SimpleNamespace(runs=[SimpleNamespace(result={"notes": one}) for one in runs])
        for name, runs in notes.items()
    }
    return SimpleNamespace(arms=arms)


@pytest.mark.parametrize(
    ("number", "words"), [(1, "a0"), (2, "a0 and a1"), (5, "a0, a1, a2, a3 and a4"), (6, "6 arms")]
)
def test_a_sentence_lists_few_names_and_counts_many(number: int, words: str):
    assert some([f"a{place}" for place in range(number)], "arm") == words


def test_notes_that_differ_in_numbers_are_one_with_their_range():
    words = "task vcop is inactive: accuracy {}% at the end, chance 16.7%"
    found = run_notes(scored(a=[[words.format(15.3)], [words.format(9.5)]], b=[[words.format(21.5)]], c=[[]]))
    assert found == ["a and b: task vcop is inactive: accuracy 9.5% to 21.5% at the end, chance 16.7%."]


def test_other_words_stay_other_notes():
    found = run_notes(
        scored(a=[["1 train video is short"]], b=[["3 train videos are short"], ["7 train videos are short"]])
    )
    assert found == ["a: 1 train video is short.", "b: 3 to 7 train videos are short."]


@pytest.mark.parametrize(
    "notes",
    [
        ("make it: muybridge probe --fold 1", "make it: muybridge probe --fold 2"),
        ("read `list-1 2`", "read `list-1 3`"),
        ("r2plus1d saw x3d_1", "r2plus1d saw x3d_2"),
        ("of run 1a2b", "of run 1a3b"),
        ("file v1.mp4 is broken", "file v2.mp4 is broken"),
    ],
)
def test_commands_names_paths_and_hashes_keep_their_numbers(notes: tuple[str, str]):
    assert run_notes(scored(a=[[notes[0]], [notes[1]]])) == [f"{note}." for note in notes]


def test_thousands_are_numbers_with_their_commas():
    found = run_notes(
        scored(a=[["2,000 train videos of 7, 8 are short"]], b=[["950 train videos of 7, 9 are short"]])
    )
    assert found == ["950 to 2,000 train videos of 7, 8 to 9 are short."]


def test_what_all_say_is_said_of_none():
    assert run_notes(scored(a=[["5 of 7"]], b=[["6 of 7"]])) == ["5 to 6 of 7."]


DATA = {"name": "d", "fingerprint": "5f1d", "classes": list("abcd"), "videos": {}, "broken": [], "source": []}


def _study(folder: Path, arms: int) -> str:
    """Findings of arms of which one stands far above the baseline, one far below, and all others beside it; three seeds."""
    videos = [f"v{number:03d}" for number in range(150)]
    level = {"random": 0.6, "best": 0.97, "worst": 0.2, **{f"arm{place}": 0.6 for place in range(arms - 3)}}
    for arm, accuracy in level.items():
        for seed in range(3):
            facets = {"arm": arm, "data": "d", "seed": seed}
            clean = rows(accuracy, 4, videos, videos, f"{arm} {seed}")
            noisy = rows(0.8 * accuracy, 4, videos, videos, f"{arm} {seed}", "jpeg", 3)
            write_run(folder, "finetune", facets, clean, chance=0.25, data=DATA)
            write_run(folder, "robustness", facets, concatenate([clean, noisy]), chance=0.25, data=DATA)
    text = write_report(folder).markdown.read_text(encoding="utf-8")
    return text[text.index("## Findings") : text.index("## Accuracy")]


def test_of_many_arms_only_comparisons_that_stand_are_sentences(tmp_path: Path):
    found = _study(tmp_path, 12)
    clean, disturbed = (line for line in found.splitlines() if line.startswith("- **") and "random" in line)
    assert "best lifts accuracy from" in clean
    assert "worst lowers accuracy from" in clean
    assert clean.count("cannot be separated") == 1
    assert all(f"arm{place} (" in clean for place in range(9))
    assert (
        "In the order of accuracy, random apart, no other two arms that follow each other can be separated"
        in clean
    )
    followed = re.findall(r"(\w+) (?:goes from|cannot be told)", disturbed)
    assert (followed[0], "random" in followed, len(followed)) == ("best", True, 3)
    assert "9 other arms are in the table" in disturbed


def test_of_few_arms_every_comparison_is_a_sentence(tmp_path: Path):
    found = _study(tmp_path, 5)
    assert "arm0 (" in found
    assert found.count("the random baseline") == 2, "one sentence for each arm beside it"
    assert "follow each other" not in found
    assert "in the table" not in found


def _few_labels(folder: Path, labels: int | None, seeds: int) -> list[dict[str, str]]:
    """Rows of comparisons.csv of two arms that seeds move alike by far more than they differ, perturbed ones too."""
    videos = [f"v{number:03d}" for number in range(200)]
    for seed, level in zip(range(seeds), (0.8, 0.5, 0.65, 0.7), strict=False):
        for arm, gain in (("random", 0.0), ("vcop", 0.1)):
            facets = {"arm": arm, "data": "d", "seed": seed}
            clean = rows(level + gain, 4, videos, videos, f"seed {seed}")
            noisy = rows(level + gain - 0.2, 4, videos, videos, f"seed {seed}", "jpeg", 3)
            config = {"facets": facets, "labels_per_class": labels}
            trained = write_run(folder, "finetune", facets, clean, chance=0.25, data=DATA)
            path = folder / "runs" / "finetune" / trained / "result.json"
            write_json(path, {**json.loads(path.read_text()), "config": config})
            inputs = {"model": {"stage": "finetune", "signature": trained}}
            write_run(
                folder,
                "robustness",
                facets,
                concatenate([clean, noisy]),
                chance=0.25,
                data=DATA,
                inputs=inputs,
            )
    write_report(folder)
    with (folder / "tables" / "comparisons.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _wide(found: list[dict[str, str]]) -> list[float]:
    return [float(row["high"]) - float(row["low"]) for row in found]


def test_arms_with_few_labels_are_compared_seed_by_seed(tmp_path: Path):
    """The seed draws the labels of all arms; perturbed networks know it from the run that they were trained in."""
    few = _few_labels(tmp_path / "few", 10, 3)
    whole = _few_labels(tmp_path / "all", None, 3)
    assert len(few) == len(whole) > 1
    assert all(a < b / 2 for a, b in zip(_wide(few), _wide(whole), strict=True))
    said = [(tmp_path / name / "report.md").read_text() for name in ("few", "all")]
    assert ["compared seed by seed" in one for one in said] == [True, False]


def test_two_seeds_are_too_few_to_pair(tmp_path: Path):
    assert _wide(_few_labels(tmp_path / "few", 10, 2)) == _wide(_few_labels(tmp_path / "all", None, 2))
