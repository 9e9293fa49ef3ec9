"""Parquet is read in the calling thread, as Arrow's own reader reads it, and leaves nothing behind that could end a process."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from muybridge.core.parquet import read_table


def table(rows: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    names = rng.choice(["clean", "fog", "jpeg", "ünicode", ""], rows)
    return pa.table({"name": sorted(names.tolist()), "other": names.tolist(), "x": rng.normal(size=rows)})


@pytest.fixture(params=[1, 7, 1000], ids=lambda group: f"groups of {group}")
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pq.write_table(table(200), tmp_path / "t.parquet", row_group_size=request.param)
    return tmp_path / "t.parquet"


@pytest.mark.parametrize(
    "only", [None, ("name", "fog"), ("other", "jpeg"), ("other", ""), ("name", "none of it"), ("name", "zzz")]
)
@pytest.mark.parametrize("dictionaries", [(), ("name", "other")], ids=["plain", "dictionaries"])
def test_what_is_read_is_what_arrow_reads(
    path: Path, only: tuple[str, str] | None, dictionaries: tuple[str, ...]
) -> None:
    expected = pq.read_table(path, filters=None if only is None else [(only[0], "=", only[1])])
    with path.open("rb") as file:
        found = read_table(file, dictionaries=dictionaries, only=only)
    assert found.to_pylist() == expected.to_pylist()
    chosen = read_table(
        path, ["x", "name"], dictionaries, None if only is None or only[0] != "name" else only
    )
    assert set(chosen.column_names) == {"x", "name"}


def test_a_file_without_rows_or_groups(tmp_path: Path) -> None:
    pq.write_table(table(0), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", only=("name", "fog")).num_rows == 0
    with pq.ParquetWriter(tmp_path / "none.parquet", table(0).schema):
        pass
    assert read_table(tmp_path / "none.parquet", ["x", "name"], only=("name", "fog")).num_rows == 0


def test_reading_starts_no_thread(path: Path) -> None:
    """Threads of Arrow that hold a file object while Python ends are what aborted processes that had finished."""
    ask = (
        "import os, sys, pyarrow.parquet; from muybridge.core.parquet import read_table;"
        "tasks = lambda: len(os.listdir('/proc/self/task'));"
        "import pyarrow.compute; before = tasks();"
        f"file = open({str(path)!r}, 'rb'); read_table(file); read_table(file, dictionaries=['name'], only=('name', 'fog'));"
        "print(tasks() - before)"
    )
    if not Path("/proc/self/task").is_dir():
        pytest.skip("counts threads in /proc")
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
