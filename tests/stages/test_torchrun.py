"""Stages under torchrun: several processes, one result, which is that of one process where nothing is trained."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.metrics import read_metrics
from muybridge.runs.records import Run, find_runs

pytestmark = pytest.mark.slow
SMALL = ("--frames", "4", "--stride", "1", "--size", "20", "--crop", "16")


OFTEN = """
import sys
from functools import partial
from muybridge.cli.main import main
from muybridge.stages.training.training import training
training.Recipe = partial(training.Recipe, save_every=0.5)
sys.exit(main())
"""
"""The command line, with a state saved twice a second."""


def launched(processes: int, cache: Path, *words: Any) -> subprocess.Popen[str]:
    """A verb in so many processes of one thread each, with a cache of its own."""
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    own = {"MUYBRIDGE_CACHE": str(cache), "OMP_NUM_THREADS": "1", "MUYBRIDGE_PATIENCE": "60"}
    main = [str(words[0])] if str(words[0]).endswith(".py") else ["-m", "muybridge", str(words[0])]
    command = [sys.executable, *(run if processes > 1 else []), *main, *map(str, words[1:])]
    return subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | own
    )


def torchrun(processes: int, cache: Path, *words: Any, code: int = 0) -> str:
    """Run a verb to its end; returns what it said on standard error."""
    process = launched(processes, cache, *words)
    _, said = process.communicate(timeout=500)
    assert process.returncode == code, said
    return said


def ranks_of(agent: int) -> list[int]:
    """Processes that torchrun started, by rank."""
    children = map(int, Path(f"/proc/{agent}/task/{agent}/children").read_text().split())
    found = {}
    for child in children:
        words = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        found |= {int(word[5:]): child for word in words if word.startswith(b"RANK=")}
    return [found[rank] for rank in sorted(found)]


@pytest.fixture(scope="module")
def trained(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A probe of a random network, by one process; one of the videos cannot be decoded."""
    root = tmp_path_factory.mktemp("trained")
    data = root / "data"
    for path in sorted(videos.rglob("*.mp4")):
        (data / path.parent.name).mkdir(parents=True, exist_ok=True)
        (data / path.parent.name / path.name).write_bytes(path.read_bytes())
    (data / "right" / "7.mp4").write_bytes(b"no video")
    probe(1, root, data)
    (run,) = find_runs(root / "out1")
    return run


def probe(processes: int, root: Path, data: Path) -> None:
    words = ("--views", 16, "--allow-broken", "--data", data, "--out", root / f"out{processes}", *SMALL)
    torchrun(processes, root / f"cache{processes}", "probe", *words)


def assert_same_files(one: Run, other: Run, *names: str) -> None:
    for name in names:
        assert (one.path / name).read_bytes() == (other.path / name).read_bytes(), name


@pytest.mark.parametrize("processes", [2, 3])
def test_a_probe_by_several_processes_is_that_of_one_byte_for_byte(processes: int, trained: Run):
    root = trained.path.parents[3]
    probe(processes, root, root / "data")
    (run,) = find_runs(root / f"out{processes}")
    rows = read_predictions(run.path / "predictions.parquet")
    assert len(rows) == len(set(zip(rows.video.tolist(), rows.view.tolist(), strict=True)))
    assert_same_files(trained, run, "predictions.parquet", "weights.safetensors")


def test_robustness_by_three_processes_is_that_of_one_byte_for_byte(trained: Run, tmp_path: Path):
    runs = []
    for processes in (1, 3):
        words = (
            "--model",
            trained.path,
            "--batch",
            32,
            "--allow-broken",
            "--types",
            "gaussian_noise",
            "reversal",
        )
        torchrun(processes, tmp_path / "cache", "robustness", *words, "--out", tmp_path / str(processes))
        runs += find_runs(tmp_path / str(processes))
    assert_same_files(*runs, "predictions.parquet", "controls.parquet", "strips.npz")
    assert [one["path"].rpartition("/")[2] for one in runs[1].result["data"]["broken"]] == ["7.mp4"]


@pytest.mark.parametrize("processes", [2, 3])
def test_uneven_parts_pretrain_to_one_finished_run(processes: int, videos: Path, tmp_path: Path):
    words = (
        "--data",
        videos,
        "--objective",
        "rotnet",
        "--batch",
        7,
        "--budget",
        70,
        "--out",
        tmp_path / "out",
        *SMALL,
    )
    said = torchrun(processes, tmp_path / "cache", "pretrain", *words)
    (run,) = find_runs(tmp_path / "out")
    assert run.result["budget"]["clips"] == 70
    assert run.metrics[-1]["step"] == 10
    assert said.count("muybridge 0") == 1, "only the first process speaks"
    journal = (run.path / "journal.jsonl").read_text().splitlines()
    assert len(journal) == 2, "one process began and finished it"


def test_finetuning_tests_every_video_once(videos: Path, tmp_path: Path):
    words = ("--data", videos, "--batch", 5, "--epochs", 2, "--views", 16, "--out", tmp_path / "out", *SMALL)
    torchrun(2, tmp_path / "cache", "finetune", *words)
    (run,) = find_runs(tmp_path / "out")
    rows = read_predictions(run.path / "predictions.parquet")
    seen = list(zip(rows.video.tolist(), rows.view.tolist(), strict=True))
    assert len(seen) == len(set(seen)) == 16 * run.result["data"]["videos"]["test"]


def test_more_processes_than_videos_of_a_batch_are_refused(videos: Path, tmp_path: Path):
    words = (
        "--data",
        videos,
        "--objective",
        "rotnet",
        "--batch",
        2,
        "--budget",
        70,
        "--out",
        tmp_path / "out",
        *SMALL,
    )
    said = torchrun(3, tmp_path / "cache", "pretrain", *words, code=1)
    assert "a batch of 2 videos is too small for 3 processes" in said
    assert not find_runs(tmp_path / "out")


def test_a_killed_process_ends_all_and_the_same_command_goes_on_to_the_same_bits(
    videos: Path, tmp_path: Path
):
    script = tmp_path / "often.py"
    script.write_text(OFTEN)
    words = (script, "pretrain", "--data", videos, "--objective", "rspnet", "--objective-options", "queue=16", "--batch", 21,
             "--budget-unit", "steps", "--budget", 60, "--workers", 1, *SMALL)  # fmt: skip
    torchrun(3, tmp_path / "cache", *words, "--out", tmp_path / "whole")
    process = launched(3, tmp_path / "cache", *words, "--out", tmp_path / "killed")
    state = wait_for(lambda: next((tmp_path / "killed").rglob("last.pt"), None), process)
    os.kill(ranks_of(process.pid)[1], signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert not find_runs(tmp_path / "killed")
    assert 0 < torch.load(state, weights_only=True)["step"] < 60
    torchrun(3, tmp_path / "cache", *words, "--out", tmp_path / "killed")
    (whole,), (killed,) = find_runs(tmp_path / "whole"), find_runs(tmp_path / "killed")
    assert_same_files(whole, killed, "weights.safetensors")
    assert read_metrics(whole.path / "metrics.jsonl") == read_metrics(killed.path / "metrics.jsonl")


def wait_for(found: Any, process: subprocess.Popen[str]) -> Any:
    """What appears while the process lives."""
    for _ in range(3000):
        value = found()
        if value is not None:
            return value
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError("nothing appeared")
