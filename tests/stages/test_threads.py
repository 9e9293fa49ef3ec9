"""Weights do not depend on how many threads a process was given; a number that was asked for is part of the name."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from threadpoolctl import threadpool_info

import muybridge
from muybridge.config.stage_configs import FinetuneConfig, PretrainConfig, ProbeConfig, as_dict
from muybridge.core.errors import UsageError
from muybridge.core.plain_data import read_json
from muybridge.runs.records import Run, find_runs
from muybridge.runs.signing import signature
from muybridge.stages.training import training
from muybridge.stages.training.transfer_protocol import transfer_of
from muybridge.train.threads import computing

SMALL: dict[str, Any] = {"frames": 4, "stride": 1, "size": 36, "crop": 32, "batch": 16, "precision": "fp32"}
GIVEN = (1, 2)


@pytest.fixture
def given() -> Iterator[Any]:
    """Gives this process threads, as ``OMP_NUM_THREADS`` does."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def blas() -> list[int]:
    """Threads of the libraries behind NumPy and SciPy; solvers of other packages bring some that have one thread only."""
    return [
        one["num_threads"]
        for one in threadpool_info()
        if one["user_api"] == "blas" and not Path(one["filepath"]).name.startswith("libopenblas-")
    ]


def test_a_stage_holds_its_threads_and_gives_them_back(given: Any):
    given(3)
    before = blas()
    with computing(2):
        assert (torch.get_num_threads(), set(blas())) == (2, {2})
        with computing(None):
            assert torch.get_num_threads() == 2
    assert (torch.get_num_threads(), blas()) == (3, before)
    with pytest.raises(ZeroDivisionError), computing(1):
        raise ZeroDivisionError
    assert (torch.get_num_threads(), blas()) == (3, before)


def alike(runs: list[Run], *names: str) -> None:
    """Runs of one name with the same bytes."""
    assert len({run.signature for run in runs}) == 1
    for name in names:
        assert len({(run.path / name).read_bytes() for run in runs}) == 1, name


@pytest.mark.parametrize("objective", ["cvrl", "vcop"])
def test_pretraining_gives_the_same_bits_whatever_threads_there_are(
    objective: str, given: Any, videos: Path, tmp_path: Path
):
    runs = []
    for number in GIVEN:
        given(number)
        out = tmp_path / str(number)
        runs.append(muybridge.pretrain(data=videos, objective=objective, budget=48, out=out, **SMALL))
        assert read_json(runs[-1].path / "env.json")["threads"] == 1
    alike(runs, "weights.safetensors", "metrics.jsonl", "strips.npz")


def test_finetuning_gives_the_same_bits_whatever_threads_there_are(given: Any, videos: Path, tmp_path: Path):
    runs = []
    for number in GIVEN:
        given(number)
        out = tmp_path / str(number)
        runs.append(muybridge.finetune(data=videos, epochs=4, fold=0, validation=0.2, out=out, **SMALL))
    alike(runs, "weights.safetensors", "metrics.jsonl", "predictions.parquet")


def test_another_number_is_used_and_names_another_run(videos: Path, tmp_path: Path):
    words = {"data": videos, "objective": "cvrl", "budget": 48, "out": tmp_path, **SMALL}
    runs = [muybridge.pretrain(**words, threads=number) for number in (1, 2)]
    assert len({run.signature for run in runs}) == 2
    assert [read_json(run.path / "env.json")["threads"] for run in runs] == [1, 2]
    assert "--threads 2" in runs[1].result["command"]


def test_no_threads_are_refused(videos: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=r"--threads 0: wanted 1 or more"):
        muybridge.pretrain(data=videos, out=tmp_path, threads=0)


@pytest.mark.parametrize(
    ("config", "before"),
    [
        (PretrainConfig(), "8577dffe75353b42"),
        (FinetuneConfig(), "55d46383b26f1b68"),
        (ProbeConfig(), "ae39f73b18618faa"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_runs_keep_the_names_they_had_before_there_was_the_field(config: Any, before: str):
    """Names that the version without ``threads`` gave."""
    assert signature(config.stage, as_dict(config), {}) == before
    if hasattr(config, "threads"):
        assert signature(config.stage, as_dict(replace(config, threads=2)), {}) != before


def test_protocols_keep_their_hash_and_tell_numbers_apart():
    assert transfer_of(FinetuneConfig()).hash == "808a1c064e11"
    assert transfer_of(FinetuneConfig(threads=2)).hash != "808a1c064e11"
    assert transfer_of(FinetuneConfig(workers=2)).hash == "808a1c064e11"


@pytest.mark.parametrize(
    ("given_threads", "words", "said"),
    [
        (8, {"frames": 16, "crop": 112}, "with 1 of 8 threads: --threads 8 is faster"),
        (8, {"frames": 16, "crop": 112, "threads": 8}, ""),
        (1, {"frames": 16, "crop": 112}, ""),
        (8, {}, ""),
    ],
    ids=["idle", "used", "none", "small"],
)
def test_idle_threads_are_said_where_they_would_help(
    given_threads: int, words: dict[str, Any], said: str, given: Any
):
    given(given_threads)
    found = training.idle(PretrainConfig(device="cpu", **words))
    assert said in found
    assert bool(said) == bool(found)
    assert not training.idle(ProbeConfig(frames=16, crop=112))


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["cvrl", "prp", "speed"])
def test_the_command_gives_the_same_bits_under_every_environment(objective: str, tmp_path: Path):
    words = (
        "pretrain --data builtin-motions --limit 40 --budget 480 --device cpu --precision fp32 --objective"
    )
    runs = []
    for number in ("1", "2", "4"):
        out = tmp_path / number
        own = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), number)
        command = [sys.executable, "-m", "muybridge", *words.split(), objective, "--out", str(out)]
        subprocess.run(command, check=True, env=os.environ | own, capture_output=True, timeout=600)
        runs += find_runs(out)
    alike(runs, "weights.safetensors", "metrics.jsonl")
