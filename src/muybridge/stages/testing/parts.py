"""Rows of a long run in parts: written as they come, found again after a kill, joined at the end in constant memory.

A run is cut into chunks, numbered from 0, that are always computed whole and in order. ``state/rows-START-STOP-CHECKSUM.parquet`` holds the
rows of chunks START to STOP - 1 and, in its metadata, the videos that turned out to be broken in them. Where the parts are cut depends on
the clock; the joined files do not. A part whose bytes are not those of its checksum (``store.part_files``) is computed anew, and all
behind it.
"""

import io
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.core.files import atomic
from muybridge.core.parquet import read_table
from muybridge.runs.contents.predictions import Predictions, as_table, concatenate
from muybridge.store.part_files import Parts

PART = 1024
"""Rows that make a part."""
ROWS = 4096
"""Rows of a row group of the joined files."""
SECONDS = 30.0
"""After this long a part is written however small it is."""
BROKEN = b"broken"


class ResumableRows(Parts[tuple[Any, list[dict[str, str]]]]):
    """The parts of one run: a table of rows, if there are any, and the broken videos of each chunk.

    Args:
        folder: where they lie, in the folder of the run, whose signature is in their checksums: the parts of another would fit in shape.
    """

    prefix, suffix = "rows", ".parquet"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, folder.parent.name)

    def add(self, rows: list[Predictions], broken: Iterable[dict[str, str]] = ()) -> None:
        """The rows of the next chunk."""
        table = as_table(concatenate(rows)) if rows else None
        self.put((table, list(broken)), size=0 if table is None else len(table))

    def is_due(self) -> bool:
        """Whether there are rows enough, or they have waited long."""
        return self.size >= PART or time.monotonic() - self.since > SECONDS

    def content(self, items: list[tuple[object, list[dict[str, str]]]]) -> memoryview | None:
        """One table, with the broken videos in its metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = [table for table, _ in items if table is not None]
        if not tables:
            return None
        broken = [video for _, videos in items for video in videos]
        table = pa.concat_tables(tables).replace_schema_metadata({BROKEN: json.dumps(broken).encode()})
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        return buffer.getbuffer()

    @property
    def broken(self) -> list[dict[str, str]]:
        """Path and reason of the videos that turned out to be broken."""
        import pyarrow.parquet as pq

        metadata = [pq.read_schema(path).metadata for path in self.files]
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
            pending: dict[Path, list[object]] = {path: [] for path in (*into, rest)}
            for table in map(read_table, self.files):
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


def _sorted(table: Any, into: dict[Path, frozenset[str]], rest: Path) -> Iterator[tuple[Path, object]]:
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
