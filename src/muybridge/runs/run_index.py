"""The index: every run below a folder in one SQLite file, read anew only where a run folder has changed.

The file lies in the cache (``$MUYBRIDGE_CACHE/index-2``), not beside the runs: SQLite's write-ahead log wants a local disk, and run
folders may be on any. It can be deleted at any time; a file that is no index any more is thrown away and made again; where the cache
cannot be written, the index lives in memory for one call.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from muybridge.core.errors import MuybridgeError
from muybridge.core.machine.paths import cache_root
from muybridge.runs.mirror import place_of
from muybridge.runs.records import Run, folders
from muybridge.runs.run_row import RunRow, read_row, stamp
from muybridge.store.lease import beating

SCHEMA = """CREATE TABLE IF NOT EXISTS runs
(stage TEXT, signature TEXT, stamp TEXT, row TEXT, PRIMARY KEY (stage, signature)) WITHOUT ROWID"""
WAIT = 30.0
"""Seconds to wait for another process that writes."""

Headline = Callable[[Run], dict[str, float]]


class Index:
    """Rows of the runs below ``folder/runs``; several processes may use and fill it at once.

    Args:
        folder: what ``--out`` names.
        path: of the SQLite file; in the cache, named by the folder, when not given.
    """

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        self.folder = Path(folder)
        name = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:16]
        self.path = path or cache_root() / "index-2" / f"{name}.sqlite"

    def rows(self) -> list[RunRow]:
        """Every run, sorted by stage and signature, after a look at what has changed and at who works on what is not finished.

        Raises:
            OSError: the run folders cannot be read.
        """
        for _ in range(2):
            try:
                return self._live(self._look(self.path))
            except (sqlite3.Error, OSError, ValueError, TypeError) as error:
                if _elsewhere(error):
                    break
                _forget(self.path)
        return self._live(self._look(None))

    def row(self, run: Run) -> RunRow:
        """One run, as ``rows`` has it, without a look at the others and at who works on it."""
        mark = stamp(run.path)
        try:
            with _opened(self.path) as base:
                key = (run.stage, run.signature)
                known = base.execute(
                    "SELECT stamp, row FROM runs WHERE stage = ? AND signature = ?", key
                ).fetchone()
                if known and known[0] == mark:
                    return RunRow(**json.loads(known[1]))
                row = read_row(run)
                with base:
                    base.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", (*key, mark, _text(row)))
                return row
        except (sqlite3.Error, OSError, ValueError, TypeError):
            return read_row(run)

    def measured(self, rows: Iterable[RunRow], headline: Headline) -> list[RunRow]:
        """The rows with the headline numbers that finished runs lack; they are kept for the next time.

        Args:
            rows: of this index.
            headline: reads them from a run folder; a ``MuybridgeError`` makes the run damaged.
        """
        rows = list(rows)
        lacking = [row for row in rows if row.status == "done" and row.numbers is None]
        found = {row.name: self._measure(row, headline) for row in lacking}
        self._keep([(_text(found[row.name]), row.stage, row.signature, _text(row)) for row in lacking])
        return [found.get(row.name, row) for row in rows]

    def run(self, row: RunRow) -> Run:
        """The run folder of a row."""
        return Run(self.folder / "runs" / row.stage / row.signature)

    def _measure(self, row: RunRow, headline: Headline) -> RunRow:
        try:
            return replace(row, numbers=headline(self.run(row)))
        except (MuybridgeError, OSError) as error:
            return replace(row, status="damaged", reason=" ".join(str(error).split()))

    def _live(self, rows: Iterable[RunRow]) -> list[RunRow]:
        """The rows, those ``running`` that somebody alive holds the lease of; it lasts a moment, so it is not kept."""
        return [
            replace(row, status="running")
            if row.status in ("unfinished", "failed") and beating(place_of(self.run(row))) is not None
            else row
            for row in rows
        ]

    def _look(self, place: Path | None) -> list[RunRow]:
        with _opened(place) as base:
            self._refresh(base)
            rows = base.execute("SELECT row FROM runs ORDER BY stage, signature")
            return [RunRow(**json.loads(text)) for (text,) in rows]

    def _refresh(self, base: sqlite3.Connection) -> None:
        known = {
            (stage, name): mark
            for stage, name, mark in base.execute("SELECT stage, signature, stamp FROM runs")
        }
        found = {(run.stage, run.signature): run for run in folders(self.folder)}
        # The stamp is taken before the folder is read: what changes in between is seen by the next look.
        marks = {key: stamp(run.path) for key, run in found.items()}
        changed = [key for key, mark in marks.items() if known.get(key) != mark]
        rows = [(*key, marks[key], _text(read_row(found[key]))) for key in changed]
        gone = [key for key in known if key not in found]
        if rows or gone:
            with base:
                base.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", rows)
                base.executemany("DELETE FROM runs WHERE stage = ? AND signature = ?", gone)

    def _keep(self, changes: Sequence[tuple[str, str, str, str]]) -> None:
        """Put new rows in the place of old ones, unless another process has read the folder anew since."""
        if not changes:
            return
        try:
            with _opened(self.path) as base, base:
                base.executemany(
                    "UPDATE runs SET row = ? WHERE stage = ? AND signature = ? AND row = ?", changes
                )
        except (sqlite3.Error, OSError):
            return  # they are computed again the next time


@contextmanager
def _opened(path: Path | None) -> Iterator[sqlite3.Connection]:
    """An index file, or (None) one in memory."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path or ":memory:", timeout=WAIT)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        with base:
            base.execute(SCHEMA)
        yield base


def _text(row: RunRow) -> str:
    return json.dumps(vars(row), ensure_ascii=False)


def _elsewhere(error: Exception) -> bool:
    """Whether the index is in use for long, or lies where nothing can be written: no reason to throw it away."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, OSError) or code in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
    )


def _forget(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + end).unlink()
