"""From rows, however they were read, to a data set: names checked, labels numbered, no video twice, none on both sides of a split."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.data.class_file import class_names
from muybridge.data.index import TOPPED_UP, Dataset, VideoRecord
from muybridge.data.lists.finder import Listings
from muybridge.data.lists.segments import Segment
from muybridge.data.lists.tar import parted

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev", "development"), "val"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
CLASSES = "classes.txt"
DIGITS = 18
"""Most digits of a label that is read as a number."""
NAME, PATH = 255, 4095
"""Most bytes of a file's name and of a path, here and nearly everywhere."""


class Row(NamedTuple):
    """One video before labels are numbered; a tuple, since a list may have a million.

    Attributes:
        id: name that is the same on every machine.
        file: the file with its full path, or a member of a tar; a text, since a list may have a million.
        label: class name or number; empty where there is none.
        split: ``train``, ``val``, ``test`` or empty.
        group: source that must never straddle a split; empty where none is known.
        place: where it is named, for messages: file and line.
        segment: stretch of the file that is meant; None for all of it.
        stream: number of the video stream that is meant; None for FFmpeg's choice.
        topped_up: whether it stands in for a class that has too few (see ``index.top_ups``).
    """

    id: str
    file: str
    label: str
    split: str
    group: str
    place: str = ""
    topped_up: bool = False
    segment: Segment | None = None
    stream: int | None = None


