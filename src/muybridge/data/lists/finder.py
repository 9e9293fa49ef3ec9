"""Which file on this disk a list means: the same name, the same name in a folder spelt otherwise, or the same stem with another suffix.

Sets are converted (``1.webm`` to ``1.mp4``, ``x.mp4`` to ``x.mp4.mkv``), their class folders are renamed (blanks and underscores,
capitals), and tables drop the zeros of numbers. Each folder is listed once.
"""

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
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
class Listing:
    """What lies in a folder.

    Attributes:
        device: number of the disk.
        plain: numbers of the files on it (inodes), of those that are no links.
        others: names of what else can be opened: links to files, pipes.
        folders: names of folders, sorted.
    """

    device: int
    plain: Mapping[str, int]
    others: frozenset[str]
    folders: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether something of this name is there that is no folder."""
        return name in self.plain or name in self.others

    @cached_property
    def stems(self) -> dict[str, list[str]]:
        """Names of videos by what is in front of their suffixes."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in sorted((*self.plain, *self.others)):
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
        """Names of folders by their squashed spelling."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.folders:
            found[squashed(name)].append(name)
        return found


class Listings:
    """Folders, each looked at once, since a list may have a million names."""

    def __init__(self) -> None:
        self._listed: dict[str, Listing] = {}

    def of(self, folder: str) -> Listing:
        """What lies in a folder; nothing where it is not there, not readable, or no name at all."""
        if folder not in self._listed:
            self._listed[folder] = _listing(folder)
        return self._listed[folder]


def _listing(folder: str) -> Listing:
    device, plain, others, folders = 0, dict[str, int](), set(), []
    with suppress(OSError, ValueError):
        device = os.stat(folder).st_dev  # noqa: PTH116 text, for many
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    plain[entry.name] = entry.inode()
                elif entry.is_dir():
                    folders.append(entry.name)
                elif entry.is_file() or not entry.is_symlink():
                    others.add(entry.name)
    return Listing(device, plain, frozenset(others), tuple(sorted(folders)))


@dataclass(frozen=True)
class Finder:
    """Looks names up below a folder.

    Attributes:
        root: the folder.
        listings: folders that were looked at.
    """

    root: Path
    listings: Listings = field(default_factory=Listings)
    _named: dict[str, Listing] = field(default_factory=dict)
    _places: dict[str, str | None] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether exactly this file is there."""
        folder, _, file = name.rpartition("/")
        return self._listing_of(folder, name).has(file)

    def doubtful(self, names: Iterable[str]) -> tuple[list[int], list[int]]:
        """Places of names under which no plain file lies, and of the first of each folder under which one does."""
        known: dict[str, Mapping[str, int]] = {}
        doubtful, firsts = [], dict[str, int]()
        for at, name in enumerate(names):
            folder, _, file = name.rpartition("/")
            if folder not in known:
                known[folder] = self._listing_of(folder, name).plain
            if file not in known[folder]:
                doubtful.append(at)
            elif folder not in firsts:
                firsts[folder] = at
        return doubtful, list(firsts.values())

    def _listing_of(self, folder: str, name: str) -> Listing:
        """Of the folder in front of the last ``/`` of a name."""
        if folder not in self._named:
            whole = posixpath.split(name)[0]  # of a file in / it is /
            self._named[folder] = self.listings.of(self._join(whole))
        return self._named[folder]

    def find(self, name: str) -> Path | None:
        """The file of this name, else the one that must be meant; None where there is none, or several numbers would do.

        Of several files with the same stem the first in sorted order is taken.
        """
        folder, file = posixpath.split(name)
        place = self._place(folder)
        if place is None:
            return None
        listing = self.listings.of(place)
        if listing.has(file):
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
        like = self.listings.of(place).spelt.get(squashed(name), []) if place is not None else []
        return f"{place}/{like[0]}" if len(like) == 1 else None
