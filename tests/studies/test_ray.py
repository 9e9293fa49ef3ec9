"""Cells as tasks of Ray: the same rows as here, the same deaths and failures, and no waiting for a cluster that is not there."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trivial

from muybridge.config.stage_configs import PretrainConfig, ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.core.text.screen import Plain
from muybridge.runs import out
from muybridge.runs.records import find_runs
from muybridge.store.storage import local
from muybridge.studies.cell_runner import run_cells
from muybridge.studies.plan import plan

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6}


def study(videos: Path, folder: Path):
    common = {"data": (str(videos),), "out": folder, "device": "cpu", **TINY}
    for task in ("rotnet", "vcop"):
        init = yield PretrainConfig(**common, objective=task, budget=36)
        yield ProbeConfig(**common, init=init)


def rows(folder: Path) -> dict[str, bytes]:
    """What does not tell when and where: weights, and predictions as they lie on disk."""
    kept = ("weights.safetensors", "predictions.parquet")
    return {
        f"{run.signature}/{name}": (run.path / name).read_bytes()
        for run in find_runs(folder)
        for name in kept
        if (run.path / name).exists()
    }


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = trivial.install(tmp_path / "package")
    monkeypatch.setenv("TRIVIAL", str(folder))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'package'}:{os.environ.get('PYTHONPATH', '')}")
    with trivial.on_path(tmp_path / "package"):
        yield folder


def test_two_workers_of_ray_give_the_rows_of_this_machine(videos, tmp_path):
    here = run_cells(plan(study(videos, tmp_path / "here")), 2, Plain())
    there = run_cells(plan(study(videos, tmp_path / "there")), 2, Plain(), "ray")
    assert not here.failed | there.failed
    assert here.done == there.done
    assert len(rows(tmp_path / "here")) == 6
    assert rows(tmp_path / "here") == rows(tmp_path / "there")


def test_results_come_through_a_store_and_deaths_cost_one_more_try(videos, asked, tmp_path, monkeypatch):
    monkeypatch.setenv("MUYBRIDGE_STORES", str(tmp_path / "driver"))
    url = Path(f"file://{tmp_path / 'store'}")
    out.claim(url)
    (asked / "0.die").touch()
    (asked / "1.fail").touch()
    cells = trivial.cells(videos, local(url), 3)
    outcome = run_cells(cells, 2, Plain(), "ray")
    assert outcome.done == {cells[0].job.signature, cells[2].job.signature}
    assert "was asked to fail" in outcome.failed[cells[1].job.signature]
    assert len(list((tmp_path / "store").glob("runs/trivial/*/result.json"))) == 2


def test_an_address_where_nobody_listens_is_refused_soon(videos, asked, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(UsageError, match=r"no Ray answers there.*ray start --head"):
        run_cells(trivial.cells(videos, tmp_path, 1), 1, Plain(), "ray", f"127.0.0.1:{port}")
    assert time.monotonic() - began < 60


def test_an_address_where_something_else_listens_is_refused_in_time(videos, asked, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="no Ray answers there"):
            run_cells(
                trivial.cells(videos, tmp_path, 1), 1, Plain(), "ray", f"127.0.0.1:{other.getsockname()[1]}"
            )


@pytest.mark.parametrize("address", ["nonsense", "host:port", "ray://"])
def test_an_address_that_is_none_is_refused(videos, asked, tmp_path, address):
    with pytest.raises(UsageError, match="wanted HOST:PORT"):
        run_cells(trivial.cells(videos, tmp_path, 1), 1, Plain(), "ray", address)
