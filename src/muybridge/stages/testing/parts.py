"""Rows of a long run in parts: written as they come, found again after a kill, joined at the end in constant memory.

A run is cut into chunks, numbered from 0, that are always computed whole and in order. ``state/rows-START-STOP-CHECKSUM.parquet`` holds the
rows of chunks START to STOP - 1 and, in its metadata, the videos that turned out to be broken in them. Where the parts are cut depends on
the clock; the joined files do not. A part whose bytes are not those of its checksum (``store.checked``) is computed anew, and all
behind it.
"""

import io
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np

from muybridge.core.files import atomic
from muybridge.core.machine.interrupts import whole
from muybridge.core.parquet import read_table
from muybridge.runs.contents.predictions import Predictions, as_table, concatenate
from muybridge.store.part_files import sound_parts, write_part

PART = 1024
"""Rows that make a part."""
ROWS = 4096
"""Rows of a row group of the joined files."""
SECONDS = 30.0
"""After this long a part is written however small it is."""
BROKEN = b"broken"


class ResumableRows:
    """The parts of one run.

    Args:
        folder: where they lie; leftovers of a kill in it are removed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*.part"):
            draft.unlink()
        self.folder = folder
        self.start = self.stop = sound_parts(folder, "rows", ".parquet", self._owner)[1]
        self._tables: list[Any] = []
        self._broken: list[dict[str, str]] = []
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Asked to stop: what was done is kept."""
        if kind is not None and not issubclass(kind, Exception):
            self.flush()

    @property
    def _owner(self) -> str:
        """The run, by its signature: the parts of another would fit in shape."""
        return self.folder.parent.name

    def add(self, rows: list[Predictions], broken: Iterable[dict[str, str]] = ()) -> None:
        """The rows of the next chunk."""
        table = as_table(concatenate(rows)) if rows else None
        with whole():  # a chunk counts with all its rows or not at all
            if table is not None:
                self._tables.append(table)
            self._broken += broken
            self.stop += 1
        if sum(map(len, self._tables)) >= PART or time.monotonic() - self._since > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.stop == self.start:
            return
        if self._tables:
            table = pa.concat_tables(self._tables)
            table = table.replace_schema_metadata({BROKEN: json.dumps(self._broken).encode()})
            buffer = io.BytesIO()
            pq.write_table(table, buffer)
            write_part(
                self.folder, "rows", self.start, self.stop, ".parquet", buffer.getbuffer(), self._owner
            )
        self.start, self._tables, self._broken, self._since = self.stop, [], [], time.monotonic()

    @property
    def broken(self) -> list[dict[str, str]]:
        """Path and reason of the videos that turned out to be broken."""
        import pyarrow.parquet as pq

        metadata = [pq.read_schema(path).metadata for path in self._paths()]
        return [video for one in metadata for video in json.loads(one[BROKEN])]

    def join(self, into: dict[Path, frozenset[str]], rest: Path) -> int:
        """Write all rows below each other; returns how many of them have scores that are no numbers.

        Args:
            into: files and the perturbations that go there.
            rest: where the others go.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.flush()
        holes = 0
        with ExitStack() as stack:
            writers: dict[Path, Any] = {}
            pending: dict[Path, list[Any]] = {path: [] for path in (*into, rest)}
            for table in map(read_table, self._paths()):
                table = table.replace_schema_metadata(None)
                holes += _holes(table)
                for path, part in _sorted(table, into, rest):
                    if path not in writers:
                        file = stack.enter_context(atomic(path, "wb"))
                        writers[path] = stack.enter_context(pq.ParquetWriter(file, table.schema))
                    pending[path].append(part)
                    whole = pa.concat_tables(pending[path]).combine_chunks()
                    ready = len(whole) // ROWS * ROWS
                    if ready:
                        writers[path].write_table(whole[:ready], row_group_size=ROWS)
                    pending[path] = [whole[ready:]]
            for path, writer in writers.items():
                writer.write_table(pa.concat_tables(pending[path]), row_group_size=ROWS)
        return holes

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("rows-*.parquet"))


def _sorted(table: Any, into: dict[Path, frozenset[str]], rest: Path) -> Iterator[tuple[Path, Any]]:
    """The rows of a table by the file they go to."""
    names = np.array(table["perturbation"].to_pylist(), dtype=str)
    left = np.ones(len(names), bool)
    for path, wanted in into.items():
        chosen = np.isin(names, list(wanted))
        left &= ~chosen
        if chosen.any():
            yield path, table.filter(chosen)
    yield rest, table.filter(left)


def _holes(table: Any) -> int:
    scores = table["scores"].combine_chunks()
    flat = scores.flatten().to_numpy(zero_copy_only=False).reshape(len(table), -1)
    return int(np.isnan(flat).any(axis=1).sum())
