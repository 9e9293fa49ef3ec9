"""What the readers of published data sets share: list files with line numbers, missing videos counted, one ``Dataset`` at the end.

Nothing is downloaded. A reader takes the folder that holds the unpacked official files and says, when something is not there, where
it comes from and which folder was expected.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.plain_names import inner_path
from muybridge.data.index import Dataset, VideoRecord
from muybridge.data.lists.finder import Finder


@dataclass(frozen=True)
class Listed:
    """One video as an official list names it.

    Attributes:
        id: path below the folder of the videos.
        label: class name; empty where the list gives none.
        split: ``train``, ``val`` or ``test``.
        group: source that must never straddle a split; the id where none is known.

    Raises:
        NameRefusedError: the id leads out of that folder.
    """

    id: str
    label: str
    split: str
    group: str = ""

    def __post_init__(self) -> None:
        inner_path(self.id, "official list")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers; carriage returns and blanks at the ends are removed.

    Raises:
        UsageError: not UTF-8 text.
    """
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of a csv file with their numbers, by the names of the first line; a field that a line lacks is empty.

    Raises:
        UsageError: not UTF-8 text, or a quote that does not close.
    """
    reader = csv.DictReader(io.StringIO(_text(path)), skipinitialspace=True, strict=True, restval="")
    begins = 1
    try:
        begins += reader.line_num if reader.fieldnames else 0
        for line in reader:
            yield reader.line_num, line
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path}, line {begins}: not a table ({error}). Take the official file.") from error


def entries(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Objects of a JSON list with their numbers, from 1.

    Raises:
        UsageError: not such a list.
    """
    listed = content(path)
    if not isinstance(listed, list):
        raise UsageError(f"{path}: {_kind(listed)}; wanted a list of objects. Take the official file.")
    for number, entry in enumerate(listed, 1):
        if not isinstance(entry, dict):
            raise UsageError(
                f"{path}, entry {number}: {_kind(entry)}; wanted an object. Take the official file."
            )
        yield number, entry


def content(path: Path) -> Any:
    """A JSON file.

    Raises:
        UsageError: not JSON.
    """
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON ({error}). Take the official file.") from error


def _text(path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"{path}: not a file, so it is not read. Take the official file.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}, line {line}: not UTF-8 text ({error.reason}). Take the official file."
        ) from error


def _kind(value: object) -> str:
    return f"{value!r:.40}"


def malformed(path: Path, number: int, line: str, wanted: str) -> UsageError:
    """The error of a line that cannot be read."""
    return UsageError(f"{path}, line {number}: {line!r:.200}; wanted {wanted}. Take the official file.")


def found(root: Path, names: Sequence[str], origin: str) -> Path:
    """The first of several paths below ``root`` that exists.

    Raises:
        UsageError: none does; says what was expected and where it comes from.
    """
    for name in names:
        if (root / name).exists():
            return root / name
    raise UsageError(f"{root}: expected {' or '.join(names)} in this folder. {origin}")


def known(classes: Mapping[str, object], label: str, where: str) -> str:
    """The label, if it is a class.

    Raises:
        UsageError: it is not; says the nearest.
    """
    if label not in classes:
        raise UsageError(f"{where}: {label!r:.200} is not a class.{suggestion(label, classes)}")
    return label


def assemble(
    name: str,
    videos: Path,
    listed: Iterable[Listed],
    classes: Sequence[str],
    official: Mapping[str, int],
) -> Dataset:
    """The data set of the listed videos whose files are there, with notes on counts that differ from the official ones.

    Args:
        name: of the data set.
        videos: folder that ids start from.
        listed: rows of the official lists.
        classes: all class names by index, also those that never occur.
        official: published number of videos per split.

    Raises:
        UsageError: a video in two splits, or none of the files is there.
    """
    index = {label: i for i, label in enumerate(classes)}
    rows: dict[str, Listed] = {}
    for row in listed:
        if row.id in rows and rows[row.id] != row:
            raise UsageError(
                f"{name}: {row.id!r} is listed as {rows[row.id].split} and as {row.split}. Take the official lists."
            )
        rows[row.id] = row
    records = [
        VideoRecord(row.id, str(videos / row.id), index.get(row.label, -1), row.split, row.group or row.id)
        for row in rows.values()
    ]
    records = _found(videos, records)
    there = tuple(sorted((r for r in records if r.file != str(videos)), key=lambda r: r.id))
    if not there:
        example = videos / next(iter(rows), "")
        raise UsageError(
            f"{name}: none of the {len(records):,} listed videos is there; expected {example} and the like."
        )
    notes = [*_differences(records, there, official), *_converted(videos, there)]
    return Dataset(name, there, tuple(classes), notes=tuple(notes))


def _found(videos: Path, records: Sequence[VideoRecord]) -> list[VideoRecord]:
    """The records with the files that are there: the listed ones, or converted ones; what is missing has the folder as its path."""
    finder = Finder(videos)
    return [replace(record, file=str(finder.find(record.id) or videos)) for record in records]


def _converted(videos: Path, there: Sequence[VideoRecord]) -> Iterator[str]:
    others = [r for r in there if r.file != str(videos / r.id)]
    if others:
        yield (
            f"{len(others):,} videos have other names here than in the lists, the first:"
            f" {others[0].path.relative_to(videos)} for {others[0].id}"
        )


def _differences(
    records: Sequence[VideoRecord], there: Sequence[VideoRecord], official: Mapping[str, int]
) -> Iterator[str]:
    for split, number in official.items():
        listed = sum(r.split == split for r in records)
        present = sum(r.split == split for r in there)
        if listed != number:
            yield f"{split}: the lists name {listed:,} videos, the official ones {number:,}"
        if present != listed:
            present_ids = {r.id for r in there}
            absent = next(r.id for r in records if r.split == split and r.id not in present_ids)
            yield f"{split}: {listed - present:,} of {listed:,} listed videos are missing, the first: {absent}"
