"""The user's own videos: folders of classes, split folders, lists, or a plain pile of files.

Recognised: ``root/<class>/*``, ``root/{train,val,test}/<class>/*``, an unlabelled folder (any depth), and a ``csv``, ``tsv``, ``jsonl`` or
``txt`` list with a path column and optional label, split and group columns. Hidden files and folders are left out.
"""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, VideoRecord
from muybridge.data.video import VIDEO_SUFFIXES, is_video

LISTS = {".csv": ",", ".tsv": "\t", ".txt": " ", ".jsonl": ""}
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
PATH_COLUMNS = ("path", "video", "file_name", "file", "filename")
LABEL_COLUMNS = ("label", "class", "cls", "label_name")


@dataclass(frozen=True)
class Row:
    """One video before labels are numbered."""

    id: str
    path: Path
    label: str
    split: str
    group: str


def read(
    source: Path,
    *,
    label: str | None = None,
    group: str | None = None,
    root: Path | None = None,
    where: Sequence[str] = (),
) -> Dataset:
    """Read a folder or a list.

    Args:
        source: a folder, or a list file.
        label: label column of a list; found by its usual names when not given.
        group: group column of a list; each video is its own group when not given.
        root: folder that the paths of a list start from; the list's own folder, or the folder beside it with its name, when not given.
        where: lines of a list that count, as ``column=value`` or ``column!=value``; all of several must hold.

    Raises:
        UsageError: nothing there, no videos, or a column that does not exist.
    """
    if source.is_dir():
        rows = list(_folder_rows(source))
        if not rows:
            raise UsageError(_nothing(source))
        if group or where:
            raise UsageError(
                f"{source}: a folder has no column {group or where[0]!r}; give a list with such a column instead."
            )
    elif source.is_file() and source.suffix.lower() in LISTS:
        rows = list(_list_rows(source, label, group, root, where))
        if not rows:
            left = f" of which {' and '.join(where)} holds" if where else ""
            raise UsageError(f"{source}: the list names no videos{left}.")
    elif source.is_file():
        raise UsageError(f"{source}: neither a folder nor a list ({', '.join(LISTS)}).")
    else:
        beside = [path.name for path in source.parent.iterdir()] if source.parent.is_dir() else []
        raise UsageError(f"{source}: no such folder or list.{suggestion(source.name, beside)}")
    return number(source.stem if source.is_file() else source.name, rows)


def number(name: str, rows: Sequence[Row]) -> Dataset:
    """Number the labels in sorted order, whole numbers by value, and sort the records by id."""
    names = {row.label for row in rows if row.label}
    numeric = all(label.removeprefix("-").isdecimal() for label in names)
    classes = tuple(sorted(names, key=lambda label: (int(label) if numeric else 0, label)))
    index = {label: i for i, label in enumerate(classes)}
    records = [VideoRecord(r.id, r.path, index.get(r.label, -1), r.split, r.group or r.id) for r in rows]
    twice = [video for video, count in Counter(record.id for record in records).items() if count > 1]
    if twice:
        raise UsageError(
            f"{name}: {twice[0]!r} is listed twice ({len(twice)} such videos). List each video once."
        )
    return Dataset(name, tuple(sorted(records, key=lambda record: record.id)), classes)


def _folder_rows(root: Path) -> Iterator[Row]:
    """Videos below ``root``; the last folder is the class, a first folder named like a split is the split."""
    videos = sorted(path.relative_to(root) for path in _files(root) if is_video(path))
    split = {path.parts[0].lower() for path in videos} <= SPLITS.keys()
    depth = {len(path.parts) - split for path in videos}
    labelled = depth == {2}
    for path in videos:
        name = path.as_posix()
        if name != name.encode(errors="replace").decode():
            raise UsageError(f"{root}: the file name {name!r} is not UTF-8. Rename the file.")
        yield Row(
            id=name,
            path=root / path,
            label=path.parts[-2] if labelled else "",
            split=SPLITS[path.parts[0].lower()] if split else "",
            group="",
        )


