"""Every verb end to end on tiny real files, as a command and as a Python function."""

import json
import signal
import subprocess
import sys
import time

import pytest
import yaml

import muybridge
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import Run, find_runs

TINY = {"frames": 4, "stride": 2, "size": 20, "crop": 16, "batch": 6}
TYPES = ("gaussian_noise", "jumbling", "freezing", "reversal")
FLAGS = [word for name, value in TINY.items() for word in (f"--{name}", value)]


@pytest.fixture(scope="module")
def chain(videos, tmp_path_factory):
    """pretrain -> finetune, probe -> robustness, neighbours; through the Python functions."""
    out = tmp_path_factory.mktemp("chain") / "out"
    runs = {
        "pretrain": muybridge.pretrain(
            data=videos, objective="vcop", budget=36, out=out, **TINY | {"stride": 1}
        )
    }
    common = {"data": videos, "out": out, "init": runs["pretrain"], **TINY}
    runs["finetune"] = muybridge.finetune(epochs=2, fold=1, **common)
    runs["probe"] = muybridge.probe(fold=1, **common)
    runs["robustness"] = muybridge.robustness(
        model=runs["finetune"], types=TYPES, severities=(1, 3, 5), out=out
    )
    runs["neighbours"] = muybridge.neighbours(**common)
    return runs


def test_every_stage_leaves_a_complete_folder(chain):
    for stage, run in chain.items():
        assert run.done
        assert run.stage == stage
        names = {path.name for path in run.path.iterdir()}
        assert {"config.yaml", "env.json", "result.json", "strips.npz"} <= names
        assert "state" not in names


def test_runs_name_their_inputs(chain):
    assert chain["probe"].result["inputs"]["init"]["signature"] == chain["pretrain"].signature
    assert chain["robustness"].result["inputs"]["model"]["signature"] == chain["finetune"].signature


def test_robustness_sees_the_test_videos_under_every_condition(chain):
    clean = read_predictions(chain["finetune"].path / "predictions.parquet")
    rows = read_predictions(chain["robustness"].path / "predictions.parquet")
    conditions = set(zip(rows.perturbation.tolist(), rows.severity.tolist(), strict=True))
    assert len(conditions) == 1 + 4 * 3 + 1, (
        "clean, four types at three severities, and the mirror beside reversal"
    )
    assert ("horizontal_flip", 0) in conditions
    assert len(rows) == len(conditions) * len(clean)


def test_the_clean_cell_equals_the_clean_run(chain):
    clean = read_predictions(chain["finetune"].path / "predictions.parquet")
    again = read_predictions(chain["robustness"].path / "predictions.parquet").condition("clean", 0)
    assert again.video.tolist() == clean.video.tolist()
    assert (again.scores == clean.scores).all()


def test_budget_counts_clips_steps_and_frames(chain):
    budget = chain["pretrain"].result["budget"]
    assert (budget["clips"], budget["steps"], budget["frames"]) == (36, 6, 144)
    assert budget["flops"] > 0


def test_the_same_command_computes_nothing_again(run, videos, tmp_path):
    words = (
        "pretrain",
        "--data",
        videos,
        "--objective",
        "rotnet",
        "--budget",
        12,
        "--out",
        tmp_path / "out",
        *FLAGS,
    )
    code, first, err = run(*words)
    assert code == 0
    assert "--objective rotnet" in err
    made = find_runs(tmp_path / "out")[0]
    stamp = (made.path / "result.json").stat().st_mtime_ns
    assert run(*words)[1] == first
    assert (made.path / "result.json").stat().st_mtime_ns == stamp


def test_resolved_config_is_saved_and_runs_again_from_the_file(run, videos, tmp_path):
    run("probe", "--data", videos, "--out", tmp_path / "a", *FLAGS)
    made = find_runs(tmp_path / "a")[0]
    config = yaml.safe_load((made.path / "config.yaml").read_text())
    assert config["crop"] == 16
    assert config["precision"] in ("fp32", "bf16")
    code, _, _ = run("probe", "--config", made.path / "config.yaml", "--out", tmp_path / "b")
    assert code == 0
    assert find_runs(tmp_path / "b")[0].signature == made.signature


def test_the_command_of_a_result_makes_the_same_run(run, chain, tmp_path):
    import shlex

    words = shlex.split(chain["probe"].result["command"])[1:]
    words[words.index("--out") + 1] = str(tmp_path / "again")
    code, _, _ = run(*words)
    assert code == 0
    assert find_runs(tmp_path / "again")[0].signature == chain["probe"].signature


