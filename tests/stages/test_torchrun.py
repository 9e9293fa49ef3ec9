"""A stage under torchrun: two processes, one result."""

import subprocess
import sys

import pytest

from muybridge.core.records import find_runs

FLAGS = ("--frames", "4", "--stride", "1", "--size", "20", "--crop", "16", "--batch", "8", "--budget", "80")


@pytest.mark.slow
def test_two_processes_leave_one_finished_run(videos, tmp_path):
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "muybridge",
             "pretrain", "--data", str(videos), "--objective", "rotnet", "--out", str(tmp_path / "out"), *FLAGS]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = find_runs(tmp_path / "out")
    assert run.result["budget"]["clips"] == 80
    assert run.metrics[-1]["step"] == 10
