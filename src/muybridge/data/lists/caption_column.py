"""Sentences about videos: a column of the user's list, read as its labels are, with their checks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.index import Dataset
from muybridge.data.lists import amounts
from muybridge.data.sets import builtin

COLUMN = "caption"
"""The column that holds them where none is named."""


def read(data: Sequence[str], dataset: Dataset, column: str | None, **columns: Any) -> Mapping[str, str]:
    """The sentence about each video of a data set, by id; videos without one are left out.

    Args:
        data: where the data set was read from.
        dataset: what came out.
        column: of the list; ``caption`` when not given.
        columns: ``group``, ``root``, ``where`` and ``allow_links``, as the data set was read with.

    Raises:
        UsageError: no such column, or no sentence in it.
    """
    name = column or COLUMN
    if dataset.columns and name not in dataset.columns:
        raise UsageError(
            f"{dataset.name}: has no column {name!r} with a sentence about each video. Name it with --caption COLUMN; columns:"
            f" {', '.join(dataset.columns)}."
        )
    if not dataset.columns:
        raise UsageError(
            f"{dataset.name}: no list, so there are no sentences about its videos. Give a list (csv, tsv, jsonl, parquet) with a column"
            f" {name!r}, or builtin-scenes."
        )
    places = [_list_of(source, len(data)) for source in data]
    read = sources.load(places, label=name, **columns)
    found = {record.id: read.classes[record.label] for record in read.records if record.label >= 0}
    if not found:
        raise UsageError(f"{dataset.name}: the column {name!r} is empty. Name another with --caption COLUMN.")
    return found


def _list_of(source: str, parts: int) -> str:
    """The list behind a source, whole, since what takes N of its videos looks at their labels."""
    whole = amounts.parse(source)[0] if not Path(source).exists() else source
    if whole != "builtin-scenes":
        return whole
    if parts > 1:
        raise UsageError(
            "builtin-scenes has its sentences for itself; give it alone for an objective that needs them."
        )
    return str(builtin.ensure().folder / "scenes.csv")