def test_dry_run_writes_nothing(run, videos, tmp_path):
    code, out, _ = run("probe", "--data", videos, "--out", tmp_path / "out", "--dry-run", *FLAGS)
    assert code == 0
    assert "to do" in out
    assert "cache:" in out
    assert not (tmp_path / "out").exists()


def test_limit_is_marked(run, videos, tmp_path):
    run("probe", "--data", videos, "--limit", 4, "--out", tmp_path / "out", *FLAGS)
    result = find_runs(tmp_path / "out")[0].result
    assert result["limited"]
    assert result["data"]["videos"] == {"train": 4, "test": 4}


def test_no_resume_refuses_and_overwrite_starts_anew(run, videos, tmp_path):
    words = ("probe", "--data", videos, "--out", tmp_path / "out", *FLAGS)
    run(*words)
    assert run(*words, "--no-resume")[0] == 2
    old = find_runs(tmp_path / "out")[0]
    (old.path / "mark").touch()
    assert run(*words, "--overwrite")[0] == 0
    assert not (old.path / "mark").exists()


def test_report_of_single_runs(run, chain, tmp_path):
    out = chain["probe"].path.parents[2]
    code, printed, _ = run("report", out)
    assert code == 0
    assert str(out / "report.html") in printed
    assert {path.name for path in out.iterdir()} >= {"report.html", "report.md", "tables"}
    assert chain["robustness"].signature in (out / "report.html").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_one_paragraph_and_the_same_command_goes_on(videos, tmp_path, number):
    words = [sys.executable, "-m", "muybridge", "pretrain", "--data", videos, "--objective", "rotnet", "--budget", "200000",
             "--out", tmp_path / "out", *FLAGS]  # fmt: skip
    process = subprocess.Popen([str(word) for word in words], stderr=subprocess.PIPE, text=True)
    metrics = tmp_path / "out" / "runs" / "pretrain"
    deadline = time.monotonic() + 120
    while (
        not any(curve.stat().st_size for curve in metrics.glob("*/metrics.jsonl"))
        and time.monotonic() < deadline
    ):
        time.sleep(0.1)
    process.send_signal(number)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 1, err
    assert list(metrics.glob("*/state/last.pt"))
    assert "Traceback" not in err
    assert "the same command goes on" in err
    assert not list(metrics.glob("*/result.json"))


def test_env_says_where_it_ran(chain):
    env = json.loads((chain["probe"].path / "env.json").read_text())
    assert env["torch"]
    assert env["python"].startswith("3.")


def test_run_is_a_path(chain):
    assert Run(chain["probe"].path).result == chain["probe"].result


def test_commands_and_configs_hold_full_paths(run, videos, tmp_path, monkeypatch):
    monkeypatch.chdir(videos.parent)
    code, _, _ = run("probe", "--data", videos.name, "--out", tmp_path / "out", *FLAGS)
    assert code == 0
    made = find_runs(tmp_path / "out")[0]
    assert made.result["config"]["data"] == [str(videos)]
    assert str(videos) in made.result["command"]


def test_dry_runs_of_the_functions_do_nothing(videos, tmp_path):
    config = {"data": videos, "out": tmp_path / "out", "size": 20, "crop": 16, "dry_run": True}
    assert not muybridge.probe(**config).done
    assert muybridge.quickstart(**config).cells
    assert not (tmp_path / "out").exists()


def test_a_finished_run_decodes_nothing_again(run, videos, tmp_path, monkeypatch):
    words = ("probe", "--data", videos, "--out", tmp_path / "out", *FLAGS)
    assert run(*words)[0] == 0
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "empty"))
    assert run(*words)[0] == 0
    assert {path.name for path in (tmp_path / "empty").iterdir()} <= {"index-2", "content-1.sqlite"}


def test_a_task_that_was_not_learnt_is_noted():
    from muybridge.stages.pretrain import not_learnt

    def curve(accuracy):
        return [{"step": step, "loss": 1.0, "accuracy": accuracy} for step in range(10, 501, 10)]

    assert not_learnt(curve(0.5), 0.25, videos=48) == []
    assert "nothing shows that the task was learnt" in not_learnt(curve(0.26), 0.25, videos=48)[0]
