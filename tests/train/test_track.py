"""Trackers: the curve as it is in ``metrics.jsonl``, nothing of it twice, and never in the way of a run."""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from muybridge.config.stage_configs import PretrainConfig, as_dict
from muybridge.core.errors import UsageError
from muybridge.runs.metrics import append_metrics, keep_metrics, read_metrics
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.train import track
from muybridge.train.track import Tracking, scalars

FACETS = {"arm": "vcop", "data": "my videos", "seed": 3}
CURVE = [
    {"step": 20, "clips": 960, "loss": 1.5, "chance": 0.25},
    {"step": 20, "clips": 960, "health": {"knn": 0.5, "words": "fine"}},
    {"step": 40, "clips": 1920, "loss": 1.0, "accuracy": float("nan"), "resumed": True},
]
LOGGED = [
    (20, {"clips": 960.0, "loss": 1.5, "chance": 0.25}),
    (20, {"clips": 960.0, "health/knn": 0.5}),
    (40, {"clips": 1920.0, "loss": 1.0}),
]


class Kept:
    """A tracker that keeps what it is told."""

    def __init__(self, root: Path, run: Run, label: str, config: Mapping[str, Any]) -> None:
        self.root, self.label, self.rows, self.end = root, label, [], None
        MADE.append(self)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.rows.append((step, dict(values)))

    def finish(self, numbers: Mapping[str, float], done: bool) -> None:
        self.end = (dict(numbers), done)


class Broken(Kept):
    """A tracker that fails where it is told to."""

    where = "log"

    def __init__(self, *given: Any) -> None:
        if self.where == "start":
            raise RuntimeError("no disk")
        super().__init__(*given)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        if self.where == "log":
            raise RuntimeError("no disk")

    def finish(self, numbers: Mapping[str, float], done: bool) -> None:
        raise RuntimeError("no disk")


MADE: list[Kept] = []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    MADE.clear()
    monkeypatch.setattr(track, "TRACKERS", {"kept": Kept, "broken": Broken})
    for name in track.QUIET:
        monkeypatch.setenv(name, os.environ.get(name, "set"))
    path = tmp_path / "out" / "runs" / "pretrain" / "0123456789abcdef"
    path.mkdir(parents=True)
    return Run(path)


def tracking(run: Run, *names: str) -> Tracking:
    return Tracking(run, names, FACETS, {"lr": 0.1})


def test_every_row_once_and_as_soon_as_it_is_there(run: Run):
    with tracking(run, "kept") as one:
        for row, expected in zip(CURVE, range(1, 4), strict=True):
            append_metrics(run.path / "metrics.jsonl", row)
            one.follow()
            one.follow()
            assert MADE[0].rows == LOGGED[:expected]
        one.final({"accuracy": 0.5, "budget": {"clips": 3, "asked": None}})
    assert MADE[0].end == ({"accuracy": 0.5, "budget/clips": 3.0}, True)
    assert MADE[0].label == "pretrain-vcop-my-videos-3-01234567"
    assert MADE[0].root == run.path.parents[2] / "track"


def test_a_line_being_written_waits(run: Run):
    path = run.path / "metrics.jsonl"
    with tracking(run, "kept") as one:
        append_metrics(path, CURVE[0])
        with path.open("a") as file:
            file.write('{"step": 40, "lo')
        one.follow()
        assert MADE[0].rows == LOGGED[:1]
        with path.open("a") as file:
            file.write('ss": 1.0}\n')
        one.follow()
    assert MADE[0].rows[1:] == [(40, {"loss": 1.0})]


def test_what_is_left_over_is_told_at_the_end(run: Run):
    with tracking(run, "kept"):
        for row in CURVE:
            append_metrics(run.path / "metrics.jsonl", row)
    assert MADE[0].rows == LOGGED
    assert MADE[0].end == ({}, False)


def test_a_run_that_goes_on_is_told_from_its_first_row(run: Run):
    path = run.path / "metrics.jsonl"
    for row in CURVE:
        append_metrics(path, row)
    with tracking(run, "kept") as one:
        keep_metrics(path, 20)
        append_metrics(path, {"step": 30, "loss": 1.2})
        one.follow()
    assert MADE[0].rows == [*LOGGED[:2], (30, {"loss": 1.2})]


def test_a_failed_run_is_told_as_such(run: Run):
    with pytest.raises(ValueError, match="mine"), tracking(run, "kept"):
        raise ValueError("mine")
    assert MADE[0].end == ({}, False)


@pytest.mark.parametrize("where", ["start", "log", "finish"])
def test_a_failing_tracker_warns_once_and_stops_nothing(
    run: Run, where: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Broken, "where", where)
    with caplog.at_level(logging.WARNING), tracking(run, "broken", "kept") as one:
        for row in CURVE:
            append_metrics(run.path / "metrics.jsonl", row)
            one.follow()
        one.final({"accuracy": 0.5})
    assert MADE[-1].rows == LOGGED
    assert MADE[-1].end == ({"accuracy": 0.5}, True)
    assert [record.message for record in caplog.records] == [
        "--track broken: stopped tracking pretrain-vcop-my-videos-3-01234567 (RuntimeError: no disk); the run goes on"
    ]


