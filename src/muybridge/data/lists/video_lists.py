"""A list of videos: csv, tsv, txt, json, jsonl or parquet, with a path column and optional label, split, group and segment columns.

Paths may start from the list's folder (or the folder beside it with the list's name, or ``--root``) or be full, also mixed in one list: a
full path below that folder gets the same id as the short one. What a name that is not there must mean stands in ``places``.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.data import stream_names
from muybridge.data.decode.video import is_video
from muybridge.data.lists import file_places, segments
from muybridge.data.lists.delimited import PATH_COLUMNS
from muybridge.data.lists.file_places import NOWHERE, Lookup
from muybridge.data.lists.finder import Listings
from muybridge.data.lists.rows import SPLITS, Fence, Row, Rows, checked
from muybridge.data.lists.segments import Segment, Unit
from muybridge.data.lists.table_files import LABEL_COLUMNS, SPLIT_COLUMNS, Lines, column, kept, table, text_of

IDS = frozenset(("youtube_id", "video_id", "ytid", "yt_id", "vid", "id"))
"""Path columns that hold ids, whose files have a suffix and maybe a segment behind them."""
PARTS = re.compile(r"[,;]\s*|\s*/\s*")
"""What stands between several classes in one cell; ``A|B`` is one label, which accepts both."""


@dataclass(frozen=True)
class Listed:
    """What a list says.

    Attributes:
        rows: its videos, in its order.
        notes: what was read otherwise than it stands there.
        columns: names of its columns.
        listings: folders that were looked at.
    """

    rows: Rows
    notes: list[str]
    columns: tuple[str, ...]
    listings: Listings


@dataclass(frozen=True)
class _Columns:
    path: str
    label: str | None
    group: str | None
    split: str | None
    topped_up: str | None
    stream: str | None
    ends: Mapping[Unit, tuple[str | None, str | None]]
    by_id: bool
    notes: tuple[str, ...] = ()


def read(
    source: Path,
    label: str | None,
    group: str | None,
    root: Path | None,
    where: Sequence[str],
    allow_links: bool,
) -> Listed:
    """Read a list.

    Raises:
        UsageError: a line that cannot be read, a column that does not exist, or several classes for one video.
    """
    bases = [root] if root else [source.parent, source.parent / source.stem]
    listings = Listings()
    lookup = Lookup(bases, listings)
    asked = [name for name in (label, group, *(re.split("!?=", one)[0] for one in where)) if name]
    lines, notes = table(source, asked, lookup)
    lines = kept(source, lines, where)
    names = tuple(name for name in lines.columns if name)
    if not lines:
        return Listed(Rows.of([]), [], names, listings)
    columns = _columns(source, names, lines, label, group, lookup)
    first = lines.take([0]).texts(columns.path, f"{source}, {_line_word(source)} ")[0]
    base = root or _root(source, first, listings)
    found = file_places.Places(base, root is not None, listings)
    rows, other_names = _rows(source, lines, columns, found, Fence(base, allow_links))
    other_labels = _labels(source, rows)
    return Listed(rows, [*notes, *columns.notes, *other_names, *other_labels], names, listings)


def _columns(
    source: Path,
    names: Sequence[str],
    lines: Lines,
    label: str | None,
    group: str | None,
    lookup: Lookup,
) -> _Columns:
    find = partial(column, source, names)
    path = _path_column(source, names, lines, label, lookup)
    ends: dict[Unit, tuple[str | None, str | None]] = {
        unit: (find(None, start), find(None, end)) for unit, (start, end) in segments.ENDS.items()
    }
    ends = {unit: both for unit, both in ends.items() if any(both)}
    if len(ends) > 1:
        said = ", ".join(name for both in ends.values() for name in both if name)
        raise UsageError(f"{source}: segments stand in seconds and in frames ({said}). Rename the pair that does not count.")  # fmt: skip
    source_column = next((name for name in names if name != path and _hold_videos(lines, name)), None)
    notes: tuple[str, ...] = ()
    if ends and source_column:  # the clips were cut out of those videos before
        notes = (
            f"start and end are those of the videos in column {source_column}, so the clips are read whole",
        )
        ends = {}
    split_ = find(None, SPLIT_COLUMNS[:1]) or find(None, SPLIT_COLUMNS[1:])
    words = {one.lower() for one in set(lines.texts(split_, f"{source.name}, line "))} - {""}
    if split_ and split_.lower() != "split" and not words <= SPLITS.keys():
        split_ = None
    others = [name for name in names if name != path]
    return _Columns(
        path,
        find(label, ()) if label else column(source, others, None, LABEL_COLUMNS),
        find(group, ("group",) if group is None else ()),
        split_,
        find(None, ("topped_up",)),
        find(None, ("video_stream",)),
        ends,
        path.lower() in IDS,
        notes,
    )


def _hold_videos(lines: Lines, name: str, lookup: Lookup = NOWHERE) -> bool:
    """Whether most of the first cells of a column are videos."""
    said = [str(one or "").strip() for one in lines.columns[name][:50]]
    return sum(is_video(one[:4096]) or lookup.leads(one) for one in said if one) * 2 > sum(map(bool, said))


def _path_column(source: Path, names: Sequence[str], lines: Lines, label: str | None, lookup: Lookup) -> str:
    """The column of the paths: by its name if what stands there are files, else the only one in which files stand.

    Raises:
        UsageError: none, or several.
    """
    usual = [name for known in PATH_COLUMNS if (name := column(source, names, None, (known,)))]

    sure = [name for name in usual if name != label]
    if not names:
        return ""
    if sure:
        return next((name for name in sure if _hold_videos(lines, name, lookup)), sure[0])
    found = [name for name in names if name != label and _hold_videos(lines, name, lookup)]
    if len(found) == 1:
        return found[0]
    said = f"columns {' and '.join(found[:2]):.200} both hold videos" if found else "no column of paths"
    listed = ", ".join(names) or "none with a name"
    raise UsageError(f"{source}: {said}. Columns: {listed:.400}. Call the one of the videos path.")


def _line_word(source: Path) -> str:
    return "entry" if source.suffix.lower() == ".json" else "line"


@dataclass(frozen=True)
class _Said:
    """Texts of the columns that a list has, by line."""

    names: list[str]
    labels: list[str]
    sides: list[str]
    groups: list[str]
    streams: list[str]
    topped_up: list[str]


def _rows(
    source: Path, lines: Lines, columns: _Columns, found: file_places.Places, fence: Fence
) -> tuple[Rows, list[str]]:
    """The videos of a list, and notes on those that have other names here."""
    full, short = (f"{name}, {_line_word(source)} " for name in (source, source.name))
    said = _Said(
        *(lines.texts(name, full) for name in (columns.path, columns.label, columns.split, columns.group)),
        *(lines.texts(name, full) for name in (columns.stream, columns.topped_up)),
    )
    rows = _at_once(said, lines, columns, found, short) or Rows.of(
        list(_one_by_one(said, lines, columns, found, full, short))
    )
    unsure, firsts = found.finder.doubtful(rows.ids)
    notes = found.settle(rows, unsure)
    for at in sorted((*unsure, *firsts)):  # the rest are plain files in folders of these
        fence.check(rows.files[at])
    _part(rows)
    return rows, notes


def _at_once(
    said: _Said, lines: Lines, columns: _Columns, found: file_places.Places, short: str
) -> Rows | None:
    """The rows by columns, since a list may have a million lines; None where one needs a closer look or is wrong."""
    if columns.ends or any(said.streams) or (columns.by_id and not all(map(is_video, said.names))):
        return None
    places = found.plain(said.names)
    try:
        labels = {label: checked(label, "", "label") for label in set(said.labels)}
        splits = {side: split(side, "") for side in set(said.sides)}
    except UsageError:
        return None  # said again with its line
    if places is None:
        return None
    number, groups = len(lines), {group: group for group in set(said.groups)}
    return Rows(
        *places,
        [labels[label] for label in said.labels],
        [splits[side] for side in said.sides],
        [groups[group] for group in said.groups],
        [bool(one) for one in said.topped_up],
        [None] * number,
        [None] * number,
        lambda at: f"{short}{lines.numbers[at]}",
    )


def _one_by_one(
    said: _Said, lines: Lines, columns: _Columns, found: file_places.Places, full: str, short: str
) -> Iterator[Row]:
    base, labels, splits = found.base, dict[str, str](), dict[str, str]()
    ends = {one: lines.columns[one] for both in columns.ends.values() for one in both if one}
    for i, at in enumerate(lines.numbers):
        where, label, side = f"{full}{at}", said.labels[i], said.sides[i]
        name = checked(said.names[i], where)
        if not name:
            raise UsageError(f"{where}: no path. Complete the line or remove it.")
        if label not in labels:
            labels[label] = checked(label, where, "label")
        if side not in splits:
            splits[side] = split(side, where)
        name, segment = found.local(name, where), None
        stream = _stream(said.streams[i], where) if said.streams[i] else None
        if "#" in name:
            name, segment, named = _parted(name)
            stream = stream if named is None else named
        by_id = columns.by_id and not is_video(name)
        read = ends if by_id or not segment else {}
        bounds = {one: text_of(cells[i], one, where) for one, cells in read.items()}
        if bounds and not segment:
            segment = segments.of(bounds, columns.ends, where)
        row = Row(
            posixpath.normpath(name if not name.startswith("/") else _short(name, base)),
            found.file(name),
            labels[label],
            splits[side],
            said.groups[i],
            f"{short}{at}",
            bool(said.topped_up[i]),
            segment,
            stream,
        )
        if by_id:
            row = _by_id(row, found, [bounds[one] if one else "" for one in columns.ends.get("t", ())])
        yield row


def _by_id(row: Row, found: file_places.Places, said: Sequence[str]) -> Row:
    """A row whose path is an id: the clip that was cut out for its segment, else the whole video with the segment."""
    ends = [one.removesuffix(".0") for one in (*said, "", "")][:2]
    for name, cut in file_places.trimmed(row.id, ends[0], ends[1], row.label, row.split):
        file = found.finder.find(name)
        if file is not None:
            id_ = file.relative_to(found.base).as_posix() if file.is_relative_to(found.base) else row.id
            return row._replace(id=id_, file=str(file), segment=None if cut else row.segment)
    return row


def _parted(name: str) -> tuple[str, Segment | None, int | None]:
    """The file of a path, and the segment and the stream that it names."""
    whole, segment = segments.parted(name)
    file, stream = stream_names.parted(whole)
    return (name if segment is None and stream is None else str(file)), segment, stream


def _stream(said: str, where: str) -> int | None:
    """The number of a video stream; None where the cell is empty."""
    number = said.removesuffix(".0")
    if number and not (number.isascii() and number.isdecimal() and len(number) <= 4):
        raise UsageError(
            f"{where}: video_stream is {said!r:.80}; wanted the number of a video stream, from 0, or nothing."
        )
    return int(number) if number else None


def _part(rows: Rows) -> None:
    """Name rows of segments and named streams by them; all that are of one video are one group."""
    for at, (stream, segment) in enumerate(zip(rows.streams, rows.segments, strict=True)):
        if stream is not None or segment is not None:
            rows.groups[at] = rows.groups[at] or rows.ids[at]
            rows.ids[at] += f"{stream_names.suffix(stream)}{segment or ''}"


def _labels(source: Path, rows: Rows) -> list[str]:
    """Make labels what they were meant to be, and say so in notes: 0.0 is 0, nan is none.

    Raises:
        UsageError: a label that names several classes.
    """
    labels = Counter(rows.labels)
    del labels[""]
    meant = {label: "" for label in labels if label in ("nan", "NaN")}
    notes = [f"{labels[label]:,} labels are {label} and count as none" for label in meant]
    rest = [label for label in labels if label not in meant]
    if any("." in label for label in rest) and all(re.fullmatch(r"-?\d+(\.0+)?", label) for label in rest):
        example = next(label for label in rest if "." in label)
        meant |= {label: label.partition(".")[0] for label in rest}
        notes.append(f"labels such as {example} are read as {meant[example]}")
    several = next((label for label in rest if _names_several(label, labels)), None)
    if several is not None:
        place = rows.place(rows.labels.index(several))
        raise UsageError(
            f"{source.parent / place}: the label {several!r:.80} names several classes; wanted one for each video. Choose one, or write"
            " A|B for a video of which both are right."
        )
    bare: dict[str, set[str]] = {}
    for label in {meant.get(label, label) for label in rest}:
        if label.isdecimal():
            bare.setdefault(label.lstrip("0"), set()).add(label)
    alike = next((sorted(same) for same in bare.values() if len(same) > 1), None)
    if alike:
        notes.append(f"labels {alike[0]} and {alike[1]} differ only in zeros and are two classes")
    if meant:
        rows.labels[:] = [meant.get(label, label) for label in rows.labels]
    return notes


def _names_several(label: str, labels: Mapping[str, int]) -> bool:
    if re.fullmatch(r"\d{1,6}([\s,;]+\d{1,6})+", label):
        return True
    parts = [part for part in PARTS.split(label) if part] if not label.isalnum() else []
    return len(parts) > 1 and all(part in labels for part in parts)


def split(said: str, where: str) -> str:
    """``train``, ``val``, ``test`` or empty, from any usual name of it.

    Raises:
        UsageError: another word.
    """
    if said and said.lower() not in SPLITS:
        raise UsageError(f"{where}: split {said!r:.80}; wanted train, val or test, or nothing.")
    return SPLITS.get(said.lower(), "")


def _short(name: str, base: Path) -> str:
    path = Path(name)
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def _root(source: Path, first: str, listings: Listings) -> Path:
    beside = source.parent / source.stem
    here, there = (Lookup([folder], listings).leads(first) for folder in (source.parent, beside))
    return beside if there and not here else source.parent
