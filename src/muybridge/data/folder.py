"""The user's own videos: folders of classes, split folders, lists, or a plain pile of files.

Recognised: ``root/<class>/*``, ``root/{train,val,test}/<class>/*``, an unlabelled folder (any depth), and a ``csv``, ``tsv``, ``jsonl`` or
``txt`` list with a path column and optional label, split and group columns.
"""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

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
    source: Path, *, label: str | None = None, group: str | None = None, root: Path | None = None
) -> Dataset:
    """Read a folder or a list.

    Args:
        source: a folder, or a list file.
        label: label column of a list; found by its usual names when not given.
        group: group column of a list; each video is its own group when not given.
        root: folder that the paths of a list start from; the list's own folder, or the folder beside it with its name, when not given.

    Raises:
        UsageError: nothing there, no videos, or a column that does not exist.
    """
    if source.is_dir():
        rows = list(_folder_rows(source))
        if not rows:
            raise UsageError(_nothing(source))
        if group:
            raise UsageError(
                f"{source}: a folder has no column {group!r}; give a list with path,label,{group} columns instead."
            )
    elif source.is_file() and source.suffix.lower() in LISTS:
        rows = list(_list_rows(source, label, group, root))
        if not rows:
            raise UsageError(f"{source}: the list names no videos.")
    elif source.is_file():
        raise UsageError(f"{source}: neither a folder nor a list ({', '.join(LISTS)}).")
    else:
        near = suggestion(source.name, os.listdir(source.parent)) if source.parent.is_dir() else ""
        raise UsageError(f"{source}: no such folder or list.{near}")
    return number(source.stem if source.is_file() else source.name, rows)


def number(name: str, rows: Sequence[Row]) -> Dataset:
    """Number the labels in sorted order, whole numbers by value, and sort the records by id."""
    names = {row.label for row in rows if row.label}
    numeric = all(label.isdecimal() for label in names)
    classes = tuple(sorted(names, key=(lambda x: int(x)) if numeric else str))
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
    files = [Path(base) / name for base, _, names in os.walk(root) for name in names]
    videos = sorted(path.relative_to(root) for path in files if is_video(path))
    splits = {path.parts[0].lower() for path in videos if len(path.parts) > 1}
    split = bool(splits) and splits <= SPLITS.keys()
    depth = {len(path.parts) - split for path in videos}
    labelled = depth == {2}
    for path in videos:
        yield Row(
            id=path.as_posix(),
            path=root / path,
            label=path.parts[-2] if labelled else "",
            split=SPLITS[path.parts[0].lower()] if split else "",
            group="",
        )


def _list_rows(source: Path, label: str | None, group: str | None, root: Path | None) -> Iterator[Row]:
    table = list(_table(source))
    if not table:
        return
    columns = list(table[0])
    path_column = _column(source, columns, None, PATH_COLUMNS) or columns[0]
    label_column = _column(source, columns, label, LABEL_COLUMNS)
    split_column = _column(source, columns, None, ("split",))
    group_column = _column(source, columns, group, ("group",) if group is None else ())
    base = root or _root(source, table[0][path_column])
    for line in table:
        name = line[path_column].strip()
        split = (line.get(split_column or "") or "").strip().lower()
        if split and split not in SPLITS:
            raise UsageError(
                f"{source}: split {split!r} of {name!r}; wanted one of {', '.join(sorted(SPLITS))}, or nothing."
            )
        yield Row(
            id=PurePosixPath(name).as_posix(),
            path=base / name,
            label=(line.get(label_column or "") or "").strip(),
            split=SPLITS.get(split, ""),
            group=(line.get(group_column or "") or "").strip(),
        )


def _table(source: Path) -> Iterator[Mapping[str, str]]:
    """Lines of a list as mappings; a list without a header line has the columns ``path label``."""
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{source}: not UTF-8 text ({error}). Save the list as UTF-8.") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if source.suffix.lower() == ".jsonl":
        for line in lines:
            yield {key: "" if value is None else str(value) for key, value in json.loads(line).items()}
        return
    if not lines:
        return
    delimiter = LISTS[source.suffix.lower()]
    first = next(csv.reader([lines[0]], delimiter=delimiter))
    if Path(first[0]).suffix.lower() in VIDEO_SUFFIXES:
        lines.insert(0, delimiter.join(("path", "label")))
    for line in csv.DictReader(lines, delimiter=delimiter):
        yield {str(key): value or "" for key, value in line.items()}


def _column(source: Path, columns: Sequence[str], asked: str | None, usual: Sequence[str]) -> str | None:
    if asked is not None and asked not in columns:
        raise UsageError(
            f"{source}: no column {asked!r}.{suggestion(asked, columns)} Columns: {', '.join(columns)}."
        )
    return asked or next((name for name in usual if name in columns), None)


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
