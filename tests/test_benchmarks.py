"""Every benchmark runs, at a size that measures nothing: that one is broken is seen here and not when its figures are wanted."""

import os
import runpy
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import torch

import muybridge
from muybridge.data.sets import builtin

FOLDER = Path(__file__).parents[1] / "benchmarks"


def table() -> Any:
    """``benchmarks/all.py`` as a module."""
    spec = spec_from_file_location("all_benchmarks", FOLDER / "all.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


ALL = table()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Benchmarks set threads, paths, warnings and the environment for their own process."""
    threads, path, environment = torch.get_num_threads(), list(sys.path), dict(os.environ)
    yield
    torch.set_num_threads(threads)
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Path]]:
    """Folders that words of the table stand for, made when they are wanted; the embedded sets are a few clips each."""

    monkeypatch.setattr(builtin, "ensure", partial(builtin.ensure, train=48, test=24))

    def runs() -> Path:
        muybridge.pretrain(
            data="builtin-motions", objective="rotnet", budget=48, device="cpu", out=tmp_path / "out"
        )
        return tmp_path / "out"

    return {"RUNS": runs, "FEW": lambda: tmp_path / "builtin"}


def test_every_file_is_in_the_table():
    assert sorted([*ALL.BENCHMARKS, *ALL.HELPERS]) == sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("name", ALL.BENCHMARKS)
def test_it_can_be_imported(name: str, monkeypatch: pytest.MonkeyPatch):
    for package in ALL.BENCHMARKS[name].wants:
        pytest.importorskip(package)
    monkeypatch.syspath_prepend(str(FOLDER))
    assert runpy.run_path(str(FOLDER / f"{name}.py"), run_name="looked_at")["__doc__"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * one.slow) for name, one in ALL.BENCHMARKS.items()],
)
def test_it_runs_and_prints(
    name: str,
    places: dict[str, Callable[[], Path]],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    for package in ALL.BENCHMARKS[name].wants:
        pytest.importorskip(package)
    words = [str(places[word]()) if word in places else word for word in ALL.BENCHMARKS[name].toy]
    capfd.readouterr()
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [str(FOLDER / f"{name}.py"), *words])
    try:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    except SystemExit as stopped:
        if stopped.code:
            raise
    assert capfd.readouterr().out.strip()
