"""Fixtures: small real video files, made once per session; and how the session is divided over processes."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

import parallel
from muybridge.data.decode.video import write
from processors import limit_ffmpeg

torch.set_num_threads(1)
limit_ffmpeg()
settings.register_profile("muybridge", deadline=None)  # a machine that is busy with other work fails no test
settings.load_profile("muybridge")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """What ``-n auto`` means here; ``PYTEST_XDIST_AUTO_NUM_WORKERS`` overrides it, as everywhere."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return parallel.processes(config.args, config.invocation_params.dir)


def moving_square(frames: int, start: int, step: int, shade: int = 230, size: int = 40) -> np.ndarray:
    """A bright square on a dark ground that moves ``step`` pixels a frame; uint8 ``t h w 3``."""
    clip = np.full((frames, size, size, 3), 30, np.uint8)
    for t in range(frames):
        left = (start + step * t) % (size - 8)
        clip[t, 12:20, left : left + 8] = shade
    return clip


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``root/{left,right}/*.mp4``: 8 clips a class of 24 frames; only motion tells the class."""
    root = tmp_path_factory.mktemp("videos")
    for label, step in (("left", -1), ("right", 1)):
        (root / label).mkdir()
        for i in range(8):
            write(root / label / f"{i}.mp4", moving_square(24, 3 * i, step), 12.0)
    return root


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded frames go to a folder of the test session, never to the user's cache; all its processes share what was rendered there."""
    if "MUYBRIDGE_CACHE" not in os.environ:
        root = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:
            root = root.parent
        monkeypatch.setenv("MUYBRIDGE_CACHE", str(root / "cache"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call the command line in this process; returns exit code, standard output and standard error."""
    from muybridge.cli.main import main

    def call(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
