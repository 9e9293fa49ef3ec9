"""Export: tables that read back equal, and archives that work elsewhere and name no place here."""

import csv
import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from run_folders import damaged, finished

from muybridge.core.errors import UsageError
from muybridge.core.plain_data import read_json, write_json
from muybridge.runs.export import archive, stripped, table
from muybridge.runs.query import find
from muybridge.runs.records import Run, find_runs
from muybridge.runs.run_index import Index
from muybridge.runs.seal import damage, seal

ROWS = [
    {
        "signature": "a",
        "seed": 0,
        "accuracy": 0.5,
        "resume": True,
        "augment": ["crop"],
        "mixed": "text",
        "gap": None,
    },
    {"signature": "b", "seed": 1, "accuracy": None, "resume": False, "augment": [], "mixed": 3, "new": 1},
]


def test_lines_of_json(tmp_path: Path):
    table(tmp_path / "rows.jsonl", ROWS)
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()] == ROWS


def test_comma_separated(tmp_path: Path):
    table(tmp_path / "rows.csv", ROWS)
    with (tmp_path / "rows.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert found[0] == {
        "signature": "a", "seed": "0", "accuracy": "0.5", "resume": "true", "augment": "crop", "mixed": "text", "gap": "", "new": "",
    }  # fmt: skip
    assert (found[1]["accuracy"], found[1]["new"]) == ("", "1")


def test_parquet_keeps_kinds(tmp_path: Path):
    table(tmp_path / "rows.parquet", ROWS)
    found = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert found[0] == {**ROWS[0], "augment": "crop", "new": None}
    assert (found[1]["accuracy"], found[1]["seed"], found[1]["mixed"], found[1]["new"]) == (None, 1, "3", 1)


def test_whole_numbers_beyond_64_bits_are_written_as_fractions(tmp_path: Path):
    rows = [{"flops": 10**30, "seed": None, "lr": 2**60 + 1}, {"flops": 3, "seed": 2, "lr": 0.5}]
    table(tmp_path / "rows.parquet", rows)
    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == [
        {"flops": 1e30, "seed": None, "lr": float(2**60)},
        {"flops": 3.0, "seed": 2, "lr": 0.5},
    ]


def test_other_endings_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"Did you mean '\.csv'"):
        table(tmp_path / "rows.cvs", ROWS)
    assert not list(tmp_path.iterdir())


def test_paths_are_stripped(tmp_path: Path):
    out = tmp_path / "out"
    told = {"model": f"{out}/runs/probe/abc", "root": "/data/ucf101", "data": ["/home/me/list.csv", "builtin-motions"], "lr": 0.1,
            "command": f"muybridge probe --out {out} --data '/home/me/my list.csv'", "nested": {"out": str(out)}}  # fmt: skip
    assert stripped(told, out) == {
        "model": "runs/probe/abc", "root": "ucf101", "data": ["list.csv", "builtin-motions"], "lr": 0.1,
        "command": "muybridge probe --out . --data 'my list.csv'", "nested": {"out": "."},
    }  # fmt: skip


def sealed(run: Run) -> Run:
    write_json(run.path / "result.json", seal(run.path, run.result))
    return Run(run.path)


def test_a_run_with_its_inputs_works_elsewhere(tmp_path: Path):
    out = tmp_path / "out"
    base = sealed(finished(out, "pretrain"))
    (base.path / ".lock").touch()
    (base.path / "state").mkdir()
    (base.path / "stolen").symlink_to("/etc/hostname")
    middle = sealed(finished(out, "finetune", {"init": base}))
    top = sealed(finished(out, "robustness", {"model": middle}))
    finished(out, "probe", {"init": base})
    index = Index(out, tmp_path / "index.sqlite")
    rows = index.rows()
    names = archive(tmp_path / "run.zip", index, find(rows, top.signature), rows)
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        assert sorted(names) == sorted(packed.namelist())
        everything = b"".join(packed.read(name) for name in names)
        packed.extractall(tmp_path / "elsewhere")
    assert str(tmp_path).encode() not in everything
    assert not any(name.endswith((".lock", "stolen")) or "state" in name for name in names)
    found = find_runs(tmp_path / "elsewhere")
    assert {run.signature for run in found} == {base.signature, middle.signature, top.signature}
    assert all(damage(run.path, thorough=True) == "" for run in found)
    assert "argv" not in read_json(found[0].path / "env.json")
    assert all(
        row.status == "done" for row in Index(tmp_path / "elsewhere", tmp_path / "second.sqlite").rows()
    )


def test_what_is_not_whole_is_not_exported(tmp_path: Path):
    out = tmp_path / "out"
    base = finished(out, "pretrain")
    top = finished(out, "probe", {"init": base})
    damaged(base)
    index = Index(out, tmp_path / "index.sqlite")
    rows = index.rows()
    with pytest.raises(UsageError, match=r"pretrain/\w+: is damaged"):
        archive(tmp_path / "run.zip", index, find(rows, top.signature), rows)
    with pytest.raises(UsageError, match="not in this folder"):
        archive(
            tmp_path / "run.zip",
            index,
            find(rows, top.signature),
            [row for row in rows if row.stage == "probe"],
        )
    assert not (tmp_path / "run.zip").exists()