def test_nothing_asked_for_does_nothing(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    append_metrics(run.path / "metrics.jsonl", CURVE[0])
    with tracking(run) as one:
        one.follow()
        one.final({"accuracy": 0.5})
    assert "WANDB_MODE" not in os.environ
    assert not (run.path.parents[2] / "track").exists()


def test_wandb_is_offline_unless_the_user_says_otherwise(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    with tracking(run, "kept"):
        assert os.environ["WANDB_MODE"] == "offline"
    monkeypatch.setenv("WANDB_MODE", "online")
    with tracking(run, "kept"):
        assert os.environ["WANDB_MODE"] == "online"


def test_what_is_not_installed_names_the_extra():
    with pytest.raises(
        UsageError, match=r"no_such_tracker is not installed. pip install 'muybridge\[track\]'"
    ):
        track.require(["json", "no_such_tracker"])
    track.require([])


def test_numbers_of_a_row():
    row = {"step": 1, "a": True, "b": "c", "d": None, "e": float("inf"), "f": {"g": {"h": 2}}, "i": [1]}
    assert scalars(row) == {"step": 1.0, "f/g/h": 2.0}


def test_trackers_cost_nothing_until_asked_for():
    code = "import sys, muybridge.train.track; print({'torch', 'tensorboard', 'wandb', 'mlflow'} & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "set()"
    )


def of_a_real_run(tmp_path: Path, name: str) -> Run:
    """A run that is killed, goes on and ends, under a tracker that is installed."""
    run = Run(tmp_path / "out" / "runs" / "probe" / "0123456789abcdef")
    run.path.mkdir(parents=True)
    for kept in (2, 3):
        with Tracking(run, [name], FACETS, {"lr": 0.1}) as one:
            for row in CURVE[len(read_metrics(run.path / "metrics.jsonl")) : kept]:
                append_metrics(run.path / "metrics.jsonl", row)
                one.follow()
            if kept == 3:
                one.final({"accuracy": 0.25})
    return run


@pytest.mark.filterwarnings("default")
def test_tensorboard(tmp_path: Path):
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = of_a_real_run(tmp_path, "tensorboard")
    [folder] = (run.path.parents[2] / "track" / "tensorboard").iterdir()
    found = module.EventAccumulator(str(folder))
    found.Reload()
    assert [(event.step, event.value) for event in found.Scalars("loss")] == [(20, 1.5), (40, 1.0)]
    assert [event.value for event in found.Scalars("health/knn")] == [0.5]
    assert [event.value for event in found.Scalars("final/accuracy")] == [0.25]


@pytest.mark.filterwarnings("default")
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tracking = pytest.importorskip("mlflow.tracking")
    for name, value in track.QUIET.items():
        monkeypatch.setenv(name, value)
    run = of_a_real_run(tmp_path, "mlflow")
    client = tracking.MlflowClient((run.path.parents[2] / "track" / "mlflow").as_uri())
    [one] = client.search_runs([client.get_experiment_by_name("muybridge").experiment_id])
    assert (one.info.status, one.data.params, one.data.metrics["final/accuracy"]) == (
        "FINISHED",
        {"lr": "0.1"},
        0.25,
    )
    assert [(point.step, point.value) for point in client.get_metric_history(one.info.run_id, "loss")] == [
        (20, 1.5),
        (40, 1.0),
    ]


@pytest.mark.filterwarnings("default")
def test_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wandb = pytest.importorskip("wandb")
    for name, value in track.QUIET.items():
        monkeypatch.setenv(name, value)
    run = of_a_real_run(tmp_path, "wandb")
    wandb.teardown()  # its service writes the file behind our back, as long as the process lives
    [kept] = (run.path.parents[2] / "track" / "wandb").glob("offline-run-*/run-0123456789abcdef.wandb")
    content = kept.read_bytes()
    assert all(
        word in content for word in (b"probe-vcop-my-videos-3-01234567", b"health/knn", b"final/accuracy")
    )


def test_tracking_does_not_change_what_a_run_is_called():
    config = PretrainConfig(track=("tensorboard", "wandb"))
    assert signature("pretrain", as_dict(PretrainConfig()), {}) == "8577dffe75353b42"
    assert signature("pretrain", as_dict(config), {}) == "8577dffe75353b42"


def test_the_curve_is_read_once_and_by_whole_lines(tmp_path: Path):
    from muybridge.train.track import _Tail

    path = tmp_path / "metrics.jsonl"
    tail = _Tail(path)
    assert list(tail) == []
    path.write_text('{"step": 1}\n{"st')
    assert list(tail) == [{"step": 1}]
    read = tail.read
    assert list(tail) == []
    with path.open("a") as file:
        file.write('ep": 2}\n{"step": 3}\n')
    assert list(tail) == [{"step": 2}, {"step": 3}]
    assert (read, tail.read) == (12, path.stat().st_size)
    path.write_bytes(b"x" * tail.read + b'{"step": 4}\n')  # what lies in front is not looked at again
    assert list(tail) == [{"step": 4}]
