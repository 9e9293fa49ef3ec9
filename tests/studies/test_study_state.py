"""What run folders say of a study, what a retry takes up, and what the rest will cost."""

import os
import time

import pytest

from muybridge.backbones import build
from muybridge.config.stage_configs import (
    FinetuneConfig,
    PretrainConfig,
    ProbeConfig,
    RobustnessConfig,
    as_dict,
)
from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import write_json
from muybridge.runs.metrics import append_metrics
from muybridge.runs.mirror import place_of
from muybridge.runs.records import Run
from muybridge.store.lease import hold
from muybridge.studies.cost import estimate, flops_of, work_of
from muybridge.studies.measured_pass import Pass, measure_pass
from muybridge.studies.plan import plan
from muybridge.studies.state import count, finished, states, to_retry

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6}


@pytest.fixture
def cells(videos, tmp_path):
    """Two pretraining runs, each with a probe and a fine-tuning with its robustness."""

    def study():
        for task in ("rotnet", "vcop"):
            common = {"data": (str(videos),), "out": tmp_path, **TINY}
            init = yield PretrainConfig(**common, objective=task, budget=24)
            yield ProbeConfig(**common, init=init)
            model = yield FinetuneConfig(**common, init=init, epochs=2)
            yield RobustnessConfig(
                out=tmp_path, model=model, types=("jumbling", "freezing"), severities=(1, 3)
            )

    return plan(study())


def finish(cell, seconds=None):
    """What a finished run leaves, as far as states and costs read it."""
    path = cell.run.path
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / "env.json", {})
    budget = {} if seconds is None else {"seconds": seconds}
    config = as_dict(cell.job.config)
    told = {
        "config": config,
        "facets": cell.job.facets,
        "data": {"videos": {"train": 12, "test": 4}},
        "budget": budget,
    }
    write_json(path / "result.json", told)


def fail(cell, text="ValueError: bad luck\n\nTraceback"):
    cell.run.path.mkdir(parents=True, exist_ok=True)
    (cell.run.path / "error.log").write_text(text)


def words(cells):
    return [state.word for state in states(cells)]


def test_an_untouched_study_waits(cells, tmp_path):
    assert words(cells) == ["waiting"] * 8
    assert not (tmp_path / "runs").exists()


def test_states_are_read_from_the_folders(cells):
    finish(cells[0])
    fail(cells[4])
    assert words(cells) == [
        "done",
        "waiting",
        "waiting",
        "waiting",
        "failed",
        "waiting",
        "waiting",
        "waiting",
    ]
    assert states(cells)[4].detail == "ValueError: bad luck"
    assert count(states(cells)) == {"done": 1, "running": 0, "failed": 1, "waiting": 6}
    assert finished(cells) == {cells[0].job.signature}


def test_a_held_run_is_running_with_its_progress_and_its_heartbeat(cells):
    run = cells[0].run
    run.path.mkdir(parents=True)
    fail(cells[0])  # of an earlier try
    with hold(run.path, place_of(run)):
        append_metrics(run.path / "metrics.jsonl", {"step": 2, "clips": 12, "loss": 1.0})
        (state,) = [one for one in states(cells) if one.word == "running"]
        assert state.detail == "step 2, 50%"
        assert 0 <= state.age < 60
    assert words(cells)[0] == "failed"


def test_a_worker_that_gave_no_sign_of_life_runs_no_longer(cells, monkeypatch):
    run = cells[1].run
    run.path.mkdir(parents=True)
    with hold(run.path, place_of(run)):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 1000)
        assert words(cells)[1] == "waiting"


def test_a_retry_takes_failed_cells_and_what_hangs_on_them(cells):
    finish(cells[0])
    finish(cells[4])
    fail(cells[2])
    fail(cells[3], "not run: its input failed")
    chosen = to_retry(cells)
    assert chosen == [cells[0], cells[2], cells[3], cells[4]]


def test_a_failed_input_takes_what_has_not_failed_itself_along(cells):
    fail(cells[0])
    assert to_retry(cells) == cells[:4]


