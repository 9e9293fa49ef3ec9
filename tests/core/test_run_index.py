"""The index: equal to the run folders at any moment, whatever happens to its file."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from run_folders import damaged, finished, unfinished

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import write_json
from muybridge.runs import run_index as indexing
from muybridge.runs.contents.result import RECORD_VERSION
from muybridge.runs.mirror import place_of
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index, folders
from muybridge.runs.run_row import RunRow, read_row
from muybridge.store.lease import hold, life


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with a run of every kind."""
    first = finished(tmp_path / "out", "pretrain")
    finished(tmp_path / "out", "probe", {"init": first}, notes=["small"], numbers={"accuracy": 0.5})
    damaged(finished(tmp_path / "out", "probe", seed=3))
    unfinished(tmp_path / "out", "finetune", "a" * 16, error="out of memory", init=first.path)
    unfinished(tmp_path / "out", "finetune", "b" * 16)
    return tmp_path / "out"


@pytest.fixture
def index(out: Path, tmp_path: Path) -> Index:
    return Index(out, tmp_path / "index.sqlite")


def read(out: Path) -> list[RunRow]:
    """The slow and obvious way: every folder, every time."""
    return sorted(map(read_row, folders(out)), key=lambda row: (row.stage, row.signature))


def test_who_is_alive_is_running_for_as_long_as_that(index: Index, out: Path):
    folder = out / "runs" / "finetune" / ("b" * 16)
    with hold(folder, place_of(Run(folder))):
        assert [row.status for row in index.rows() if row.stage == "finetune"] == ["failed", "running"]
    assert [row.status for row in index.rows() if row.stage == "finetune"] == ["failed", "unfinished"]
    dead = json.dumps({"time": time.time() - 2 * life()})
    (folder / ".lease.7").write_text(dead)
    assert [row.status for row in index.rows() if row.stage == "finetune"] == ["failed", "unfinished"]


def test_every_kind_of_run_has_its_row(index: Index):
    rows = index.rows()
    assert [row.status for row in rows if row.stage == "finetune"] == ["failed", "unfinished"]
    assert sorted(row.status for row in rows if row.stage == "probe") == ["damaged", "done"]
    by_status = {row.status: row for row in rows}
    assert by_status["failed"].reason == "out of memory"
    assert "result.json" in by_status["damaged"].reason
    assert by_status["failed"].facets["data"] == "builtin-objects"
    probe = next(row for row in rows if row.stage == "probe" and row.status == "done")
    pretrain = next(row for row in rows if row.stage == "pretrain")
    failed = by_status["failed"]
    assert probe.inputs == failed.inputs == {"init": pretrain.name}
    assert (probe.notes, probe.numbers, probe.started[:10]) == (["small"], {"accuracy": 0.5}, "2026-05-09")
    flat = probe.flat()
    assert (flat["seconds"], flat["lr"], flat["accuracy"], flat["backbone"]) == (
        2.5,
        0.001,
        0.5,
        "r2plus1d-tiny",
    )


def test_it_follows_every_change_of_the_folders(index: Index, out: Path):
    assert index.rows() == read(out)
    run = finished(out, "neighbours", seed=4)
    assert index.rows() == read(out)
    write_json(run.path / "result.json", run.result | {"notes": ["a second thought"]})
    assert index.rows() == read(out)
    unfinished(out, "finetune", "b" * 16, error="killed twice")
    assert index.rows() == read(out)
    (run.path / "result.json").unlink()
    assert index.rows() == read(out)
    for path in run.path.iterdir():
        path.unlink()
    run.path.rmdir()
    assert index.rows() == read(out)


def test_only_changed_folders_are_read_again(index: Index, out: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []

    def noted(run: Run) -> RunRow:
        seen.append(run.signature)
        return read_row(run)

    monkeypatch.setattr(indexing, "read_row", noted)
    index.rows()
    assert len(seen) == 5
    seen.clear()
    run = finished(out, "pretrain", seed=9)
    index.rows()
    index.rows()
    assert seen == [run.signature]


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"x" * 4000])
def test_a_file_that_is_no_index_is_made_again(index: Index, out: Path, content: bytes):
    index.rows()
    index.path.write_bytes(content)
    assert index.rows() == read(out)
    with sqlite3.connect(index.path) as base:
        assert base.execute("SELECT count(*) FROM runs").fetchone() == (5,)
    base.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET row = '{'",
        "UPDATE runs SET row = '{\"a\": 1}'",
        "DROP TABLE runs; CREATE TABLE runs (a)",
    ],
)
def test_rows_that_are_none_make_it_again(index: Index, out: Path, change: str):
    index.rows()
    base = sqlite3.connect(index.path)
    base.executescript(change)
    base.close()
    assert index.rows() == read(out)