@dataclass(frozen=True)
class Rows:
    """Rows by columns, one for each attribute of ``Row``; of places only where the n-th row is named, for messages."""

    ids: list[str]
    files: list[str]
    labels: list[str]
    splits: list[str]
    groups: list[str]
    topped_up: list[bool]
    segments: list[Segment | None]
    streams: list[int | None]
    place: Callable[[int], str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Rows":
        """From rows one by one."""
        places = [row.place for row in rows]
        return cls(
            [row.id for row in rows],
            [row.file for row in rows],
            [row.label for row in rows],
            [row.split for row in rows],
            [row.group for row in rows],
            [row.topped_up for row in rows],
            [row.segment for row in rows],
            [row.stream for row in rows],
            places.__getitem__,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Row]:
        return (self.row(at) for at in range(len(self)))

    def row(self, at: int) -> Row:
        """The row at a place from 0."""
        return Row(
            self.ids[at],
            self.files[at],
            self.labels[at],
            self.splits[at],
            self.groups[at],
            self.place(at),
            self.topped_up[at],
            self.segments[at],
            self.streams[at],
        )


def number(
    name: str, rows: Rows | Sequence[Row], folder: Path | None = None, listings: Listings | None = None
) -> Dataset:
    """Number the labels and sort the records by id.

    Classes are those of ``classes.txt`` in ``folder``, as ``class_names`` reads it (a whole number as a label is that of a class, from 0
    where the file gives none); without such a file the labels in sorted order, whole numbers by value.

    Args:
        name: of the data set.
        rows: its videos.
        folder: where ``classes.txt`` may lie.
        listings: folders that were looked at before.

    Raises:
        UsageError: a label that is not in ``classes.txt``, or a video twice.
    """
    rows = rows if isinstance(rows, Rows) else Rows.of(rows)
    _check_once(name, rows)
    _check_splits(name, rows, Identities(listings or Listings()))
    classes, index = (
        _named(rows, folder / CLASSES) if folder and (folder / CLASSES).is_file() else _sorted(rows.labels)
    )
    groups = [group or id_ for group, id_ in zip(rows.groups, rows.ids, strict=True)]
    numbers = [index.get(label, -1) for label in rows.labels]
    records = list(
        map(VideoRecord, rows.ids, rows.files, numbers, rows.splits, groups, rows.segments, rows.streams)
    )
    records.sort(key=attrgetter("id"))
    return Dataset(name, tuple(records), classes, notes=tuple(_notes(rows, classes)))


def _sorted(labels: Iterable[str]) -> tuple[tuple[str, ...], Mapping[str, int]]:
    names = set(labels) - {""}
    numeric = all(len(label) <= DIGITS and label.removeprefix("-").isdecimal() for label in names)
    classes = tuple(sorted(names, key=lambda label: (int(label) if numeric else 0, label)))
    return classes, {label: i for i, label in enumerate(classes)}


def _named(rows: Rows, file: Path) -> tuple[tuple[str, ...], Mapping[str, int]]:
    said = class_names(file)
    labels = dict.fromkeys(label for label in rows.labels if label)
    whole = said.lines and labels.keys() <= set(said.lines)  # the numbers in front are part of the labels
    classes = said.lines if whole else said.names
    index = {name: i for i, name in enumerate(classes)}
    if not labels.keys() <= index.keys() and all(
        label.isdecimal() and len(label) <= DIGITS for label in labels
    ):
        places = {label: int(label) - said.first for label in labels}
        index = {label: place for label, place in places.items() if 0 <= place < len(classes)}
    for label in labels:
        if label not in index:
            row = rows.row(rows.labels.index(label))
            raise UsageError(
                f"{row.place or row.id}: label {label!r:.200} is not in {file} ({len(classes)} classes)."
                f"{suggestion(label, classes)} Correct the label, or the file of classes."
            )
    return classes, index


def _check_once(name: str, rows: Rows) -> None:
    if len(set(rows.ids)) == len(rows):
        return
    first: dict[str, int] = {}
    twice = [(first[id_], at) for at, id_ in enumerate(rows.ids) if first.setdefault(id_, at) != at]
    one, other = (rows.row(at) for at in twice[0])
    if one.split != other.split:
        raise UsageError(_straddling(name, one, other, ""))
    places = f": {one.place} and {other.place}" if one.place else ""
    raise UsageError(
        f"{name}: {one.id!r} is listed twice ({len(twice)} such videos){places}. List each video once."
    )


def _check_splits(name: str, rows: Rows, identity: "Identities") -> None:
    """No file on two sides of the split, also not under two names (links), except in segments that share no frame."""
    if len(set(rows.splits)) < 2 or identity.differ(rows.files):
        return
    files = [identity.of(file) for file in rows.files]
    several = {same for same, number in Counter(files).items() if number > 1 and same}
    first: dict[tuple[int, int, str], list[Row]] = {}
    for at, same in enumerate(files):
        if same not in several:
            continue
        row, others = rows.row(at), first.setdefault(same, [])
        for other in others:
            if other.split != row.split and _share_frames(other.segment, row.segment):
                raise UsageError(_straddling(name, other, row, f" and {row.id!r} are one file and"))
        if row.segment or not others:
            others.append(row)


def _share_frames(one: Segment | None, other: Segment | None) -> bool:
    return one is None or other is None or one.meets(other)


def _straddling(name: str, one: Row, other: Row, verb: str) -> str:
    sides = " and ".join(
        f"{row.split or 'no split'}" + (f" ({row.place})" if row.place else "") for row in (one, other)
    )
    return f"{name}: {one.id!r}{verb or ' is'} in two splits, {sides}. Keep it on one side, or the test is no test."


class Identities:
    """Which file a path leads to: device, number of the file, and member of a tar.

    Args:
        listings: of folders, since a list may be long.
    """

    def __init__(self, listings: Listings) -> None:
        self._listings = listings

    def differ(self, files: Iterable[str]) -> bool:
        """Whether all are surely different files: they are there, no links, and have other numbers."""
        known: dict[str, Mapping[str, int]] = {}
        numbers = set()
        for count, file in enumerate(files, 1):
            folder, _, name = file.rpartition("/")
            plain = known.get(folder)
            if plain is None:
                plain = known[folder] = self._listings.of(folder or "/").plain
            numbers.add(plain.get(name))
            if len(numbers) < count:
                return False
        return None not in numbers

    def of(self, file: str) -> tuple[int, int, str] | None:
        """None where there is no such file."""
        folder, _, name = file.rpartition("/")
        listing = self._listings.of(folder or "/")
        if name in listing.plain:
            return listing.device, listing.plain[name], ""
        whole, member = parted(Path(file))
        try:
            facts = whole.stat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino, member


def _notes(rows: Rows, classes: Sequence[str]) -> Iterator[str]:
    for what, names in (("videos", rows.ids), ("classes", classes)):
        if len(set(map(str.casefold, names))) == len(names):
            continue
        lowered = Counter(map(str.casefold, names))
        alike = sorted(name for name in names if lowered[name.casefold()] > 1)
        twin = next(n for n in alike[1:] if n.casefold() == alike[0].casefold())
        yield f"{len(alike)} {what} have names that differ only in capitals, as {alike[0]!r} and {twin!r}"
    sides: dict[str, set[str]] = defaultdict(set)
    for file, segment, split in zip(rows.files, rows.segments, rows.splits, strict=True):
        if segment:
            sides[file].add(split)
    both = sum(len(splits) > 1 for splits in sides.values())
    if both:
        yield f"{both:,} videos have segments in several splits, so the test shows scenes that were trained on"
    topped_up = sum(rows.topped_up)
    if topped_up:
        yield f"{topped_up:,} videos: {TOPPED_UP}"


def checked(name: str, where: str, what: str = "file name") -> str:
    """A name that can stand in lists, tables and results.

    Raises:
        UsageError: it is not UTF-8, or holds a line break or a zero byte.
    """
    if name.isascii() and name.isprintable() and len(name) * 4 <= NAME:
        return name  # as nearly all are; a list may have a million
    if name != name.encode(errors="replace").decode():
        raise UsageError(f"{where}: the {what} {name!r} is not UTF-8. Rename the file.")
    if any(sign in name for sign in "\n\r\0"):
        raise UsageError(f"{where}: the {what} {name!r:.200} holds a line break or a zero byte. Correct it.")
    longest = max(len(part.encode()) for part in name.split("/")) if len(name) * 4 > NAME else 0
    if what != "label" and (longest > NAME or len(name) > PATH):
        raise UsageError(
            f"{where}: the {what} {name!r:.80}... is longer than a name can be ({longest:,} of {NAME} bytes). Correct it."
        )
    return name


@dataclass(frozen=True)
class Fence:
    """Keeps links from leading out of a folder; paths that are written as elsewhere are not links.

    Attributes:
        root: the folder.
        allow: whether links may lead out.
    """

    root: Path
    allow: bool
    _real: dict[str, str] = field(default_factory=dict)

    def check(self, file: str) -> None:
        """Look at one video, tar or folder.

        Raises:
            UsageError: a link leads out and that was not allowed.
        """
        if self.allow:
            return
        file = str(parted(Path(file))[0])
        folder, name = os.path.split(file)
        if folder not in self._real:
            below = Path(os.path.normpath(folder)).is_relative_to(self.root)
            self._real[folder] = os.path.realpath(folder) if below else ""
        if not self._real[folder]:
            return
        real = os.path.realpath(file) if os.path.islink(file) else f"{self._real[folder]}/{name}"  # noqa: PTH114 of many files
        if not f"{real}/".startswith(self._home):
            raise UsageError(
                f"{file}: a link leads out of {self.root}, to {real}. Copy what it points to, or allow such links with --allow-links."
            )

    @cached_property
    def _home(self) -> str:
        return os.path.join(os.path.realpath(self.root), "")  # noqa: PTH118 ends in a slash
