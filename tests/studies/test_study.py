"""Studies: planned once, run once, failures kept apart, the same bits after any kill."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import pytest

import muybridge
from muybridge.config.stage_configs import PretrainConfig, ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import read_json
from muybridge.core.text.screen import Plain
from muybridge.data.sets import builtin
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import find_runs
from muybridge.studies.cell_runner import run_cells
from muybridge.studies.plan import plan
from muybridge.studies.shipped.quickstart import cells
from muybridge.studies.study_configs import QuickstartConfig

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6}
QUICK = ["--tasks", "rotnet", "--budget", "240", "--epochs", "2", "--size", "20", "--crop", "16"]


def small(videos, out, **changes):
    return replace(
        QuickstartConfig(data=(str(videos),), out=out, budget=24, epochs=1, size=20, crop=16), **changes
    )


def two_probes(videos, out, budget=24):
    """One pretrained and two probes of it, one of which repeats the other."""
    common = {"data": (str(videos),), "out": out, **TINY}
    init = yield PretrainConfig(**common, objective="rotnet", budget=budget)
    yield ProbeConfig(**common, init=init)
    yield ProbeConfig(**common, init=init)


def test_plan_orders_inputs_first_and_merges_equal_cells(videos, tmp_path):
    planned = plan(two_probes(videos, tmp_path))
    assert [cell.job.stage for cell in planned] == ["pretrain", "probe"]
    assert planned[1].needs == {planned[0].job.signature}


def test_plan_touches_nothing(videos, tmp_path):
    plan(two_probes(videos, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_changed_config_changes_all_that_follow_from_it(videos, tmp_path):
    before = {cell.job.signature for cell in plan(two_probes(videos, tmp_path))}
    after = {cell.job.signature for cell in plan(two_probes(videos, tmp_path, budget=30))}
    assert not before & after


def test_the_place_of_data_and_results_changes_no_signature(videos, tmp_path):
    import shutil

    moved = tmp_path / "elsewhere" / videos.name
    shutil.copytree(videos, moved)
    here = [cell.job.signature for cell in plan(two_probes(videos, tmp_path / "a"))]
    there = [cell.job.signature for cell in plan(two_probes(moved, tmp_path / "b"))]
    assert here == there


def test_quickstart_plans_the_embedded_sets_with_one_budget(tmp_path, monkeypatch):
    small_set = partial(builtin.ensure, train=24, test=12)
    monkeypatch.setattr(builtin, "ensure", small_set)
    planned = plan(cells(QuickstartConfig(out=tmp_path)))
    stages = [cell.job.stage for cell in planned]
    assert stages.count("pretrain") == 2
    assert stages.count("probe") == 6
    pretrained = [cell.job.config for cell in planned if cell.job.stage == "pretrain"]
    assert len({(config.budget, config.batch, config.frames) for config in pretrained}) == 1
    assert {cell.job.dataset.name for cell in planned} == {"builtin-objects", "builtin-motions"}


def test_quickstart_on_own_data_plans_every_fold(videos, tmp_path):
    planned = plan(cells(small(videos, tmp_path)))
    folds = {cell.job.config.fold for cell in planned if cell.job.stage == "probe"}
    assert folds == {0, 1, 2, 3, 4}
    assert sum(cell.job.stage == "neighbours" for cell in planned) == 3


def test_failed_cell_spares_the_others_and_is_tried_again(videos, tmp_path, monkeypatch):
    whole = plan(cells(small(videos, tmp_path / "out", tasks=("rotnet", "vcop"))))
    planned = [
        cell
        for cell in whole
        if cell.job.facets.get("fold") in (None, 0)
        and cell.job.stage != "robustness"  # they are half of them
    ]
    bad = next(cell for cell in planned if cell.job.stage == "pretrain")
    bad.run.path.mkdir(parents=True)
    (bad.run.path / "config.yaml").mkdir()
    outcome = run_cells(planned, 2, Plain())
    assert bad.job.signature in outcome.failed
    hangs_on_it = {cell.job.signature for cell in planned if bad.job.signature in cell.needs}
    assert hangs_on_it <= outcome.failed.keys()
    assert "its input" in outcome.failed[min(hangs_on_it)]
    assert any(
        cell.job.config.objective == "vcop"
        for cell in planned
        if cell.job.signature in outcome.done and cell.job.stage == "pretrain"
    )
    (bad.run.path / "config.yaml").rmdir()
    assert not run_cells(planned, 2, Plain()).failed


def test_unknown_task_is_refused_before_anything_runs(run, videos, tmp_path):
    code, _, err = run("quickstart", "--data", videos, "--tasks", "vcopp", "--out", tmp_path / "out")
    assert code == 2
    assert "'vcop'" in err
    assert not find_runs(tmp_path / "out")


def test_class_with_one_video_is_refused_before_anything_runs(run, videos, tmp_path):
    import shutil

    shutil.copytree(videos, tmp_path / "data")
    (tmp_path / "data" / "one").mkdir()
    shutil.copy(videos / "left" / "0.mp4", tmp_path / "data" / "one")
    code, _, err = run("quickstart", "--data", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 2
    assert "'one'" in err
    assert not find_runs(tmp_path / "out")


def rows_of(out):
    """Every prediction and every training curve below a folder, by run."""
    content = {}
    for run in find_runs(out):
        path = run.path / "predictions.parquet"
        if path.is_file():
            rows = read_predictions(path)
            content[run.stage, run.signature] = (
                rows.video.tolist(),
                rows.perturbation.tolist(),
                rows.scores.tobytes(),
            )
        else:
            content[run.stage, run.signature] = run.metrics or run.result["neighbours"]
    return content


def quickstart(videos, out):
    words = [sys.executable, "-m", "muybridge", "quickstart", "--data", videos, "--out", out, *QUICK]
    return subprocess.Popen(
        [str(word) for word in words],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def undisturbed(videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    assert quickstart(videos, out).wait(600) == 0
    return out


def test_quickstart_on_own_videos_leaves_a_report(undisturbed):
    assert {path.name for path in undisturbed.iterdir()} >= {
        "report.html",
        "report.md",
        "tables",
        "runs",
        "study.json",
    }
    study = read_json(undisturbed / "study.json")
    assert not study["failed"]
    assert len(find_runs(undisturbed)) == len(study["cells"])


def test_kill_9_and_the_same_command_gives_the_same_bits(videos, undisturbed, tmp_path):
    expected = rows_of(undisturbed)
    out = tmp_path / "out"
    for already in (1, len(expected) // 2):
        process = quickstart(videos, out)
        deadline = time.monotonic() + 300
        while len(find_runs(out)) < already and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert quickstart(videos, out).wait(600) == 0
    assert rows_of(out) == expected


def test_workers_leave_when_their_parent_is_killed(videos, tmp_path):
    import psutil

    process = quickstart(videos, tmp_path / "out")
    family = psutil.Process(process.pid)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("runs/*/*/env.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = family.children(recursive=True)
    assert workers
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not [worker for worker in alive if worker.status() != psutil.STATUS_ZOMBIE]


def test_study_verb_runs_the_same_study(run, videos, tmp_path):
    code, out, _ = run("study", "plan", "quickstart", "--data", videos, "--out", tmp_path / "out")
    assert code == 0
    assert "runs: 0 exist" in out
    with pytest.raises(UsageError, match="no field 'no_such_field'"):
        muybridge.study("quickstart", no_such_field=1)