@pytest.mark.parametrize(
    ("stage", "config", "passes"),
    [
        ("pretrain", {"budget": 100, "budget_unit": "clips", "objective": "vcop"}, 300),
        ("pretrain", {"budget": 10, "budget_unit": "steps", "batch": 6, "objective": "vcop"}, 180),
        ("finetune", {"epochs": 2, "views": 3}, 3 * 2 * 12 + 3 * 4),
        ("pretrain", {"budget": 10, "budget_unit": "epochs", "objective": "vcop"}, 3 * 10 * 12 * 3),
        ("pretrain", {"budget": 300, "budget_unit": "clips", "objective": "rspnet"}, 3 * 100 + 200),
        (
            "pretrain",
            {"budget": 10, "budget_unit": "epochs", "objective": "vcop", "complexity": 5},
            3 * 10 * 12 * 5,
        ),
        ("probe", {"views": 10}, 10 * (12 + 4 + 4)),
        ("knn", {"views": 10, "crops": 3}, 30 * (12 + 4)),
        ("retrieval", {"views": 10, "init": "random"}, 10 * (12 + 4 + 12)),
        ("neighbours", {"views": 2}, 2 * (12 + 4)),
        (
            "robustness",
            {"views": "5x3", "profile": "muybridge-1", "types": ("jpeg", "jumbling"), "severities": (1, 3)},
            15 * 4 * 5,
        ),
    ],
)
def test_work_is_counted_in_passes(stage, config, passes):
    config = {"frames": 16, "crop": 112} | config
    work = work_of(stage, config, "r2plus1d", 12, 4)
    assert work.passes == passes
    assert work.flops == pytest.approx(42.724e9 * passes)


def test_operations_scale_with_the_clip():
    small, large = (
        work_of("probe", {"frames": frames, "crop": crop}, "r2plus1d", 1, 0)
        for frames, crop in ((8, 56), (16, 112))
    )
    assert large.flops / small.flops == pytest.approx(8)
    assert work_of("probe", {"frames": 8, "crop": 224}, "hf:timesformer", 1, 0).flops == pytest.approx(
        391.66e9
    )
    assert work_of("probe", {"frames": 8, "crop": 224}, "my.package:network", 1, 0).flops is None


def test_without_past_runs_the_cost_is_in_operations(cells):
    found = estimate(cells, set())
    assert (found.told, found.seconds, found.unknown) == (0, 0, 0)
    by_hand = 2 * (24 * 3 + 16 + (3 * 2 * 12 + 4) + 4 * 5) * 0.544e9 * 4 * 16**2 / (16 * 112**2)
    assert found.flops == pytest.approx(by_hand, rel=0.2)  # folds of 16 videos: 12 or 13 to train on


def test_without_past_runs_a_pass_of_the_network_is_measured(cells, monkeypatch):
    asked = []

    def measured(*words):
        asked.append(words)
        return Pass(0.5, kept=1000, parameters=10)

    monkeypatch.setattr("muybridge.studies.cost.measure_pass", measured)
    found, plain = estimate(cells, set(), measure=True), estimate(cells, set())
    passes = plain.flops / flops_of("r2plus1d-tiny", {"frames": 4, "crop": 16})
    assert found.measured == pytest.approx(0.5 * passes)
    assert plain.measured is None
    assert found.memory == 4 * 10 + 6 * 1000
    assert {words[:3] for words in asked} == {("r2plus1d-tiny", 4, 16)}


def test_a_network_that_cannot_be_built_is_counted_in_operations(cells, monkeypatch):
    def refused(*words):
        raise MuybridgeError("no weights")

    monkeypatch.setattr("muybridge.studies.cost.measure_pass", refused)
    found = estimate(cells, set(), measure=True)
    assert found.measured is None
    assert found.flops > 0


def test_memory_kept_for_a_gradient_grows_with_the_clip_and_not_with_the_parameters():
    small, large = (measure_pass("r2plus1d-tiny", 4, crop, "cpu", "fp32") for crop in (16, 32))
    assert 3.5 * small.kept < large.kept < 4.5 * small.kept
    network = build("r2plus1d-tiny")
    assert small.parameters == 4 * sum(one.numel() for one in network.parameters())
    first = 4 * 16 * 8 * 8 * 4  # of the first of its maps, at half the size: kept for sure
    assert small.kept > first
    assert small.seconds > 0


def test_past_runs_of_like_kind_tell_the_seconds(cells):
    finish(cells[0], seconds=7.2)
    finish(cells[2], seconds=10)
    found = estimate(cells, finished(cells))
    assert found.told == 2  # the other pretraining (of another task, same network) and the other fine-tuning
    assert found.seconds == pytest.approx(7.2 + 10, rel=0.1)
    assert found.flops > 0


def test_where_a_run_does_not_say_its_files_do(cells):
    finish(cells[1])
    then = time.time() - 100
    os.utime(cells[1].run.path / "env.json", (then, then))
    assert estimate(cells, finished(cells)).seconds == pytest.approx(100, abs=5)


def test_a_damaged_past_run_is_no_example(cells):
    finish(cells[0], seconds=5)
    (Run(cells[0].run.path).path / "result.json").write_text("{")
    assert estimate(cells, finished(cells)).told == 0
