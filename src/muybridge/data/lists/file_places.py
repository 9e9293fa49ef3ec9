"""From a name in a list to a file on this disk: URLs of files, home folders, backslashes, paths of another machine, ids without suffix."""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from muybridge.core.errors import UsageError
from muybridge.core.text.plurals import counted, inflected
from muybridge.data import stream_names
from muybridge.data.lists import segments
from muybridge.data.lists.finder import Finder, Listings
from muybridge.data.lists.rows import NAME, Rows
from muybridge.data.lists.tar import MARK

_DRIVE = re.compile(r"[A-Za-z]:/")
_ODD = ("\\", "#", ":/", MARK, "//", "/.", "/\n", "\n.", "\n~", "\n\n")
"""What names hold, between line feeds, that are not taken as they stand."""


@dataclass(frozen=True)
class Lookup:
    """What names of a list lead to, from one of several folders; nothing where there is none.

    Attributes:
        bases: folders that the list's paths may start from.
        listings: folders that were looked at.
    """

    bases: Sequence[Path] = ()
    listings: Listings = field(default_factory=Listings)

    def exists(self, name: str) -> bool:
        """Whether a file or a folder has this name."""
        try:
            names = {name, self._plain(name)}
            return (
                bool(name)
                and "\0" not in name
                and any(os.path.lexists(base / one) for base in self.bases for one in names)
            )
        except (OSError, ValueError):  # longer than a name can be
            return False

    def leads(self, name: str) -> bool:
        """Whether a name is that of a video, be it without its suffix, or says which segment of a file it means.

        A folder counts where neither videos nor folders lie in it: it may hold the pictures of one. A folder of videos is a class.
        """
        if segments.parted(name)[1]:
            return True
        try:
            found = [finder.find(self._plain(name)) for finder in self._finders] if name else []
            return any(found) or (
                self.exists(name) and not any(self._holds_videos(b / self._plain(name)) for b in self.bases)
            )
        except (OSError, ValueError):
            return False

    @cached_property
    def _finders(self) -> list[Finder]:
        return [Finder(base, self.listings) for base in self.bases]

    def _holds_videos(self, folder: Path) -> bool:
        listing = self.listings.of(str(folder))
        return bool(listing.stems or listing.folders)

    @staticmethod
    def _plain(name: str) -> str:
        bare = str(stream_names.parted(segments.parted(name)[0])[0]) if "#" in name else name
        return _of_url(bare).replace("\\", "/")


NOWHERE = Lookup()
"""Of a table without files beside it."""


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
        listings: folders that were looked at.
    """

    base: Path
    moved: bool
    listings: Listings = field(default_factory=Listings)

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
        return Finder(self.base, self.listings)

    def file(self, name: str) -> str:
        """The full path of a name, as ``base / name`` is written."""
        plain = name[:1] not in ("", ".", "/") and "//" not in name and "/." not in name and name[-1] != "/"
        return f"{self._text}/{name}" if plain else str(self.base / name)  # a list may have a million names

    @cached_property
    def _text(self) -> str:
        return str(self.base).rstrip("/")  # of / it is nothing

    def plain(self, names: Sequence[str]) -> tuple[list[str], list[str]] | None:
        """Ids and files of names of which none needs a closer look, as nearly all are; None where one may.

        These are short names, and full ones (those below the base lose it), of usual signs, without what ``local`` and paths fold.
        """
        text = "\n".join(names)
        if text.count("\n") != len(names) - 1 or any(sign in f"\n{text}\n" for sign in _ODD):
            return None
        bare = text.replace("\n", "")
        if not bare.isprintable() or max(map(len, names)) * (1 if bare.isascii() else 4) > NAME:
            return None
        below = f"{self._text}/"
        if "\n/" not in f"\n{text}":
            return list(names), [below + name for name in names]
        return (
            [name.removeprefix(below) for name in names],
            [name if name[0] == "/" else below + name for name in names],
        )

    def settle(self, rows: Rows, unsure: Iterable[int]) -> list[str]:
        """Give rows whose files are not there those that they must mean; returns notes that say so.

        Args:
            rows: of the list; changed.
            unsure: places of rows whose files may not be there.
        """
        places = [at for at in unsure if MARK not in rows.ids[at] and not self.finder.has(rows.ids[at])]
        absent = dict.fromkeys(rows.ids[at] for at in places)
        if not absent:
            return []
        taken = {file for id_, file in zip(rows.ids, rows.files, strict=True) if id_ not in absent}
        found: dict[str, list[str]] = {}
        for name in absent:
            file = None if _is_full(name) else self.finder.find(name)
            if file is not None:
                found.setdefault(str(file), []).append(name)
        meant = {same[0]: file for file, same in found.items() if len(same) == 1 and file not in taken}
        far = [name for name in absent if _is_full(name)]
        moved, more = self._moved(far) if far else ({}, [])
        for at in places:
            name = rows.ids[at]
            if name in meant:
                rows.files[at] = meant[name]
            elif name in moved:
                rows.ids[at] = moved[name]
                rows.files[at] = self.file(moved[name])
                rows.groups[at] = moved[name] if rows.groups[at] == name else rows.groups[at]
        return [*_other_names(meant), *more]

    def _moved(self, far: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """Full paths of another machine, below ``--root`` where it is given; else the folder that would do is suggested."""
        bases = [self.base] if self.moved else [self.base, *list(self.base.parents)[:2], Path.cwd()]
        for name in far[:50]:
            parts = PurePosixPath(name).parts
            for base, at in ((base, at) for at in range(1, len(parts)) for base in bases):
                if not os.path.isfile(base.joinpath(*parts[at:])):  # noqa: PTH113 of many files
                    continue
                front = str(PurePosixPath(*parts[:at]))
                same = [one for one in far if PurePosixPath(one).is_relative_to(front)]
                if not self.moved:
                    return {}, [
                        f"{len(same):,} paths begin with {front}, which is not here; --root {base} would read them below that folder"
                    ]
                moved = {one: PurePosixPath(one).relative_to(front).as_posix() for one in same}
                return moved, [f"{len(same):,} paths that begin with {front} are read below {base}"]
        return {}, []


def _is_full(name: str) -> bool:
    return name.startswith("/") or bool(_DRIVE.match(name))


def _other_names(meant: dict[str, str]) -> Iterator[str]:
    if meant:
        name, file = next(iter(meant.items()))
        have = inflected(len(meant), "has")
        yield f"{counted(len(meant), 'video')} {have} other names here than in the list, as {posixpath.basename(file)} for {name}"


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
