"""Predictions: one row per decision, from which every accuracy, interval and table is derived."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int64, Integer

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic, open_plain
from muybridge.core.machine.machine_memory import available
from muybridge.core.parquet import read_table

WHOLE = ("label", "view", "severity")
"""Columns of whole numbers."""
TEXTS = ("video", "group", "perturbation")
"""Columns of names."""
COLUMNS = [*TEXTS, *WHOLE, "scores"]
NAME = 4096
"""Most bytes of a name."""
SEVEREST = 100
"""Severities go to 5; the highest that is read, so that no made-up one takes memory."""
ROW = 200
"""Bytes reckoned for a row without its scores."""
PACKED = 2000
"""Times that rows may be larger in memory than in their file: the same scores in every row, of a network that collapsed, take 100 or so."""
SMALL = 1 << 28
"""Bytes in memory that any file may take."""
PIECE = 1 << 26
"""Bytes, about, of the pieces that a larger file is read in."""


@runtime_checkable
class Decisions(Protocol):
    """What can be asked of rows where scores do not matter; columns of length n.

    ``Predictions`` are such rows, and so are ``measure.robustness.answer_columns.Answers``, which have no scores.
    """

    @property
    def video(self) -> np.ndarray:
        """Ids."""

    @property
    def group(self) -> np.ndarray:
        """Source groups."""

    @property
    def label(self) -> Int64[np.ndarray, "n"]:
        """True classes; -1 for none."""

    @property
    def perturbation(self) -> np.ndarray:
        """Names."""

    @property
    def severity(self) -> Int64[np.ndarray, "n"]:
        """0 for clean."""

    @property
    def predicted(self) -> Integer[np.ndarray, "n"]:
        """Class with the highest score; -1 where there are no scores."""

    @property
    def rank(self) -> Integer[np.ndarray, "n"]:
        """How many classes score higher than the label."""

    @property
    def correct(self) -> Bool[np.ndarray, "n"]:
        """Whether the top-1 class is the label."""

    @property
    def classes(self) -> int:
        """How many there are."""

    def __len__(self) -> int: ...

    def where(self, rows: Bool[np.ndarray, "n"] | Int64[np.ndarray, "m"] | slice) -> Self:
        """The rows of a mask, of numbers or of a slice."""


@dataclass(frozen=True)
class Predictions:
    """Columns of a ``predictions.parquet``; all of length n.

    Attributes:
        video: id of the video.
        group: source group (subject, scene) that never straddles a split; the video itself where none is known.
        label: true class index.
        view: which clip of the video, from 0.
        perturbation: ``"clean"`` or a name of ``muybridge list perturbations``.
        severity: 0 for clean, else 1 to 5.
        scores: logits; NaN rows stand for videos that could not be decoded and count as wrong.
    """

    video: np.ndarray
    group: np.ndarray
    label: Int64[np.ndarray, "n"]
    view: Int64[np.ndarray, "n"]
    perturbation: np.ndarray
    severity: Int64[np.ndarray, "n"]
    scores: Float32[np.ndarray, "n k"]

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"Predictions: columns of different length {lengths}")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def predicted(self) -> Int64[np.ndarray, "n"]:
        """Class with the highest score; -1 where there are no scores."""
        missing = np.isnan(self.scores).any(axis=1)
        return np.where(missing, -1, np.nan_to_num(self.scores, nan=-np.inf).argmax(axis=1))

    @property
    def rank(self) -> Int64[np.ndarray, "n"]:
        """How many classes score higher than the label, of equal scores the lower class first; all of them without scores or label."""
        own = np.take_along_axis(self.scores, np.maximum(self.label, 0)[:, None], axis=1)
        earlier = np.arange(self.classes) < self.label[:, None]
        higher: np.ndarray = ((self.scores > own) | ((self.scores == own) & earlier)).sum(axis=1)
        return np.where(np.isnan(self.scores).any(axis=1) | (self.label < 0), self.classes, higher)

    @property
    def classes(self) -> int:
        """Columns of the scores."""
        return int(self.scores.shape[1])

    @property
    def correct(self) -> Bool[np.ndarray, "n"]:
        """Whether the top-1 class is the label; never where there is no label."""
        right: np.ndarray = (self.predicted == self.label) & (self.label >= 0)
        return right

    def where(self, rows: Bool[np.ndarray, "n"] | Int64[np.ndarray, "m"] | slice) -> "Predictions":
        """The rows of a mask, or those of numbers, in their order and as often as they are named; of a slice without a copy."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def condition(self, perturbation: str, severity: int | np.int64) -> "Predictions":
        """The rows of one perturbation and severity."""
        return self.where((self.perturbation == perturbation) & (self.severity == severity))

    def by_condition(self) -> dict[tuple[str, int], "Predictions"]:
        """The rows of every perturbation and severity that is there, as of ``condition``; all of them after one look at each row."""
        order = np.lexsort((self.severity, self.perturbation))
        sorted_ = self if (np.diff(order) == 1).all() else self.where(order)
        names = list(zip(sorted_.perturbation.tolist(), sorted_.severity.tolist(), strict=True))
        starts = [place for place, name in enumerate(names) if not place or name != names[place - 1]]
        return {
            names[start]: sorted_.where(slice(start, stop)) for start, stop in pairwise([*starts, len(names)])
        }


