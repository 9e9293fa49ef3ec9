"""Lines of csv, tsv, txt, json, jsonl and parquet files with their numbers, and columns by name."""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.parquet import read_table
from muybridge.data.lists import delimited, segments
from muybridge.data.lists.delimited import PATH_COLUMNS, spelling
from muybridge.data.lists.file_places import NOWHERE, Lookup

LISTS = {".csv": ",", ".tsv": "\t", ".txt": delimited.BLANK, ".json": "", ".jsonl": "", ".parquet": ""}
LABEL_COLUMNS = (
    *(
        "label",
        "class",
        "cls",
        "label_name",
        "labels",
        "class_name",
        "classname",
        "action",
        "category",
        "target",
    ),
    *("label_id", "class_id", "label_idx", "class_idx", "action_id", "category_id"),
)
SPLIT_COLUMNS = ("split", "subset")
KNOWN = frozenset(
    {*PATH_COLUMNS, *LABEL_COLUMNS, *SPLIT_COLUMNS, "group", "topped_up", "video_stream"}.union(
        *(names for ends in segments.ENDS.values() for names in ends)
    )
)
"""Names that make a first line one of names, as ``spelling`` writes them."""

Line = tuple[int, Mapping[str, object]]


@dataclass(frozen=True)
class Lines:
    """Lines of a list, kept by columns, since a list may have a million.

    Attributes:
        numbers: of the lines, in their order.
        columns: cells of each column; None where a line has no such column.
        kinds: columns that each line has, where not all lines have the same.
    """

    numbers: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    kinds: Sequence[tuple[str, ...]] | None = None

    @classmethod
    def of(cls, lines: Sequence[Line]) -> "Lines":
        """From lines with their cells by column."""
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        kinds = [shared.setdefault(kind, kind) for kind in (tuple(line) for _, line in lines)]
        names = dict.fromkeys(name for kind in shared for name in kind)
        columns = {name: [line.get(name) for _, line in lines] for name in names}
        return cls([at for at, _ in lines], columns, kinds if len(shared) > 1 else None)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Line]:
        for place, at in enumerate(self.numbers):
            yield at, {name: cells[place] for name, cells in self.columns.items()}

    def take(self, places: Sequence[int]) -> "Lines":
        """Some of the lines, with the columns that these have."""
        kinds = [self.kinds[place] for place in places] if self.kinds else None
        names = (
            dict.fromkeys(name for kind in dict.fromkeys(kinds) for name in kind) if kinds else self.columns
        )
        columns = {name: [self.columns[name][place] for place in places] for name in names}
        return Lines([self.numbers[place] for place in places], columns if places else {}, kinds)

    def texts(self, column: str | None, where: str) -> list[str]:
        """Texts of one column, read at once; empty where there is no such column.

        Args:
            column: its name.
            where: what messages say in front of a line's number.

        Raises:
            UsageError: a list or an object stands there.
        """
        cells = self.columns.get(column) if column is not None else None
        if column is None or cells is None:
            return [""] * len(self)
        try:
            return list(map(str.strip, cells))
        except TypeError:  # not all are texts
            return [text_of(one, column, f"{where}{at}") for one, at in zip(cells, self.numbers, strict=True)]


def table(
    source: Path, asked: Collection[str] = (), lookup: Lookup = NOWHERE
) -> tuple[Lines, tuple[str, ...]]:
    """Lines of a list with their numbers, and notes; a list without a line of names has the columns ``path`` and ``label``.

    Columns without a name (the numbers that pandas writes in front) are left out.

    Args:
        source: the file.
        asked: names that the user gave, which count as known.
        lookup: what names lead to; tells paths without a suffix from other words.

    Raises:
        UsageError: a line that cannot be read; names it.
    """
    kind = source.suffix.lower()
    if kind == ".parquet":
        return _parquet(source), ()
    text = _text(source)
    if kind == ".json":
        return Lines.of(list(enumerate(_entries(source, text), 1))), ()
    if kind == ".jsonl":
        lines = enumerate(text.split("\n"), 1)
        objects = [(at, json_object(line, f"{source}, line {at}")) for at, line in lines if line.strip()]
        return Lines.of(objects), ()
    known = KNOWN | {spelling(name) for name in asked}
    found = delimited.parse(source, text, LISTS[kind], known, lookup)
    columns = {name: cells for name, cells in zip(found.columns, found.fields, strict=True) if name}
    notes: tuple[str, ...] = (
        (f"{found.comments:,} lines that begin with # are left out",) if found.comments else ()
    )
    return Lines(found.numbers, columns), notes


