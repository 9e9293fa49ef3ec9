"""Headline numbers: those that the rows give when asked one by one."""

from pathlib import Path

import numpy as np
import pytest

from muybridge.core.plain_data import write_json
from muybridge.core.seeding import rng
from muybridge.measure.headline import headline
from muybridge.runs.contents.predictions import Predictions, write_predictions
from muybridge.runs.metrics import append_metrics
from muybridge.runs.records import Run

CELLS = [("clean", 0), ("jpeg", 1), ("jpeg", 2), ("fog", 1), ("reversal", 1), ("seen_one", 3)]


def answers(views: int = 2, videos: int = 30, classes: int = 4) -> Predictions:
    """Views of videos under every cell, in no order; one video was not decoded."""
    stream, n = rng(0, "headline"), videos * views * len(CELLS)
    order = stream.permutation(n)
    video, view, cell = np.unravel_index(order, (videos, views, len(CELLS)))
    scores = stream.normal(size=(n, classes)).astype(np.float32)
    scores[video == 3] = np.nan
    names = np.array([name for name, _ in CELLS])
    return Predictions(
        video=np.array([f"v{one}" for one in video]), group=np.array([f"v{one}" for one in video]), label=video % classes, view=view,
        perturbation=names[cell], severity=np.array([s for _, s in CELLS])[cell], scores=scores,
    )  # fmt: skip


def slow(rows: Predictions, name: str, severity: int) -> float:
    """Accuracy with a loop over videos."""
    here, right = rows.condition(name, severity), []
    for video in sorted(set(here.video)):
        mean = here.scores[here.video == video].mean(axis=0)
        right.append(not np.isnan(mean).any() and int(mean.argmax()) == here.label[here.video == video][0])
    return sum(right) / len(right)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    path = tmp_path / "runs" / "robustness" / ("a" * 16)
    path.mkdir(parents=True)
    write_json(path / "result.json", {"label_changing": ["reversal"], "seen": ["seen_one"]})
    return Run(path)


def test_accuracy_and_mean_over_types(run: Run):
    rows = answers()
    write_predictions(run.path / "predictions.parquet", rows)
    found = headline(run)
    jpeg = (slow(rows, "jpeg", 1) + slow(rows, "jpeg", 2)) / 2
    assert found == pytest.approx(
        {"accuracy": slow(rows, "clean", 0), "perturbed": (jpeg + slow(rows, "fog", 1)) / 2}
    )


def test_clean_rows_alone_have_no_perturbed_mean(run: Run):
    rows = answers().condition("clean", 0)
    write_predictions(run.path / "predictions.parquet", rows)
    assert headline(run) == pytest.approx({"accuracy": slow(rows, "clean", 0)})


def test_what_is_told_goes_before_what_is_written(run: Run):
    write_predictions(run.path / "predictions.parquet", answers())
    assert "perturbed" not in headline(run, {"seen": ["jpeg", "fog", "reversal", "seen_one"]})


def test_the_last_row_of_a_curve(tmp_path: Path):
    for stage, expected in (("pretrain", {"loss": 0.5, "pretext": 0.75}), ("finetune", {"loss": 0.5})):
        path = tmp_path / "runs" / stage / ("b" * 16)
        path.mkdir(parents=True)
        for row in (
            {"step": 1, "loss": 2.0, "accuracy": 0.1},
            {"step": 2, "loss": 0.5, "accuracy": 0.75},
            {"step": 2, "health": {}},
        ):
            append_metrics(path / "metrics.jsonl", row)
        assert headline(Run(path), {}) == expected


def test_recall(run: Run):
    assert headline(run, {"recall": [{"k": 5, "value": 0.9}, {"k": 1, "value": 0.4}]}) == {"recall": 0.4}
    assert headline(run, {"recall": [{"k": 1, "value": None}]}) == {}
