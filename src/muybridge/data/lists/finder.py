"""Which file on this disk a list means: the same name, the same name in a folder spelt otherwise, or the same stem with another suffix.

Sets are converted (``1.webm`` to ``1.mp4``, ``x.mp4`` to ``x.mp4.mkv``), their class folders are renamed (blanks and underscores,
capitals), and tables drop the zeros of numbers. Each folder is listed once.
"""

import os
import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from muybridge.data.decode.video import VIDEO_SUFFIXES

_SUFFIX = re.compile(rf"(?:{'|'.join(map(re.escape, sorted(VIDEO_SUFFIXES)))})$", re.IGNORECASE)


def stem(name: str) -> str:
    """A file's name without its video suffixes, of which a converted file may have two."""
    while (bare := _SUFFIX.sub("", name)) not in (name, ""):
        name = bare
    return name


def squashed(name: str) -> str:
    """A folder's name without what spellings differ in: capitals, blanks, underscores and hyphens."""
    return re.sub(r"[\s_-]+", "", name).casefold()


@dataclass(frozen=True)
class _Listing:
    files: frozenset[str]
    folders: tuple[str, ...]
    links: frozenset[str]

    @cached_property
    def stems(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self.files):
            if _SUFFIX.search(name):
                found[stem(name)].append(name)
        return found

    @cached_property
    def numbers(self) -> dict[str, list[str]]:
        """Stems that are numbers, without the zeros in front."""
        found: dict[str, list[str]] = defaultdict(list)
        for bare in self.stems:
            if bare.isdecimal():
                found[bare.lstrip("0")].append(bare)
        return found

    @cached_property
    def spelt(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.folders:
            found[squashed(name)].append(name)
        return found


@dataclass(frozen=True)
class Finder:
    """Looks names up below a folder.

    Attributes:
        root: the folder.
    """

    root: Path
    _listed: dict[str, _Listing] = field(default_factory=dict)
    _named: dict[str, _Listing] = field(default_factory=dict)
    _places: dict[str, str | None] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether exactly this file is there."""
        folder, _, file = name.rpartition("/")
        if folder not in self._named:
            whole = posixpath.split(name)[0]  # of a file in / it is /
            self._named[folder] = self._listing(self._join(whole))
        return file in self._named[folder].files

    def has_plain(self, name: str) -> bool:
        """Whether exactly this file is there and is no link."""
        folder, _, file = name.rpartition("/")
        return self.has(name) and file not in self._named[folder].links

    def find(self, name: str) -> Path | None:
        """The file of this name, else the one that must be meant; None where there is none, or several numbers would do.

        Of several files with the same stem the first in sorted order is taken.
        """
        folder, file = posixpath.split(name)
        place = self._place(folder)
        if place is None:
            return None
        listing = self._listing(place)
        if file in listing.files:
            return Path(place) / file
        bare = stem(file)
        same = listing.stems.get(bare) or []
        if not same and bare.isdecimal():
            alike = listing.numbers.get(bare.lstrip("0"), [])
            same = listing.stems[alike[0]] if len(alike) == 1 else []
        return Path(place) / same[0] if same else None

    def _join(self, folder: str) -> str:
        return os.path.join(self.root, folder) if folder else str(self.root)  # noqa: PTH118 of many files

    def _place(self, folder: str) -> str | None:
        if folder not in self._places:
            exact = self._join(folder)
            self._places[folder] = exact if os.path.isdir(exact) else self._spelt(folder)  # noqa: PTH112
        return self._places[folder]

    def _spelt(self, folder: str) -> str | None:
        above, name = posixpath.split(folder)
        if not name or name == ".." or "\0" in folder:
            return None
        place = self._place(above)
        like = self._listing(place).spelt.get(squashed(name), []) if place is not None else []
        return f"{place}/{like[0]}" if len(like) == 1 else None

    def _listing(self, folder: str) -> _Listing:
        if folder not in self._listed:
            files, folders, links = set(), [], set()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_symlink():
                            links.add(entry.name)
                        if entry.is_dir():
                            folders.append(entry.name)
                        elif entry.is_file() or not entry.is_symlink():
                            files.add(entry.name)
            except (OSError, ValueError):  # not there, not readable, or no name at all
                pass
            self._listed[folder] = _Listing(frozenset(files), tuple(sorted(folders)), frozenset(links))
        return self._listed[folder]
