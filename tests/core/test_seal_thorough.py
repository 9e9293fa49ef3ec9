"""A file whose bytes were changed behind its size and time is found by a thorough look, and only there; what asks for one is named."""

import os
from pathlib import Path

import pytest
from run_folders import finished, sealed

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import write_json
from muybridge.runs.export import archive
from muybridge.runs.kept import demand, restore
from muybridge.runs.query import find
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import read_row
from muybridge.runs.seal import damage, seal


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A sealed run with one file."""
    path = tmp_path / "runs" / "probe" / "0123456789abcdef"
    path.mkdir(parents=True)
    (path / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5}\n')
    told = {
        "version": 2,
        "stage": "probe",
        "signature": path.name,
        "inputs": {},
        "config": {},
        "facets": {},
        "summary": "x",
    }
    write_json(path / "result.json", seal(path, told))
    return Run(path)


def forge(path: Path) -> None:
    """Other bytes of the same number, under the old time."""
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.1"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_quick_look_goes_by_size_and_time(run: Run):
    assert not damage(run.path)
    assert not damage(run.path, thorough=True)
    forge(run.path / "metrics.jsonl")
    assert not damage(run.path)


def test_a_thorough_look_hashes(run: Run):
    forge(run.path / "metrics.jsonl")
    assert damage(run.path, thorough=True) == "metrics.jsonl has other content than was written"


def test_a_new_time_is_reason_to_hash(run: Run):
    forge(run.path / "metrics.jsonl")
    os.utime(run.path / "metrics.jsonl")
    assert "other content" in damage(run.path)


def test_who_lists_runs_looks_thoroughly(run: Run):
    assert read_row(run).status != "damaged"
    forge(run.path / "metrics.jsonl")
    row = read_row(run)
    assert row.status == "damaged"
    assert "other content" in row.reason


def test_who_builds_on_a_run_looks_thoroughly(run: Run):
    demand(run)
    forge(run.path / "metrics.jsonl")
    with pytest.raises(MuybridgeError, match="other content"):
        demand(run)


def test_who_would_do_it_again_looks_thoroughly(run: Run):
    assert restore(run)
    forge(run.path / "metrics.jsonl")
    assert not restore(run)


def test_who_exports_a_run_looks_thoroughly(tmp_path: Path):
    """The copy gets checksums of its own, which would make a changed file look sound."""
    one = finished(tmp_path / "out", "pretrain")
    (one.path / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5}\n')
    sealed(one.path, one.result)
    index = Index(tmp_path / "out", tmp_path / "index.sqlite")
    rows = index.rows()
    path = one.path / "metrics.jsonl"
    archive(tmp_path / "before.zip", index, find(rows, one.signature), rows)
    forge(path)
    with pytest.raises(MuybridgeError, match="other content"):
        archive(tmp_path / "after.zip", index, find(rows, one.signature), rows)
    assert not (tmp_path / "after.zip").exists()