def json_object(text: str, where: str) -> dict[str, object]:
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


def cell(line: Mapping[str, object], column: str | None, where: str) -> str:
    """Text of a column; empty where the line has no such column.

    Raises:
        UsageError: a list or an object stands there.
    """
    return text_of(line.get(column), column, where) if column else ""


def text_of(value: object, column: str, where: str) -> str:
    """Text of a cell.

    Raises:
        UsageError: a list or an object stands there.
    """
    if type(value) is str:
        return value.strip()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str | int | float) or (isinstance(value, float) and math.isinf(value)):
        raise UsageError(f"{where}: {column} is {value!r:.80}; wanted a text or a number.")
    return str(value).strip()


def column(source: Path, columns: Sequence[str], asked: str | None, usual: Sequence[str]) -> str | None:
    """The column that was asked for, or the first with a usual name.

    Raises:
        UsageError: there is none of the name asked for; says the nearest.
    """
    if asked is not None and asked not in columns:
        raise UsageError(
            f"{source}: no column {asked!r:.200}.{suggestion(asked, columns)} Columns: {', '.join(columns):.400}."
        )
    spelt = {spelling(column): column for column in reversed(columns)}
    return asked or next((spelt[name] for name in usual if name in spelt), None)


def kept(source: Path, lines: Lines, where: Sequence[str]) -> Lines:
    """The lines of which every ``column=value`` and ``column!=value`` holds.

    Raises:
        UsageError: not such a condition, or no such column.
    """
    columns = list(lines.columns)
    for condition in where:
        name, equals, value = condition.partition("=")
        if not equals:
            raise UsageError(f"--where {condition!r}: wanted COLUMN=VALUE or COLUMN!=VALUE.")
        name, wanted = name.removesuffix("!"), not name.endswith("!")
        column(source, columns, name, ())
        said = lines.texts(name, f"{source}, line ")
        lines = lines.take([place for place, one in enumerate(said) if (one == value) == wanted])
    return lines


def _text(source: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark, with line feeds between its lines."""
    if not source.is_file():
        raise UsageError(f"{source}: not a file, so it is not read.")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UsageError(f"{source}: cannot be read ({error.strerror}).") from error
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{source}, line {line}: not UTF-8 text ({error.reason}). Save the list as UTF-8."
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _entries(source: Path, text: str) -> Iterator[dict[str, object]]:
    """Objects of a JSON list, or segments of a database as ActivityNet and Kinetics write it.

    Heilbron et al., ActivityNet, CVPR 2015: ``{"database": {id: {"subset", "annotations": [{"segment": [start, end], "label"}]}}}``.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source}: not JSON ({getattr(error, 'msg', error)}).") from error
    if isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
        yield from content
        return
    videos = content.get("database", content) if isinstance(content, dict) else None
    if not isinstance(videos, dict) or not all(
        isinstance(video, dict) and ("annotations" in video or "subset" in video) for video in videos.values()
    ):
        raise UsageError(
            f'{source}: wanted a list of objects such as {{"path": ..., "label": ...}}, or a database as ActivityNet has it:'
            ' {"database": {id: {"subset": ..., "annotations": [{"segment": [0, 10], "label": ...}]}}}.'
        )
    for name, video in videos.items():
        yield from _annotated(source, name, video)


def _annotated(source: Path, name: str, video: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    said = video.get("annotations") or [{}]
    for one in [said] if isinstance(said, dict) else said:
        if not isinstance(one, dict):
            raise UsageError(f"{source}: {name}: an annotation is {one!r:.80}; wanted an object.")
        ends = one.get("segment") or [None, None]
        if not isinstance(ends, list) or len(ends) != 2:
            raise UsageError(f"{source}: {name}: segment {ends!r:.80}; wanted [start, end] in seconds.")
        yield {
            "video_id": name,
            "label": one.get("label"),
            "subset": video.get("subset"),
            "start": ends[0],
            "end": ends[1],
        }


def _parquet(source: Path) -> Lines:
    import pyarrow
    from pyarrow import compute

    try:
        table = read_table(source)
        cells = {}
        for name in dict.fromkeys(table.column_names):
            if name:
                column = table.column(name)  # refuses a name that two columns have
                timed = pyarrow.types.is_temporal(column.type)  # Python's times know no nanoseconds
                number = pyarrow.types.is_duration(column.type)
                if number or timed:
                    column = column.cast("int64") if number else compute.cast(column, "string")
                cells[name] = column.to_pylist()
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        raise UsageError(f"{source}: not a parquet file that can be read ({error}).") from error
    return Lines(range(1, 1 + table.num_rows) if cells else (), cells)