def concatenate(parts: list[Predictions]) -> Predictions:
    """Rows of several runs below each other (folds, or conditions)."""
    return Predictions(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Predictions)
        }
    )


def write_predictions(path: Path, rows: Predictions) -> None:
    """Write rows as Parquet, atomically; the bytes depend on the rows only."""
    import pyarrow.parquet as pq

    with atomic(path, "wb") as file:
        pq.write_table(as_table(rows), file)


def as_table(rows: Predictions) -> Any:
    """The rows as a ``pyarrow.Table``."""
    import pyarrow as pa

    columns = {
        field.name: getattr(rows, field.name).tolist() for field in fields(rows) if field.name != "scores"
    }
    flat = pa.array(rows.scores.ravel(), pa.float32())
    scores = pa.FixedSizeListArray.from_arrays(flat, rows.scores.shape[1])
    schema = pa.schema(
        [(name, pa.int64() if name in WHOLE else pa.string()) for name in columns] + [("scores", scores.type)]
    )
    return pa.table({**columns, "scores": scores}, schema=schema)


def read_predictions(path: Path, only: str | None = None, first: int | None = None) -> Predictions:
    """Read what ``write_predictions`` wrote.

    Args:
        path: of the file.
        only: read the rows of one perturbation; of a large file nothing else is kept in memory.
        first: read at most so many rows, from the beginning, where the videos that were tested first stand.

    Raises:
        MuybridgeError: damaged or missing file, or one that no run writes: other columns, gaps, names beyond reason, more rows than its
            bytes can hold, or more than the memory that is left.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            _refuse(pq.ParquetFile(file, pre_buffer=False), size, None if only or first else available())
            file.seek(0)
            wanted = None if only is None else ("perturbation", only)
            # As dictionaries, since a long name that is there once may stand in every row.
            table = read_table(file, COLUMNS, TEXTS, wanted, first)
        return _rows(table)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:300]
        raise MuybridgeError(
            f"{path}: no predictions ({said}). Delete the run folder and run again."
        ) from error


def read_pieces(path: Path) -> Iterator[Predictions]:
    """The rows of ``read_predictions`` in pieces of which none parts the rows of a video; of a small file one piece.

    For what is counted: of 240,000 videos under 93 conditions with 400 scores the rows take 36 GB, a piece some 64 MB.

    Raises:
        MuybridgeError: as ``read_predictions``, or the rows of a video lie so far apart that they cannot be joined piece by piece.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            told = pq.ParquetFile(file, pre_buffer=False)
            _refuse(told, size, None)
            row = ROW + 4 * told.schema_arrow.field("scores").type.list_size
            file.seek(0)
            if told.metadata.num_rows * row <= SMALL:
                yield _rows(read_table(file, COLUMNS, TEXTS))
                return
            opened = pq.ParquetFile(file, read_dictionary=list(TEXTS), pre_buffer=False)
            most = max(1, PIECE // row)
            batches = opened.iter_batches(most, columns=COLUMNS, use_threads=False)
            yield from _whole_videos(map(_rows, _filled(batches, most)))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:300]
        raise MuybridgeError(
            f"{path}: no predictions ({said}). Delete the run folder and run again."
        ) from error


