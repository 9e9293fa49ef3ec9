"""From a name in a list to a file on this disk: URLs of files, home folders, backslashes, paths of another machine, ids without suffix."""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from muybridge.core.errors import UsageError
from muybridge.data.lists.finder import Finder
from muybridge.data.lists.rows import Row
from muybridge.data.lists.tar import MARK

_DRIVE = re.compile(r"[A-Za-z]:/")


def exists(bases: Sequence[Path], name: str) -> bool:
    """Whether a name leads to something from one of several folders."""
    try:
        names = {name, _of_url(name).replace("\\", "/")}
        return (
            bool(name)
            and "\0" not in name
            and any(os.path.lexists(base / one) for base in bases for one in names)
        )
    except (OSError, ValueError):  # longer than a name can be
        return False


def _of_url(name: str) -> str:
    """The path of a file's URL; other names as they are."""
    if name[:5].lower() != "file:":
        return name
    return unquote(re.sub(r"^file:(//(localhost)?(?=/))?", "", name, flags=re.IGNORECASE))


@dataclass
class Places:
    """Files of a list.

    Attributes:
        base: folder that its paths start from.
        moved: whether full paths that are not here may be looked for below ``base``, which the user named.
    """

    base: Path
    moved: bool

    def local(self, name: str, where: str) -> str:
        """A name as this machine writes it: short, or full with ``/`` in front (or a drive, which no folder here has).

        Raises:
            UsageError: an address on the net.
        """
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", name) if ":/" in name else None
        if scheme and scheme[1].lower() == "file":
            name = _of_url(name)
        elif scheme and "://" in name:
            raise UsageError(
                f"{where}: {name!r:.120} lies on the net, and nothing is downloaded. Get the file and list its path."
            )
        if name.startswith("~") and not self.finder.has(name):
            name = os.path.expanduser(name)  # noqa: PTH111 a name is no path yet
        if "\\" in name and not self.finder.has(name):
            name = name.replace("\\", "/")
        return name

    @cached_property
    def finder(self) -> Finder:
        """Finds files below the base."""
        return Finder(self.base)

    def file(self, name: str) -> str:
        """The full path of a name, as ``base / name`` is written."""
        plain = name[:1] not in ("", ".", "/") and "//" not in name and "/." not in name and name[-1] != "/"
        return f"{self._text}/{name}" if plain else str(self.base / name)  # a list may have a million names

    @cached_property
    def _text(self) -> str:
        return str(self.base).rstrip("/")  # of / it is nothing

    def holds(self, row: Row) -> bool:
        """Whether a row's file is the one of its own name below the base."""
        return row.file == f"{self._text}/{row.id}"

    def settle(self, rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
        """The rows with the files that they must mean where the named ones are not there, and notes that say so."""
        absent = {row.id: row for row in rows if self._is_absent(row)}
        if not absent:
            return list(rows), []
        taken = {row.file for row in rows if row.id not in absent}
        found: dict[str, list[Row]] = {}
        for row in absent.values():
            file = None if _is_full(row.id) else self.finder.find(row.id)
            if file is not None:
                found.setdefault(str(file), []).append(row)
        meant = {same[0].id: file for file, same in found.items() if len(same) == 1 and file not in taken}
        notes = list(_other_names(meant))
        rows = [row._replace(file=meant[row.id]) if row.id in meant else row for row in rows]
        far = [row for row in absent.values() if _is_full(row.id)]
        moved, more = self._moved(far) if far else ({}, [])
        return [moved.get(row.id, row) for row in rows], [*notes, *more]

    def _is_absent(self, row: Row) -> bool:
        return MARK not in row.id and not self.finder.has(row.id)

    def _moved(self, far: Sequence[Row]) -> tuple[dict[str, Row], list[str]]:
        """Full paths of another machine, below ``--root`` where it is given; else the folder that would do is suggested."""
        bases = [self.base] if self.moved else [self.base, *list(self.base.parents)[:2], Path.cwd()]
        for row in far[:50]:
            parts = PurePosixPath(row.id).parts
            for base, at in ((base, at) for at in range(1, len(parts)) for base in bases):
                if not os.path.isfile(base.joinpath(*parts[at:])):  # noqa: PTH113 of many files
                    continue
                front = str(PurePosixPath(*parts[:at]))
                same = [one for one in far if PurePosixPath(one.id).is_relative_to(front)]
                if not self.moved:
                    return {}, [
                        f"{len(same):,} paths begin with {front}, which is not here; --root {base} would read them below that folder"
                    ]
                moved = {one.id: self._below(one, front) for one in same}
                return moved, [f"{len(same):,} paths that begin with {front} are read below {base}"]
        return {}, []

    def _below(self, row: Row, front: str) -> Row:
        short = PurePosixPath(row.id).relative_to(front).as_posix()
        group = short if row.group == row.id else row.group
        return row._replace(id=short, file=self.file(short), group=group)


def _is_full(name: str) -> bool:
    return name.startswith("/") or bool(_DRIVE.match(name))


def _other_names(meant: dict[str, str]) -> Iterator[str]:
    if meant:
        name, file = next(iter(meant.items()))
        yield f"{len(meant):,} videos have other names here than in the list, as {posixpath.basename(file)} for {name}"


def trimmed(name: str, start: str, end: str, label: str, split: str) -> Iterable[tuple[str, bool]]:
    """Where the video of an id may lie, and whether that file holds the segment only: clips as Kinetics names them, then whole videos."""
    cut = [f"{name}_{start.zfill(6)}_{end.zfill(6)}"] if start.isdecimal() and end.isdecimal() else []
    folders = [
        "",
        *dict.fromkeys(f"{one}/" for one in (f"{split}/{label}", label, split, "videos") if one.strip("/")),
    ]
    for folder in folders:
        yield from ((folder + one, True) for one in cut)
        yield from ((folder + one, False) for one in (name, f"v_{name}"))
