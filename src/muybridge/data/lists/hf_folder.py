"""Hugging Face video folders: videos with a ``metadata.csv``, ``metadata.jsonl`` or ``metadata.parquet`` beside them.

As the ``datasets`` library reads them as ``videofolder`` (huggingface.co/docs/datasets/video_dataset): the metadata lie in the folder or in
its split folders, also below ``data/``; the column ``file_name`` (or one that ends in ``_file_name``) starts from where the metadata
lie. Splits are folders called train, training, val, valid, validation, dev, test, testing, eval or evaluation, also with something set
off behind or before it (``train-clean``). Labels are a column, else the class folders. Departures: file names do not tell the split, the
``class_label`` names of a dataset card are not read (``classes.txt`` names the classes), videos without a line are left out with a note.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath

from muybridge.core.errors import UsageError
from muybridge.data.decode.video import is_video
from muybridge.data.index import Dataset
from muybridge.data.lists import video_lists
from muybridge.data.lists.delimited import PATH_COLUMNS
from muybridge.data.lists.folder import files
from muybridge.data.lists.rows import SPLITS, Fence, Row, checked, number
from muybridge.data.lists.table_files import LABEL_COLUMNS, cell, column, kept, table

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
ABOVE = ("data", "videos")
"""Folders that may lie between the root and the split folders."""


def metadata(root: Path) -> list[Path]:
    """The metadata files of a folder; empty where it has none.

    Raises:
        UsageError: two in one folder.
    """
    found = [
        path
        for place in ("", "*/", "data/*/")
        for name in METADATA
        for path in root.glob(place + name)
        if path.is_file()
    ]
    found = sorted(dict.fromkeys(found))
    for one, other in pairwise(found):
        if one.parent == other.parent:
            raise UsageError(f"{one} and {other.name} lie in one folder. Keep the one that counts.")
    return found


def read(
    root: Path,
    *,
    label: str | None = None,
    group: str | None = None,
    where: Sequence[str] = (),
    allow_links: bool = False,
) -> Dataset:
    """Read a folder with metadata; arguments as for ``folder.read``.

    Raises:
        UsageError: a line that cannot be read, a file name that leads out of the folder, or no videos.
    """
    rows = [row for file in metadata(root) for row in _rows(file, root, label, group, where, allow_links)]
    if not rows:
        raise UsageError(f"{root}: its metadata name no videos.")
    rows = _by_folders(rows)
    dataset = number(root.name, rows, root)
    listed = {row.file for row in rows}
    others = sum(is_video(path) and str(path) not in listed for path in files(root, allow_links))
    if not others:
        return dataset
    note = f"{others:,} videos have no line in the metadata and are left out"
    return replace(dataset, notes=(*dataset.notes, note))


def _rows(
    file: Path, root: Path, label: str | None, group: str | None, where: Sequence[str], allow_links: bool
) -> Iterator[Row]:
    lines = kept(file, table(file, [one for one in (label, group) if one])[0], where)
    columns = list(dict.fromkeys(name for _, line in lines for name in line))
    path_column = _path_column(file, columns) if columns else ""
    label_column = column(file, columns, label, LABEL_COLUMNS) if columns else None
    group_column = column(file, columns, group, ("group",) if group is None else ()) if columns else None
    fence = Fence(root, allow_links)
    for at, line in lines:
        said = f"{file}, line {at}"
        name = PurePosixPath(checked(cell(line, path_column, said), said))
        if not name.parts or name.is_absolute() or ".." in name.parts:
            raise UsageError(f"{said}: {path_column} {str(name)!r}; wanted a path below {file.parent}.")
        path = file.parent / name
        fence.check(str(path))
        yield Row(
            id=path.relative_to(root).as_posix(),
            file=str(path),
            label=checked(cell(line, label_column, said), said, "label"),
            split=video_lists.split(cell(line, "split", said), said),
            group=cell(line, group_column, said),
            place=f"{file.relative_to(root)}, line {at}",
        )


def _path_column(file: Path, columns: Sequence[str]) -> str:
    ending = [name for name in columns if name.endswith("_file_name")]
    if "file_name" not in columns and len(ending) > 1:
        raise UsageError(
            f"{file}: {len(ending)} columns name files ({', '.join(ending)}). Call that of the videos file_name."
        )
    usual = ("file_name", *ending, *PATH_COLUMNS[:5])
    found = column(file, columns, None, usual)
    if not found:
        raise UsageError(
            f"{file}: no column file_name. Columns: {', '.join(columns)}. Rename the file if it is no list of the videos."
        )
    return found


def _by_folders(rows: Sequence[Row]) -> list[Row]:
    """Splits and labels from the folders where no column says them."""
    places = [_placed(PurePosixPath(row.id)) for row in rows]
    splits = not any(row.split for row in rows) and all(split for split, _ in places)
    labels = not any(row.label for row in rows) and all(len(rest) == 2 for _, rest in places)
    return [
        row._replace(split=split if splits else row.split, label=rest[0] if labels else row.label)
        for row, (split, rest) in zip(rows, places, strict=True)
    ]


def _placed(video: PurePosixPath) -> tuple[str, tuple[str, ...]]:
    """Split of a video and what of its path comes after the folder that says it."""
    parts = video.parts[1:] if len(video.parts) > 1 and video.parts[0] in ABOVE else video.parts
    words = set(re.findall("[a-z]+", parts[0].lower())) & SPLITS.keys() if len(parts) > 1 else set()
    return (SPLITS[words.pop()], parts[1:]) if len(words) == 1 else ("", parts)
