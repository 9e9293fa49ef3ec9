"""The user's own videos: folders of classes, split folders, lists, or a plain pile of files.

Recognised: ``root/<class>/*``, ``root/{train,val,test}/<class>/*``, an unlabelled folder (any depth), and a ``csv``, ``tsv``, ``jsonl``,
``txt`` or ``parquet`` list with a path column and optional label, split and group columns. Hidden files and folders are left out.
A ``classes.txt`` in the folder, or beside the list, names the classes in their order.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.data.decode.video import ANIMATIONS, VIDEO_SUFFIXES, is_video
from muybridge.data.index import Dataset
from muybridge.data.lists import video_lists
from muybridge.data.lists.rows import SPLITS, Fence, Row, checked, number
from muybridge.data.lists.table_files import LISTS

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def read(
    source: Path,
    *,
    label: str | None = None,
    group: str | None = None,
    root: Path | None = None,
    where: Sequence[str] = (),
    allow_links: bool = False,
) -> Dataset:
    """Read a folder or a list.

    Args:
        source: a folder, or a list file.
        label: label column of a list; found by its usual names when not given.
        group: group column of a list; each video is its own group when not given.
        root: folder that the paths of a list start from; the list's own folder, or the folder beside it with its name, when not given.
        where: lines of a list that count, as ``column=value`` or ``column!=value``; all of several must hold.
        allow_links: read videos to which links lead out of the folder.

    Raises:
        UsageError: nothing there, no videos, a line or a name that cannot be read, or a column that does not exist.
    """
    if source.is_dir():
        rows = list(_folder_rows(source, allow_links))
        if not rows:
            raise UsageError(_nothing(source))
        if group or where:
            raise UsageError(
                f"{source}: a folder has no column {group or where[0]!r}; give a list with such a column instead."
            )
        dataset = number(source.name, rows, source)
        return replace(dataset, notes=(*_unknown_splits(rows), *dataset.notes))
    if source.is_file() and source.suffix.lower() in LISTS:
        listed = video_lists.read(source, label, group, root, where, allow_links)
        if not len(listed.rows):
            left = f" of which {' and '.join(where)} holds" if where else ""
            raise UsageError(f"{source}: the list names no videos{left}.")
        dataset = number(source.stem, listed.rows, source.parent, listed.listings)
        return replace(dataset, notes=(*listed.notes, *dataset.notes), columns=listed.columns)
    if source.is_file():
        raise UsageError(f"{source}: neither a folder nor a list ({', '.join(LISTS)}).")
    beside = [path.name for path in source.parent.iterdir()] if source.parent.is_dir() else []
    raise UsageError(f"{source}: no such folder or list.{suggestion(source.name, beside)}")


def _folder_rows(root: Path, allow_links: bool) -> Iterator[Row]:
    """Videos below ``root``; the last folder is the class, a first folder named like a split is the split."""
    videos = sorted(path.relative_to(root) for path in files(root, allow_links) if is_video(path))
    films = [path for path in videos if path.suffix.lower() not in ANIMATIONS]
    videos = films or videos
    split = {path.parts[0].lower() for path in videos} <= SPLITS.keys()
    depth = {len(path.parts) - split for path in videos}
    labelled = depth == {2}
    for path in videos:
        yield Row(
            id=checked(path.as_posix(), str(root)),
            file=str(root / path),
            label=path.parts[-2] if labelled else "",
            split=SPLITS[path.parts[0].lower()] if split else "",
            group="",
        )


def _unknown_splits(rows: Sequence[Row]) -> Iterator[str]:
    """A note where folders of classes lie in folders that are no known splits, so that no labels are read."""
    parts = [row.id.split("/") for row in rows]
    if all(len(names) == 3 for names in parts) and not any(row.label for row in rows):
        unknown = sorted({names[0] for names in parts if names[0].lower() not in SPLITS})
        said = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        yield (
            f"videos lie three folders deep and {said} is no known split, so there are neither splits nor labels; call the first folders"
            " train, val and test, or give a list"
        )


def files(root: Path, allow_links: bool = False) -> Iterator[Path]:
    """All files below a folder that are not hidden; links to folders are followed unless they lead back up.

    Raises:
        UsageError: a folder that cannot be read or is named like a video, or a link that leads out of ``root`` and that was not allowed.
    """
    yield from _files(root, Fence(root, allow_links), frozenset())


def _files(folder: Path, fence: Fence, above: frozenset[Path]) -> Iterator[Path]:
    above |= {folder.resolve()}
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be read ({error.strerror}). Change its permissions, or leave it out."
        ) from error
    for entry in found:
        path = folder / entry.name
        if entry.is_symlink() and (entry.is_dir() or is_video(path) or path.suffix == ".tar"):
            fence.check(str(path))
        if not entry.is_dir():
            yield path
        elif is_video(path):
            raise UsageError(
                f"{path}: a folder that is named like a video. Rename it, or make a video of what it holds."
            )
        elif path.resolve() not in above:
            yield from _files(path, fence, above)


def _nothing(root: Path) -> str:
    pictures = [
        path for path in root.rglob("*") if path.suffix.lower() in PICTURES and path.stem[-1:].isdigit()
    ]
    if pictures:
        return (
            f"{root}: no videos; it holds {len(pictures):,} numbered pictures ({pictures[0].name}). Folders of pictures are not read: make "
            f"a video of each, as with ffmpeg -framerate 12 -i {_numbered(pictures[0].name)} NAME.mp4. Read are"
            f" {', '.join(sorted(VIDEO_SUFFIXES))}."
        )
    others = sorted({path.suffix.lower() or "no suffix" for path in root.rglob("*") if path.is_file()})
    found = f"it holds files of other kinds ({', '.join(others[:5])})" if others else "it is empty"
    return (
        f"{root}: no videos; {found}. Wanted root/<class>/*, root/{{train,val,test}}/<class>/*, or files ending in"
        f" {', '.join(sorted(VIDEO_SUFFIXES))}."
    )


def _numbered(name: str) -> str:
    """The pattern of a numbered picture, ``frame_%05d.jpg`` of ``frame_00001.jpg``."""
    return re.sub(r"\d+(?=\.\w+$)", lambda digits: f"%0{len(digits[0])}d", name)
