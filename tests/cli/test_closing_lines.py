"""The line that a command ends with says what its number is."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from muybridge.cli.show import accuracy_line
from muybridge.core.plain_data import write_json
from muybridge.report import write_report
from muybridge.runs.contents.predictions import Predictions, concatenate, write_predictions
from muybridge.runs.records import Run
from muybridge.runs.seal import seal


def answers(rights: int, name: str, severity: int, groups: int = 10) -> Predictions:
    """20 videos of some groups, the first ``rights`` of which are answered rightly."""
    videos = [f"v{i:02d}" for i in range(20)]
    scores = np.zeros((20, 4), np.float32)
    scores[np.arange(20), [0 if i < rights else 1 for i in range(20)]] = 1
    return Predictions(
        video=np.array(videos),
        group=np.array([f"g{i * groups // 20}" for i in range(20)]), label=np.zeros(20, np.int64), view=np.zeros(20, np.int64),
        scores=scores, perturbation=np.full(20, name), severity=np.full(20, severity),
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return made(tmp_path)


def made(tmp_path: Path, groups: int = 10) -> Run:
    """A sealed robustness run."""
    path = tmp_path / "runs" / "robustness" / "0123456789abcdef"
    path.mkdir(parents=True)
    cells = {
        ("clean", 0): 16,
        ("noise", 1): 12,
        ("noise", 2): 8,
        ("blur", 1): 14,
        ("blur", 2): 14,
        ("reversal", 1): 2,
    }
    write_predictions(
        path / "predictions.parquet", concatenate([answers(n, *cell, groups) for cell, n in cells.items()])
    )
    told = {"version": 2, "stage": "robustness", "signature": path.name, "summary": "robustness of it", "chance": 0.25,
            "label_changing": ["reversal"], "seen": [], "config": {}, "inputs": {}, "facets": {}}  # fmt: skip
    write_json(path / "result.json", seal(path, told))
    return Run(path)


def test_robustness_ends_with_clean_mean_and_hardest(run: Run):
    line = accuracy_line(run)
    found = {
        name: float(value)
        for name, value in re.findall(r"([a-z][a-z :0-9]*?) ([\d.]+)% \(", line.partition(": ")[2])
    }
    assert found == {"clean": 80.0, "mean over 2 types": 60.0, "hardest: noise": 50.0}
    assert "chance 25.0%" in line
    assert "not counted: reversal" in line
    for value, low, high in re.findall(r"([\d.]+)% \(([\d.]+)% to ([\d.]+)%\)", line):
        assert float(low) < float(value) < float(high)


@pytest.mark.parametrize("groups", [2, 3, 5, 20])
def test_its_numbers_are_those_of_the_report_and_stay_between_0_and_1(groups: int, tmp_path: Path):
    line = accuracy_line(made(tmp_path, groups))
    page = write_report(tmp_path)
    (table,) = (path for path in page.tables if path.name == "robustness.csv")
    with table.open() as file:
        (mean,) = (row for row in csv.DictReader(file) if row["perturbation"] == row["seed"] == "mean")
    told = {
        name: found
        for name, *found in re.findall(
            r"([a-z][a-z :0-9]*?) ([\d.-]+)% \(([\d.-]+)% to ([\d.-]+)%\)", line.partition(": ")[2]
        )
    }
    expected = [f"{100 * float(mean[name]):.1f}" for name in ("accuracy", "low", "high")]
    assert told["mean over 2 types"] == expected
    assert all(0 <= float(value) <= 100 for found in told.values() for value in found)


def test_one_group_has_no_interval_and_no_number_that_is_none(tmp_path: Path):
    line = accuracy_line(made(tmp_path, 1))
    assert "clean 80.0% (no interval)" in line
    assert "nan" not in line
    assert "one source group" in line
