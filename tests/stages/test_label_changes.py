"""What a run says of labels that a perturbation changes: declared by word or file, with a mirror beside reversal; chance of several
classes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import muybridge
from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core.errors import UsageError
from muybridge.core.label_changes import FLIP, REVERSAL, Change
from muybridge.data.index import Dataset, VideoRecord
from muybridge.perturb.apply import conditions
from muybridge.stages.job.declared import declare, flips
from muybridge.stages.job.measured import RobustnessRun
from muybridge.stages.testing.labels import Labels

CUT = {"frames": 4, "stride": 3, "short_side": 24, "crop": 20, "precision": "fp32", "device": "cpu"}
ASKED = {"types": ("reversal", "gaussian_noise"), "severities": (1,)}


def sense(frames: torch.Tensor) -> torch.Tensor:
    """Logits of left and right: the way that the centre of light goes."""
    weight = frames.mean(1).sum(2)
    ruler = torch.arange(weight.shape[-1], dtype=weight.dtype)
    place = (weight * ruler).sum(-1) / weight.sum(-1)
    way = place[:, -1] - place[:, 0]
    return torch.stack([-way, way], 1)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    path.write_text(
        "perturbation,class,becomes\nreversal,left,right\nreversal,right,left\nhorizontal_flip,left,right\n"
    )
    return path


@pytest.fixture(scope="module")
def run(videos: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> RobustnessRun:
    out = tmp_path_factory.mktemp("run")
    return muybridge.robustness(
        sense, videos, name="sense", **CUT, **ASKED, label_changing=(str(pairs),), out=out
    )


def test_a_file_says_what_reversal_makes_of_each_class_and_it_leaves_the_means(run: RobustnessRun) -> None:
    told = run.result
    assert told["label_changing"] == [FLIP, REVERSAL]
    assert told["label_map"] == {
        REVERSAL: {"1": {"left": "right", "right": "left"}},
        FLIP: {"0": {"left": "right"}},
    }
    assert told["data"]["partners"] == {"left": "right", "right": "left"}
    assert run.scores(100).left_out == (REVERSAL,)
    page = muybridge.report(run.path.parents[2]).markdown.read_text(encoding="utf-8")
    assert "where labels change" in page
    assert "Reversal (severity 1) changes the label of 2 of 2 classes and is in no average" in page


def test_where_every_type_changes_labels_findings_say_what_was_answered(
    videos: Path, pairs: Path, tmp_path: Path
) -> None:
    """Nothing is averaged then, and still it is what was asked."""
    alone = {"types": ("reversal",), "severities": (1, 3)}
    run = muybridge.robustness(
        sense, videos, name="sense", **CUT, **alone, label_changing=(str(pairs),), out=tmp_path
    )
    with pytest.raises(ValueError, match="none is left that keeps the label"):
        run.scores(100)
    findings = muybridge.report(tmp_path).markdown.read_text(encoding="utf-8").partition("## Findings")[2]
    told = findings.partition("\n## ")[0]
    assert "Reversal (severity 1) changes the label of 2 of 2 classes and is in no average" in told
    assert "named by sense" in told
    assert "on average over" not in told


def test_a_mirror_stands_beside_reversal_and_in_no_mean(run: RobustnessRun) -> None:
    rows = run.rows
    clean, mirrored = rows.condition("clean", 0), rows.condition(FLIP, 0)
    assert mirrored.video.tolist() == clean.video.tolist()
    assert (mirrored.predicted != clean.predicted).mean() > 0.9, "the sense of a move turns round"
    assert (FLIP, 0) in conditions(types=["reversal"])
    assert (FLIP, 0) not in conditions(types=["jpeg"])
    assert set(run.scores(100).types) == {"gaussian_noise", REVERSAL}


def test_a_run_is_named_by_what_the_file_says_not_by_its_place(
    run: RobustnessRun, videos: Path, pairs: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copy.csv"
    copied.write_bytes(pairs.read_bytes())
    again = muybridge.robustness(
        sense, videos, name="sense", **CUT, **ASKED, label_changing=(str(copied),), out=tmp_path / "out"
    )
    assert again.signature == run.signature
    without = muybridge.robustness(sense, videos, name="sense", **CUT, **ASKED, out=tmp_path / "out")
    assert without.signature != run.signature
    assert without.result["label_changing"] == []


def dataset(*changes: Change) -> Dataset:
    records = tuple(VideoRecord(name, name, i, "", name) for i, name in enumerate(("left", "right", "jump")))
    return Dataset("own", records, ("left", "right", "jump"), changes)


def test_a_word_changes_every_label_and_replaces_what_was_said() -> None:
    told = declare(
        dataset(Change(REVERSAL, {"left": "right"}), Change(FLIP, {"left": "right"})), ["reversal"]
    )
    assert told.changes == (
        Change(FLIP, {"left": "right"}),
        Change(REVERSAL, dict.fromkeys(("left", "right", "jump"), "")),
    )
    with pytest.raises(UsageError, match=r"no perturbation 'revers'.*Did you mean 'reversal'"):
        declare(dataset(), ["revers"])


@pytest.mark.parametrize(
    ("words", "said"),
    [(("rspnet-finetune",), True), (("severe",), True), (("flip",), True), (("crop",), False)],
)
def test_training_with_mirrors_says_so_where_a_mirror_changes_labels(
    words: tuple[str, ...], said: bool
) -> None:
    told = dataset(Change(FLIP, {"left": "right", "right": "left"}))
    config = replace(FinetuneConfig(), augment=words)
    notes = flips(told, config)
    assert bool(notes) is said
    assert not said or "changes the label of 2 of 3 classes (left becomes right" in notes[0]
    assert flips(dataset(), config) == []


@pytest.mark.parametrize("seed", range(3))
def test_chance_is_what_a_guess_reaches_where_labels_accept_several_classes(seed: int) -> None:
    labels = Labels(("a", "b", "c", "d"), ((0,), (1, 2), (0, 1, 3)))
    asked = [0, 0, 1, 2]
    guesses = np.random.default_rng(seed).integers(0, 4, (20_000, 4))
    right = np.mean(
        [
            [guess in labels.accepted[one] for guess, one in zip(row, asked, strict=True)]
            for row in guesses.tolist()
        ]
    )
    assert labels.chance(asked) == pytest.approx((1 + 1 + 2 + 3) / 16)
    assert labels.chance(asked) == pytest.approx(right, abs=0.01)
    assert labels.chance([-1, 0]) == 1 / 8
