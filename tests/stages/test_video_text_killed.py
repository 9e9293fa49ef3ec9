"""A video-text pretraining that is killed goes on with the same command and ends with the bits of an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = """
import sys
from functools import partial
from muybridge.cli.main import main
from muybridge.stages import training
training.Recipe = partial(training.Recipe, save_every=0.0)
sys.exit(main())
"""
FLAGS = [
    *(
        "--objective",
        "video-text",
        "--backbone",
        "shufflenet-tiny",
        "--budget",
        "16",
        "--budget-unit",
        "steps",
        "--batch",
        "6",
    ),
    *(
        "--frames",
        "4",
        "--stride",
        "1",
        "--size",
        "20",
        "--crop",
        "16",
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--workers",
        "1",
    ),
]
FILES = ("weights.safetensors", "metrics.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [("layers=1",), ("loss=sigmoid",)], ids=["InfoNCE, transformer", "sigmoid, words"]
)
def test_killed_at_odd_moments_it_ends_with_the_same_bits(
    videos: Path, tmp_path: Path, options: tuple[str, ...]
):
    lines = ["path,label,split,caption"]
    for i, path in enumerate(sorted(videos.rglob("*.mp4"))):
        split = "test" if i % 4 == 0 else "train"
        lines.append(f"{path},{path.parent.name},{split},a square moves {path.parent.name} in clip {i % 3}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    (tmp_path / "often.py").write_text(SCRIPT)
    words = [
        sys.executable,
        str(tmp_path / "often.py"),
        "pretrain",
        "--data",
        str(tmp_path / "list.csv"),
        *FLAGS,
    ]
    words += ["--objective-options", *options, "--out"]
    subprocess.run([*words, str(tmp_path / "whole")], check=True, capture_output=True, timeout=1800)
    rng, killed = np.random.default_rng(0), 0
    for _ in range(4):
        going = subprocess.Popen(
            [*words, str(tmp_path / "parts")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while going.poll() is None and not list((tmp_path / "parts").glob("runs/pretrain/*/state/last.pt")):
            time.sleep(0.05)
        time.sleep(float(rng.uniform(0, 0.5)))
        if going.poll() is None:
            os.kill(going.pid, signal.SIGKILL)
            killed += 1
        going.wait()
    assert killed
    assert not list((tmp_path / "parts").glob("runs/pretrain/*/result.json"))
    subprocess.run([*words, str(tmp_path / "parts")], check=True, capture_output=True, timeout=1800)
    (one,), (other,) = ([*(tmp_path / name).glob("runs/pretrain/*")] for name in ("whole", "parts"))
    assert one.name == other.name
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