def test_a_page_cut_off_makes_it_again(index: Index, out: Path):
    for seed in range(30):
        finished(out, "probe", seed=seed, arm="x" * 3000)
    index.rows()
    base = sqlite3.connect(index.path)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    size = index.path.stat().st_size
    os.truncate(index.path, size // 2)
    assert index.rows() == read(out)


def test_where_the_cache_cannot_be_written_it_lives_in_memory(out: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    assert Index(out, tmp_path / "file" / "index.sqlite").rows() == read(out)


def test_a_writer_that_holds_it_for_long_is_not_robbed(
    index: Index, out: Path, monkeypatch: pytest.MonkeyPatch
):
    index.rows()
    finished(out, "probe", seed=5)
    monkeypatch.setattr(indexing, "WAIT", 0.05)
    base = sqlite3.connect(index.path, isolation_level=None)
    base.execute("BEGIN IMMEDIATE")
    try:
        assert index.rows() == read(out)
        assert index.path.exists()
    finally:
        base.execute("ROLLBACK")
        base.close()
    assert index.rows() == read(out)


def test_several_processes_fill_it_at_once(index: Index, out: Path):
    for seed in range(40):
        finished(out, "probe", seed=seed, arm="cvrl")
    code = f"""
from pathlib import Path
from muybridge.runs.run_index import Index
for _ in range(5):
    print(len(Index(Path({str(out)!r}), Path({str(index.path)!r})).rows()))
"""
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in workers:
        said, wrong = worker.communicate(timeout=120)
        assert (worker.returncode, wrong, set(said.split())) == (0, "", {"45"})
    assert index.rows() == read(out)


def test_the_place_is_in_the_cache_and_belongs_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Index(Path("a")).path == Index(tmp_path / "a").path != Index(tmp_path / "b").path
    assert Index(Path("a")).path.is_relative_to(tmp_path / "cache" / "index-2")
    assert Index(tmp_path / "b").rows() == []


def test_a_newer_version_is_said(out: Path, index: Index):
    run = finished(out, "probe", seed=8)
    write_json(run.path / "result.json", run.result | {"version": RECORD_VERSION + 1})
    row = next(row for row in index.rows() if row.signature == run.signature)
    assert row.status == "damaged"
    assert "newer Muybridge" in row.reason


@pytest.mark.parametrize(
    "content", ["[]", '{"facets": 3}', '{"notes": {}}', '{"version": "2"}', '{"numbers": []}', "\udc80"]
)
def test_results_of_another_shape_are_damaged(out: Path, content: str, index: Index):
    run = finished(out, "probe", seed=8)
    (run.path / "result.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    assert next(row for row in index.rows() if row.signature == run.signature).status == "damaged"


def test_hidden_folders_are_no_runs_and_links_are_not_read(out: Path, tmp_path: Path, index: Index):
    before = index.rows()
    (out / "runs" / "probe" / ".trash").mkdir()
    (out / "runs" / "stray.txt").touch()
    assert index.rows() == before
    elsewhere = finished(tmp_path / "other", "probe", seed=8)
    (out / "runs" / "probe" / elsewhere.signature).symlink_to(elsewhere.path)
    (out / "runs" / "knn").symlink_to(elsewhere.path.parent)
    linked = [row for row in index.rows() if row not in before]
    assert {(row.name, row.status) for row in linked} == {
        (f"probe/{elsewhere.signature}", "damaged"),
        (f"knn/{elsewhere.signature}", "damaged"),
    }
    assert all("is a link" in row.reason for row in linked)


def test_headline_numbers_are_computed_once_and_kept(index: Index, out: Path):
    asked: list[str] = []

    def headline(run: Run) -> dict[str, float]:
        asked.append(run.signature)
        return {"loss": 1.5}

    for _ in range(2):
        rows = index.measured(index.rows(), headline)
        assert [row.numbers for row in rows if row.stage == "pretrain"] == [{"loss": 1.5}]
        assert [row.numbers for row in rows if row.stage == "probe" and row.status == "done"] == [
            {"accuracy": 0.5}
        ]
    assert len(asked) == 1
    run = finished(out, "pretrain", notes=["changed"])
    assert index.measured(index.rows(), headline)
    assert asked == [run.signature, run.signature]


def test_numbers_that_cannot_be_read_make_a_run_damaged(index: Index):
    def headline(run: Run) -> dict[str, float]:
        raise MuybridgeError("predictions.parquet: damaged")

    rows = index.measured(index.rows(), headline)
    assert [row.status for row in rows if row.stage == "pretrain"] == ["damaged"]
    assert [row.reason for row in index.rows() if row.stage == "pretrain"] == ["predictions.parquet: damaged"]


def test_a_row_read_anew_meanwhile_is_not_overwritten(index: Index, out: Path):
    old = index.rows()
    run = finished(out, "pretrain", notes=["new"])
    index.rows()
    index.measured(old, lambda run: {"loss": 9.0})
    assert next(row for row in index.rows() if row.signature == run.signature).notes == ["new"]


def test_rows_are_plain_json(index: Index):
    index.rows()
    base = sqlite3.connect(index.path)
    found = base.execute(
        "SELECT json_extract(row, '$.facets.arm') FROM runs WHERE stage = 'pretrain'"
    ).fetchall()
    texts = base.execute("SELECT row FROM runs").fetchall()
    base.close()
    assert found == [("vcop",)]
    assert all(json.loads(text)["signature"] for (text,) in texts)
