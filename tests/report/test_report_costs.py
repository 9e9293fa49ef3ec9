"""What a report costs: no function is called more often than in proportion to the seeds, and no file is read twice. Nothing is timed."""

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from fake_study import rows, write_run

import muybridge
from muybridge.core.plain_data import write_json
from muybridge.measure import intervals
from muybridge.report import write_report
from muybridge.report.gather import damage
from muybridge.runs import records
from muybridge.runs.contents.predictions import concatenate

ARMS = ("random", "vcop")
FEW, MANY = 2, 6
SLACK = 1.2
"""Times in proportion: a square would be three times."""
SELDOM = 100
"""Calls that are too few to tell how they grow."""
VIDEOS = [f"v{index}" for index in range(8)]
KINDS = {"gaussian_noise": "noise", "motion_blur": "blur"}
TOLD = {"name": "moves", "fingerprint": "f", "classes": list("abc"), "videos": {"test": 8}, "broken": []}


def build(folder: Path, seeds: int) -> Path:
    """Pretraining and fine-tuning with curves, robustness with a second seed of the noise, and retrieval, of every arm and seed."""
    for arm, seed in product(ARMS, range(seeds)):
        write_seed(folder, arm, seed)
    write_json(folder / "study.json", {"name": "costs", "arms": list(ARMS), "reference": "random"})
    return folder


def write_seed(folder: Path, arm: str, seed: int) -> None:
    facets, name = {"arm": arm, "data": "moves", "seed": seed}, f"{arm} {seed}"
    common: dict[str, Any] = {"data": TOLD, "chance": 1 / 3}
    curve = [
        {"step": step, "clips": step, "loss": 1 / step, "accuracy": 0.5, "term": 1.0, "health": {"knn": 0.1}}
        for step in (1, 2, 3)
    ]
    if arm != "random":
        weighting = {"terms": ["term"], "name": "fixed"}
        write_run(folder, "pretrain", facets, metrics=curve, weighting=weighting, **common)
    clean = rows(0.6, 3, VIDEOS, VIDEOS, name)
    tuned = write_run(folder, "finetune", facets, clean, metrics=curve, **common)
    cells = product(KINDS, (1, 2))
    made = concatenate([clean, *(rows(0.4, 3, VIDEOS, VIDEOS, name, kind, at) for kind, at in cells)])
    more = {"categories": KINDS, "inputs": {"model": {"stage": "finetune", "signature": tuned}}, **common}
    for noise in (0, 1):
        write_run(folder, "robustness", facets, made, lr=f"{noise}", config={"seed": noise}, **more)
    found = {video: [place % 2, 1] for place, video in enumerate(VIDEOS)}
    write_run(folder, "retrieval", facets, recall=[{"k": 1, "groups": found}], **common)


def calls(folder: Path) -> Counter[str]:
    """How often every function of the package is called in a report."""
    profile = cProfile.Profile()
    profile.runcall(write_report, folder, formats=("html", "md", "csv"))
    package = str(Path(muybridge.__file__).parent)
    return Counter(
        {
            f"{file.removeprefix(package)}:{line} {name}": told[1]
            for (file, line, name), told in pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
            if file.startswith(package)
        }
    )


@pytest.fixture
def few_redraws(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often a function is called does not hang on the number of redraws."""
    monkeypatch.setattr(intervals.resample_groups, "__defaults__", (20, 0))


@pytest.mark.usefixtures("few_redraws")
def test_nothing_is_called_more_often_than_in_proportion_to_the_seeds(tmp_path: Path):
    write_report(build(tmp_path / "first", 1))  # what is made once in a process
    few, many = (calls(build(tmp_path / str(seeds), seeds)) for seeds in (FEW, MANY))
    often = {name: number for name, number in many.items() if number > SELDOM}
    assert len(often) > 50, "the study is too small to tell anything"
    most = SLACK * MANY / FEW
    squares = {
        name: f"{few[name]} -> {number}" for name, number in often.items() if number > most * few[name]
    }
    assert not squares


@pytest.mark.usefixtures("few_redraws")
def test_every_file_of_a_run_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, read = build(tmp_path, 2), Counter[Path]()

    def counted(module: Any, name: str) -> None:
        reader: Callable[..., Any] = getattr(module, name)

        def reads(path: Path, *rest: Any) -> Any:
            read[path] += 1
            return reader(path, *rest)

        monkeypatch.setattr(module, name, reads)

    counted(records, "read_metrics")
    counted(damage, "read_pieces")
    write_report(folder)
    there = {path for name in ("metrics.jsonl", "predictions.parquet") for path in folder.rglob(name)}
    assert there
    assert {path: read[path] for path in there} == dict.fromkeys(there, 1)
