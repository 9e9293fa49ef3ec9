"""Lines of csv, tsv, txt, jsonl and parquet files with their numbers, and columns by name."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.data.video import is_video

LISTS = {".csv": ",", ".tsv": "\t", ".txt": " ", ".jsonl": "", ".parquet": ""}
PATH_COLUMNS = ("path", "video", "file_name", "file", "filename")
LABEL_COLUMNS = ("label", "class", "cls", "label_name")

Line = tuple[int, Mapping[str, Any]]


def table(source: Path) -> Iterator[Line]:
    """Lines of a list with their numbers, as mappings; a list without a header line has the columns ``path label``.

    Raises:
        UsageError: a line that cannot be read; names it.
    """
    kind = source.suffix.lower()
    if kind == ".parquet":
        yield from _parquet(source)
        return
    text = _text(source)
    if kind == ".jsonl":
        yield from (
            (at, json_object(line, f"{source}, line {at}"))
            for at, line in enumerate(text.split("\n"), 1)
            if line.strip()
        )
        return
    rows = list(_words(text) if kind == ".txt" else _cells(source, text, LISTS[kind]))
    header = [cell.strip() for cell in rows[0][1]] if rows else []
    titled = not any(is_video(cell) for cell in header)
    columns = header if titled else ["path", "label"][: len(header)]
    _check_columns(source, columns)
    for at, cells in rows[titled:]:
        short = kind != ".txt" and len(cells) < len(columns)
        if short or any(cell.strip() for cell in cells[len(columns) :]):
            raise UsageError(
                f"{source}, line {at}: {len(cells)} fields for the columns {', '.join(columns)}."
                f" Name all columns in the first line, and put quotes around names that hold {LISTS[kind]!r}."
            )
        yield at, dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))


def json_object(text: str, where: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        UsageError: something else.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", error)
        raise UsageError(f"{where}: not JSON ({said}). Wanted one object a line.") from error
    if not isinstance(content, dict):
        raise UsageError(f'{where}: wanted an object such as {{"path": ..., "label": ...}}.')
    return content


def cell(line: Mapping[str, Any], column: str | None, where: str) -> str:
    """Text of a column; empty where the line has no such column.

    Raises:
        UsageError: a list or an object stands there.
    """
    value = line.get(column or "")
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise UsageError(f"{where}: {column} is {value!r:.80}; wanted a text or a number.")
    return str(value).strip()


def column(source: Path, columns: Sequence[str], asked: str | None, usual: Sequence[str]) -> str | None:
    """The column that was asked for, or the first with a usual name.

    Raises:
        UsageError: there is none of the name asked for; says the nearest.
    """
    if asked is not None and asked not in columns:
        raise UsageError(
            f"{source}: no column {asked!r}.{suggestion(asked, columns)} Columns: {', '.join(columns)}."
        )
    spelt = {column.lower(): column for column in reversed(columns)}
    return asked or next((spelt[name] for name in usual if name in spelt), None)


def kept(source: Path, lines: list[Line], where: Sequence[str]) -> list[Line]:
    """The lines of which every ``column=value`` and ``column!=value`` holds.

    Raises:
        UsageError: not such a condition, or no such column.
    """
    columns = list(dict.fromkeys(name for _, line in lines for name in line))
    for condition in where:
        name, equals, value = condition.partition("=")
        if not equals:
            raise UsageError(f"--where {condition!r}: wanted COLUMN=VALUE or COLUMN!=VALUE.")
        name, wanted = name.removesuffix("!"), not name.endswith("!")
        column(source, columns, name, ())
        lines = [
            (at, line) for at, line in lines if (cell(line, name, f"{source}, line {at}") == value) == wanted
        ]
    return lines


def _text(source: Path) -> str:
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UsageError(f"{source}: cannot be read ({error.strerror}).") from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{source}, line {line}: not UTF-8 text ({error.reason}). Save the list as UTF-8."
        ) from error


def _cells(source: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(
            f"{source}, line {begins}: not a table ({error}): a quote opens there and does not close where its field ends."
            " Close it, or write it twice where it is part of a name."
        ) from error


def _words(text: str) -> Iterator[tuple[int, list[str]]]:
    """Fields of a ``txt`` list: split at blanks from the right, since names of videos may hold some."""
    lines = [(at, line.strip()) for at, line in enumerate(text.split("\n"), 1) if line.strip()]
    words = lines[0][1].split() if lines else []
    width = 2 if any(is_video(word) for word in words) else len(words)
    for at, line in lines:
        yield at, [line] if is_video(line) else line.rsplit(maxsplit=width - 1)


def _check_columns(source: Path, columns: Sequence[str]) -> None:
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise UsageError(f"{source}, line 1: two columns are called {twice[0]!r}. Rename one.")


def _parquet(source: Path) -> Iterator[Line]:
    import pyarrow
    from pyarrow import parquet

    try:
        rows = parquet.read_table(source).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise UsageError(f"{source}: not a parquet file ({error}).") from error
    yield from enumerate(rows, 1)