def _files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All files below a folder; links to folders are followed unless they lead back up."""
    above |= {folder.resolve()}
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            if not entry.is_dir():
                yield path
            elif path.resolve() not in above:
                yield from _files(path, above)


def _list_rows(
    source: Path, label: str | None, group: str | None, root: Path | None, where: Sequence[str]
) -> Iterator[Row]:
    table = list(_table(source))
    if not table:
        return
    table = _kept(source, table, where)
    columns = list(dict.fromkeys(column for _, line in table for column in line))
    path_column = _column(source, columns, None, PATH_COLUMNS) or next(iter(columns), "")
    label_column = _column(source, columns, label, LABEL_COLUMNS)
    split_column = _column(source, columns, None, ("split",))
    group_column = _column(source, columns, group, ("group",) if group is None else ())
    base = root or _root(source, table[0][1].get(path_column, "").strip() if table else "")
    for at, line in table:
        name = line.get(path_column, "").strip()
        if not name:
            raise UsageError(f"{source}, line {at}: no path. Complete the line or remove it.")
        split = (line.get(split_column or "") or "").strip().lower()
        if split and split not in SPLITS:
            raise UsageError(
                f"{source}: split {split!r} of {name!r}; wanted one of {', '.join(sorted(SPLITS))}, or nothing."
            )
        path = base / name
        yield Row(
            id=(path.relative_to(base) if path.is_relative_to(base) else path).as_posix(),
            path=path,
            label=(line.get(label_column or "") or "").strip(),
            split=SPLITS.get(split, ""),
            group=(line.get(group_column or "") or "").strip(),
        )


def _kept(
    source: Path, table: list[tuple[int, Mapping[str, str]]], where: Sequence[str]
) -> list[tuple[int, Mapping[str, str]]]:
    """The lines of which every ``column=value`` and ``column!=value`` holds."""
    columns = list(dict.fromkeys(name for _, line in table for name in line))
    for condition in where:
        column, equals, value = condition.partition("=")
        if not equals:
            raise UsageError(f"--where {condition!r}: wanted COLUMN=VALUE or COLUMN!=VALUE.")
        column, wanted = column.removesuffix("!"), not column.endswith("!")
        _column(source, columns, column, ())
        table = [one for one in table if ((one[1].get(column) or "").strip() == value) == wanted]
    return table


def _table(source: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Lines of a list with their numbers, as mappings; a list without a header line has the columns ``path label``."""
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{source}: not UTF-8 text ({error}). Save the list as UTF-8.") from error
    kind = source.suffix.lower()
    if kind == ".jsonl":
        yield from (
            (at, _object(source, at, line)) for at, line in enumerate(text.split("\n"), 1) if line.strip()
        )
        return
    rows = list(_words(text) if kind == ".txt" else _cells(source, text, LISTS[kind]))
    header = [cell.strip() for cell in rows[0][1]] if rows else []
    titled = not any(is_video(cell) for cell in header)
    columns = header if titled else ["path", "label"]
    for at, cells in rows[titled:]:
        if any(cell.strip() for cell in cells[len(columns) :]):
            raise UsageError(
                f"{source}, line {at}: {len(cells)} fields for the columns {', '.join(columns)}."
                f" Name all columns in the first line, and put quotes around names that hold {LISTS[kind]!r}."
            )
        yield at, dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))


def _object(source: Path, at: int, line: str) -> dict[str, str]:
    try:
        content = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"{source}, line {at}: not JSON ({error.msg}). Wanted one object a line.") from error
    if not isinstance(content, dict):
        raise UsageError(f'{source}, line {at}: wanted an object such as {{"path": ..., "label": ...}}.')
    return {key: "" if value is None else str(value) for key, value in content.items()}


def _cells(source: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        yield from ((reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise UsageError(f"{source}, line {reader.line_num}: not a table ({error}).") from error


def _words(text: str) -> Iterator[tuple[int, list[str]]]:
    """Fields of a ``txt`` list: split at blanks from the right, since names of videos may hold some."""
    lines = [(at, line.strip()) for at, line in enumerate(text.split("\n"), 1) if line.strip()]
    words = lines[0][1].split() if lines else []
    width = 2 if any(is_video(word) for word in words) else len(words)
    for at, line in lines:
        yield at, [line] if is_video(line) else line.rsplit(maxsplit=width - 1)


def _column(source: Path, columns: Sequence[str], asked: str | None, usual: Sequence[str]) -> str | None:
    if asked is not None and asked not in columns:
        raise UsageError(
            f"{source}: no column {asked!r}.{suggestion(asked, columns)} Columns: {', '.join(columns)}."
        )
    spelt = {column.lower(): column for column in reversed(columns)}
    return asked or next((spelt[name] for name in usual if name in spelt), None)


def _root(source: Path, first: str) -> Path:
    beside = source.parent / source.stem
    return beside if not (source.parent / first).exists() and (beside / first).exists() else source.parent


def _nothing(root: Path) -> str:
    others = sorted({path.suffix.lower() or "no suffix" for path in root.rglob("*") if path.is_file()})
    found = f"it holds files of other kinds ({', '.join(others[:5])})" if others else "it is empty"
    return (
        f"{root}: no videos; {found}. Wanted root/<class>/*, root/{{train,val,test}}/<class>/*, or files ending in"
        f" {', '.join(sorted(VIDEO_SUFFIXES))}."
    )
