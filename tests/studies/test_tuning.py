"""Equal tuning: every task gets as many trials, held-out training videos choose, and the study learns at what was chosen."""

import dataclasses
import json
from pathlib import Path

import pytest

from muybridge.cli import main
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.runs.contents.study_file import read_study
from muybridge.runs.records import find_runs
from muybridge.studies import tuning
from muybridge.studies.files.find import find, make_plan
from muybridge.studies.study_configs import StudyConfig

FILE = """
from muybridge.config.stage_configs import PretrainConfig, ProbeConfig

SMALL = {{"data": ({videos!r},), "size": 20, "crop": 18, "frames": 4, "stride": 1}}


def cells(config):
    control = {{"out": config.out, "workers": 1}}
    for seed in (0, 1):
        for task in ("rotnet", "vcop"):
            init = yield PretrainConfig(objective=task, budget=12, batch=6, seed=seed, lr=0.01, **SMALL, **control)
            yield ProbeConfig(init=init, seed=seed, fold=0, folds=2, **SMALL, **control)
"""


@pytest.fixture
def study(videos: Path, tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(FILE.format(videos=str(videos)))
    return path


def config_of(out: Path, trials: int = 3, **more) -> StudyConfig:
    return StudyConfig(out=out, trials=trials, **more)


def test_every_task_has_as_many_trials_at_multiples_of_its_own_rate(study: Path, tmp_path: Path):
    found = make_plan(find(str(study)), config_of(tmp_path / "out"))
    assert [cell.job.stage for cell in found] == ["pretrain", "probe"] * 6
    learnt = [cell.job.config for cell in found[::2]]
    assert [one.lr for one in learnt] == pytest.approx([0.01, 0.03, 0.01 / 3] * 2)
    assert {one.seed for one in learnt} == {tuning.SEED}, "no seed of the study chooses for itself"
    assert {cell.job.config.out for cell in found} == {tmp_path / "out" / "tuning"}
    assert [dataclasses.replace(one, lr=0.01) for one in learnt[:3]] == [learnt[0]] * 3


@pytest.mark.slow
def test_the_study_learns_at_the_rates_that_held_out_videos_chose(study: Path, tmp_path: Path):
    out, recipe = tmp_path / "out", find(str(study))
    assert main.main(["study", "run", str(study), "--out", str(out), "--trials", "2", "--workers", "1"]) == 0
    assert len(find_runs(out / "tuning")) == 8
    rows = json.loads((out / "tuning" / "rates.json").read_text())["trials"]
    probes = {run.signature: run for run in find_runs(out / "tuning") if run.stage == "probe"}
    best: dict[str, tuple[float, float]] = {}
    for row in rows:
        grid = probes[row["run"]].result["selection"]["grid"]
        assert row["held_out"] == max(one["accuracy"] for one in grid)
        if row["objective"] not in best or row["held_out"] > best[row["objective"]][0]:
            best[row["objective"]] = row["held_out"], row["lr"]
    assert {row["objective"]: row["lr"] for row in rows if row["chosen"]} == {
        task: lr for task, (_, lr) in best.items()
    }
    learnt = [run.result["config"] for run in find_runs(out) if run.stage == "pretrain"]
    assert sorted((one["objective"], one["seed"]) for one in learnt) == [
        (task, seed) for task in ("rotnet", "vcop") for seed in (0, 1)
    ]
    assert all(one["lr"] == pytest.approx(best[one["objective"]][1]) for one in learnt)
    assert read_study(out)["tuning"] == rows
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "Equal tuning" in text
    before = {run.path: (run.path / "result.json").stat().st_mtime_ns for run in find_runs(out)}
    assert main.main(["study", "run", str(study), "--out", str(out), "--trials", "2", "--workers", "1"]) == 0
    assert before == {run.path: (run.path / "result.json").stat().st_mtime_ns for run in find_runs(out)}
    again = make_plan(recipe, config_of(out, 3))
    assert {cell.job.config.out for cell in again} == {out / "tuning"}, "other trials choose anew"


def test_of_equal_trials_that_nearest_to_the_own_rate_is_taken():
    rows = [
        {"objective": "a", "backbone": "b", "lr": lr, "run": str(lr), "held_out": 0.5}
        for lr in (1.0, 3.0, 0.3)
    ]
    assert [row["chosen"] for row in tuning._chosen(rows)] == [True, False, False]
    rows[2]["held_out"] = 0.6
    rows.append({"objective": "c", "backbone": "b", "lr": 2.0, "run": "x", "held_out": 0.1})
    told = list(tuning._chosen(rows))
    assert [row["chosen"] for row in told] == [False, False, True, True]
    assert [row["factor"] for row in told] == [1.0, 3.0, 1 / 3, 1.0]


def test_a_study_that_nothing_can_choose_for_is_refused(tmp_path: Path):
    path = tmp_path / "own.py"
    path.write_text(
        "from muybridge.config.stage_configs import PretrainConfig\n\n\ndef cells(config):\n"
        "    yield PretrainConfig(data=('builtin-motions',), out=config.out)\n"
    )
    with pytest.raises(UsageError, match="--trials 2: wanted a study that pretrains and then probes"):
        make_plan(find(str(path)), config_of(tmp_path / "out", 2))


def test_hostile_choices_are_refused(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    (out / "tuning").mkdir(parents=True)
    (out / "tuning" / "rates.json").write_text('{"trials": [{"objective": "rotnet"}]}')
    with pytest.raises(MuybridgeError, match=r"rates\.json: damaged"):
        make_plan(find(str(study)), config_of(out))
    words = ["study", "plan", str(study), "--out", str(tmp_path / "other"), "--trials"]
    for number in ("0", "8"):
        assert main.main([*words, number]) == 2
    assert "--trials 8: wanted 7 or less" in capsys.readouterr().err
