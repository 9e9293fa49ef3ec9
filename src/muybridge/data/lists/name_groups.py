"""Which videos belong together by what their names say: ``--group /PATTERN/``, and which column or pattern may be meant.

Videos of one person, place or recording on both sides of a split make a test too easy, so a data set that says nothing of groups is worth
a question.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset
from muybridge.data.lists.delimited import spelling
from muybridge.data.lists.table_files import LABEL_COLUMNS, SPLIT_COLUMNS

_BEGIN = r"(?:^|[/_. -])"
PEOPLE = (
    "subject", "Subject", "subj", "sub", "person", "Person", "actor", "Actor", "participant", "patient", "performer", "user", "speaker",
    "signer", "child", "infant", "s", "S", "p", "P",
)  # fmt: skip
PLACES = (
    "scene",
    "session",
    "sess",
    "site",
    "place",
    "location",
    "loc",
    "room",
    "day",
    "env",
    "setup",
    "camera",
    "cam",
)
PATTERNS: tuple[str, ...] = (
    r"(\w+_g\d{1,3})_c\d{1,3}",  # UCF: group of clips of one recording
    r"S\d{3}C\d{3}(P\d{3})R\d{3}A\d{3}",  # NTU RGB+D: performer
    *(rf"{_BEGIN}({word}[_-]?\d+)" for word in PEOPLE),
    *(rf"{_BEGIN}({word}[_-]?\d+)" for word in PLACES),
    r"([\w\-]{11})_\d{6}_\d{6}",  # Kinetics: clips of one YouTube video
    r"(?:^|/)([^/]+?)[_\-. ]*\(?\d{1,4}\)?\.\w+$",  # name without its last number
)
"""What names that tell recordings apart look like, the surest first."""
USUAL = frozenset(
    (
        *(name for name in (*PEOPLE, *PLACES) if len(name) > 2),
        *(f"{name}_id" for name in ("subject", "person", "actor", "participant", "patient", "user", "scene", "session")),
        *("recording", "recording_id", "source", "source_id", "source_video", "movie", "film", "original", "youtube_id", "video_id"),
    )
)  # fmt: skip
"""Names of columns that say who or what is seen, as ``spelling`` writes them."""
MEASURED = re.compile(
    r"(n_?)?frames|fps|.*duration.*|seconds|length|width|height|bytes|size|md5|sha\w*|url|.*start.*|.*end.*|.*time.*|index|topped_up"
)
"""Names of columns of numbers of a file, which group nothing."""
NAMED = 0.95
"""Least share of the videos whose names fit a pattern that is suggested."""
LARGEST = 0.8
"""Most of the videos that one group of a suggestion may hold."""
SHOWN = 3


@dataclass(frozen=True)
class Suggestion:
    """What ``--group`` could be.

    Attributes:
        group: a column or ``/PATTERN/``, as the option takes it.
        groups: how many groups that makes.
        example: one of them.
    """

    group: str
    groups: int
    example: str


def is_pattern(group: str | None) -> bool:
    """Whether ``--group`` says a pattern and no column."""
    return group is not None and len(group) > 2 and group.startswith("/") and group.endswith("/")


def grouped(dataset: Dataset, pattern: str) -> Dataset:
    """The data set with groups by what of each id a pattern finds: its brackets joined, or all of it where it has none.

    Args:
        dataset: any.
        pattern: regular expression between slashes, searched for in ids.

    Raises:
        UsageError: no regular expression, or it fits no id.
    """
    try:
        found = by_name(dataset, re.compile(pattern[1:-1]))
    except re.error as error:
        raise UsageError(f"--group {pattern}: no regular expression ({error}).") from error
    if not found:
        raise UsageError(f"--group {pattern}: fits no video; the first is {dataset.records[0].id!r}.")
    records = tuple(replace(one, group=found.get(one.id, one.id)) for one in dataset.records)
    left = len(records) - len(found)
    notes = (f"--group {pattern} does not fit {left:,} videos; each is a group of its own",) if left else ()
    return replace(dataset, records=records, notes=(*dataset.notes, *notes))


def by_name(dataset: Dataset, pattern: re.Pattern[str]) -> dict[str, str]:
    """What a pattern finds in each id; ids that it does not fit are missing."""
    matches = {record.id: pattern.search(record.id) for record in dataset.records}
    return {
        name: "/".join(part or "" for part in (match.groups() or (match[0],)))
        for name, match in matches.items()
        if match
    }


def suggestions(dataset: Dataset, column: Callable[[str], Mapping[str, str]]) -> list[Suggestion]:
    """Columns and patterns that divide a data set into groups, the surest first; none where groups are known.

    Args:
        dataset: whose videos are each a group of their own.
        column: value of a column by id; raises ``UsageError`` for one that holds no plain values.
    """
    if len({record.group for record in dataset.records}) < len(dataset.records):
        return []
    found = [
        *_of_columns(dataset, column, lambda name: name in USUAL),
        *_of_names(dataset),
        *_of_columns(dataset, column, lambda name: name not in USUAL and not MEASURED.fullmatch(name)),
    ]
    return found[:SHOWN]


def _of_columns(
    dataset: Dataset, column: Callable[[str], Mapping[str, str]], wanted: Callable[[str], bool]
) -> Iterator[Suggestion]:
    for name in dataset.columns:
        spelt = spelling(name)
        if spelt in (*LABEL_COLUMNS, *SPLIT_COLUMNS) or not wanted(spelt):
            continue
        try:
            yield from _divides(dataset, name, column(name))
        except UsageError:
            continue


def _of_names(dataset: Dataset) -> Iterator[Suggestion]:
    for pattern in PATTERNS:
        found = list(_divides(dataset, f"/{pattern}/", by_name(dataset, re.compile(pattern))))
        if found:
            yield found[0]
            return


def _divides(dataset: Dataset, group: str, of: Mapping[str, str]) -> Iterator[Suggestion]:
    """The suggestion, if it divides the videos into groups that are neither single videos nor the classes."""
    members: dict[str, list[int]] = defaultdict(list)
    for record in dataset.records:
        if of.get(record.id):
            members[of[record.id]].append(record.label)
    total = len(dataset.records)
    sizes = [len(labels) for labels in members.values()]
    if not 2 <= len(members) <= total * 2 / 3 or sum(sizes) < NAMED * total or max(sizes) > LARGEST * total:
        return
    if dataset.classes and not _spread(list(members.values())):
        return
    yield Suggestion(group, len(members), max(members, key=lambda name: (len(members[name]), name)))


def _spread(groups: Sequence[Sequence[int]]) -> bool:
    """Whether most classes have videos in two groups or more: else a group is tested whose class was never trained on."""
    where: dict[int, int] = defaultdict(int)
    for labels in groups:
        for label in set(labels):
            where[label] += 1
    return sum(number > 1 for number in where.values()) > len(where) / 2
