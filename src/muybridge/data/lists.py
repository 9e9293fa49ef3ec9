"""A list of videos: csv, tsv, txt, jsonl or parquet, with a path column and optional label, split, group and topped_up columns.

Paths may start from the list's folder (or the folder beside it with the list's name, or ``--root``) or be full, also mixed in one list: a
full path below that folder gets the same id as the short one.
"""

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.data.rows import SPLITS, Fence, Row, checked
from muybridge.data.tables import LABEL_COLUMNS, PATH_COLUMNS, cell, column, kept, table


def rows(
    source: Path,
    label: str | None,
    group: str | None,
    root: Path | None,
    where: Sequence[str],
    allow_links: bool,
) -> Iterator[Row]:
    """Rows of a list, in its order.

    Raises:
        UsageError: a line that cannot be read, or a column that does not exist.
    """
    lines = list(table(source))
    if not lines:
        return
    lines = kept(source, lines, where)
    columns = list(dict.fromkeys(name for _, line in lines for name in line))
    path_column = column(source, columns, None, PATH_COLUMNS) or next(iter(columns), "")
    label_column = column(source, columns, label, LABEL_COLUMNS)
    group_column = column(source, columns, group, ("group",) if group is None else ())
    split_column, topped_up = (column(source, columns, None, (name,)) for name in ("split", "topped_up"))
    base = root or _root(source, cell(lines[0][1], path_column, "") if lines else "")
    fence = Fence(base, allow_links)
    for at, line in lines:
        where_ = f"{source}, line {at}"
        name = checked(cell(line, path_column, where_), where_)
        if not name:
            raise UsageError(f"{where_}: no path. Complete the line or remove it.")
        path = base / name
        fence.check(path)
        yield Row(
            id=posixpath.normpath(name if not name.startswith("/") else _short(path, base)),
            path=path,
            label=checked(cell(line, label_column, where_), where_, "label"),
            split=split(cell(line, split_column, where_), where_),
            group=cell(line, group_column, where_),
            place=f"{source.name}, line {at}",
            topped_up=bool(cell(line, topped_up, where_)),
        )


def split(said: str, where: str) -> str:
    """``train``, ``val``, ``test`` or empty, from any usual name of it.

    Raises:
        UsageError: another word.
    """
    if said and said.lower() not in SPLITS:
        raise UsageError(f"{where}: split {said!r}; wanted train, val or test, or nothing.")
    return SPLITS.get(said.lower(), "")


def _short(path: Path, base: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def _root(source: Path, first: str) -> Path:
    beside = source.parent / source.stem
    return beside if not (source.parent / first).exists() and (beside / first).exists() else source.parent