def _filled(batches: Iterator[Any], least: int) -> Iterator[Any]:
    """Tables of so many rows or more, but for the last: where row groups end, Arrow's batches may be of a few rows."""
    import pyarrow as pa

    held: list[Any] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch)
        if rows >= least:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


def _whole_videos(batches: Iterator[Predictions]) -> Iterator[Predictions]:
    """The same rows, those of a video held back until a batch has none of it.

    Raises:
        ValueError: a video comes back after that.
    """
    waiting, gone = next(batches), set[str]()
    for batch in batches:
        if again := gone.intersection(batch.video.tolist()):
            raise ValueError(f"the rows of {min(again)} lie apart")
        still = np.isin(waiting.video, batch.video)
        done = waiting.where(~still)
        if len(done):
            gone.update(done.video.tolist())
            yield done
        waiting = concatenate([waiting.where(still), batch])
    yield waiting


def _refuse(file: Any, size: int, left: int | None) -> None:
    """Look at what a file says of itself before its rows are read.

    Args:
        file: of Parquet.
        size: its bytes.
        left: bytes of memory that its rows may take; None for no limit.

    Raises:
        ValueError: no rows of predictions, or more of them than can be.
    """
    import pyarrow as pa

    schema, rows = file.schema_arrow, file.metadata.num_rows
    for name in COLUMNS:
        if schema.get_field_index(name) < 0:
            raise ValueError(f"no column {name!r}, or several")
        kind = schema.field(name).type
        fits = (
            pa.types.is_fixed_size_list(kind) and kind.value_type == pa.float32() and kind.list_size > 0
            if name == "scores"
            else kind == (pa.int64() if name in WHOLE else pa.string())
        )  # fmt: skip
        if not fits:
            raise ValueError(f"column {name!r} is {kind}")
    unpacked = rows * (4 * schema.field("scores").type.list_size + ROW)
    if unpacked > max(SMALL, PACKED * size) or (left is not None and unpacked > left):
        raise ValueError(
            f"{rows:,} rows take {unpacked / 1e9:,.1f} GB; the file has {size / 1e9:,.3f} GB"
            + ("" if left is None else f", and {left / 1e9:,.1f} GB of memory are free")
        )


def _rows(table: Any) -> Predictions:
    """The rows of a table.

    Raises:
        ValueError: gaps, or values that are no answers.
    """
    import pyarrow.compute as pc

    for name in COLUMNS:
        if table[name].null_count:
            raise ValueError(f"gaps in column {name!r}")
    scores = table["scores"].combine_chunks()
    width = scores.type.list_size
    flat = scores.flatten()
    if flat.null_count:
        raise ValueError("gaps in column 'scores'")
    columns: dict[str, Any] = {}
    for name in TEXTS:
        found = table[name].combine_chunks()
        words = found.dictionary
        longest = pc.max(pc.binary_length(words)).as_py() if len(words) else 0
        if longest > NAME or 4 * longest * len(table) > (available() or 1 << 62):
            raise ValueError(f"a text of {longest:,} bytes in column {name!r}")
        known = np.array(words.to_pylist(), dtype=str)
        columns[name] = known[found.indices.to_numpy()] if len(known) else np.array([], dtype=str)
    for name in WHOLE:
        columns[name] = table[name].to_numpy().astype(np.int64)
    for name, least, most in (("label", -1, width - 1), ("view", 0, None), ("severity", 0, SEVEREST)):
        found = columns[name]
        if len(found) and (found.min() < least or (most is not None and found.max() > most)):
            raise ValueError(f"{name} {found.min()} to {found.max()}")
    return Predictions(
        scores=flat.to_numpy(zero_copy_only=False).reshape(-1, width).astype(np.float32), **columns
    )
