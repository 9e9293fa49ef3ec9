"""The suite itself: how many processes it takes, and what they share."""

import os
from pathlib import Path

import pytest

import parallel

GIB = 1 << 30


@pytest.mark.parametrize(
    ("cores", "free", "wanted"),
    [
        (2, 20 * GIB, 2),
        (64, 500 * GIB, parallel.MOST),
        (64, None, parallel.MOST),
        (16, 7 * GIB, 2),
        (16, GIB, 1),
        (1, 500 * GIB, 1),
    ],
)
def test_processes_fit_cores_and_memory(cores: int, free: int | None, wanted: int):
    assert parallel.limited(cores, free) == wanted


@pytest.mark.parametrize(("quota", "most"), [("max 100000", None), ("200000 100000", 2), ("50000 100000", 1)])
def test_a_container_has_its_share_of_the_cores(tmp_path: Path, monkeypatch, quota: str, most: int | None):
    monkeypatch.setattr(parallel, "QUOTA", tmp_path / "cpu.max")
    whole = parallel.cores()
    (tmp_path / "cpu.max").write_text(quota)
    assert parallel.cores() == (whole if most is None else min(most, whole))


def test_a_few_files_stay_in_this_process(tmp_path: Path):
    here = Path(__file__)
    assert parallel.processes([here.name, f"{here.name}::test_x"], here.parent) == 0
    assert parallel.processes([str(here.parent)], tmp_path) >= 1
    assert parallel.processes(["."], here.parent) >= 1


def test_all_processes_share_one_cache_that_is_not_the_users(tmp_path_factory: pytest.TempPathFactory):
    cache = Path(os.environ["MUYBRIDGE_CACHE"])
    session = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        session = session.parent
    assert cache == session / "cache" or not cache.is_relative_to(session)
    assert cache != Path.home() / ".cache" / "muybridge"


def test_every_process_computes_with_one_thread():
    import torch

    assert "OMP_NUM_THREADS" in os.environ  # for the processes that tests start
    assert torch.get_num_threads() == 1
