"""From what a user wrote after ``--data`` to one ``Dataset``: a name of the catalogue, a folder, a list, or shards."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from muybridge.core.catalogue import pick, rows, suggestion
from muybridge.core.errors import UsageError
from muybridge.core.label_changes import joined as joined_changes
from muybridge.core.machine.collector import no_collector
from muybridge.data import DATASETS
from muybridge.data.decode.video import is_video
from muybridge.data.index import Dataset
from muybridge.data.lists import amounts, folder, hf_folder, shards
from muybridge.data.lists.name_groups import grouped, is_pattern
from muybridge.data.lists.rows import Fence, Row, checked, number
from muybridge.data.sets import builtin, changes
from muybridge.data.sets import builtin_scenes as builtin_scenes_


def load(
    sources: Sequence[str],
    *,
    label: str | None = None,
    group: str | None = None,
    root: str | None = None,
    where: Sequence[str] = (),
    allow_links: bool = False,
    stream: int | None = None,
) -> Dataset:
    """Read one or several data sets; several are joined (for pretraining).

    Args:
        sources: names of ``muybridge list datasets``, folders, list files, shards or patterns of shards; ``@N`` behind one takes
            N of its training videos.
        label: label column of lists.
        group: group column of lists, or ``/PATTERN/``, of which what it finds in a video's id is the group.
        root: folder that the paths of lists start from, or that holds the official files of a named data set.
        where: lines of lists that count, as ``column=value`` or ``column!=value``.
        allow_links: read videos to which links lead out of their folder.
        stream: number of the video stream that is read of each file whose list names none; FFmpeg's choice when not given.

    Raises:
        UsageError: an unknown name or a folder without videos, or a stream below 0.
    """
    if stream is not None and stream < 0:
        raise UsageError(f"--stream {stream}: streams are numbered from 0.")
    if not sources:
        raise UsageError(
            "no data given: wanted --data with a folder, a list or a name of `muybridge list datasets`."
        )
    column = None if is_pattern(group) else group
    with no_collector():
        parts = [_load_one(source, label, column, root, where, allow_links) for source in sources]
    if group is not None and column is None:
        parts = [grouped(part, group) for part in parts]
    dataset = parts[0] if len(parts) == 1 else join(parts)
    if stream is None:
        return dataset
    records = [replace(r, stream=stream) if r.stream is None else r for r in dataset.records]
    return replace(dataset, records=tuple(records))


def absolute(source: str) -> str:
    """The source with a full path, if it is a path: names of the catalogue stay as they are."""
    whole = amounts.parse(source)[0]
    path, place = Path(source).expanduser(), Path(whole).expanduser()
    try:
        there = path.exists() or place.exists()
    except (OSError, ValueError):  # longer than a name can be, or with a zero byte
        raise UsageError(f"--data {source!r:.80}: no name of a file, and no data set.") from None
    return str(path.absolute()) if there or shards.is_pattern(whole) else source


def _load_one(
    source: str,
    label: str | None,
    group: str | None,
    root: str | None,
    where: Sequence[str],
    allow_links: bool,
) -> Dataset:
    full = absolute(source)
    if full != source or Path(full).is_absolute():
        checked(full, "--data", "path")
    path = Path(full)
    if path.is_dir() or path.is_file() or shards.is_pattern(source):
        base = Path(root).expanduser().absolute() if root else None
        return _own(path, label, group, base, where, allow_links)
    names = [row["name"] for row in rows("datasets", DATASETS)]
    if source in names:
        return _named(source, root, allow_links)
    whole, amount = amounts.parse(source)
    if amount is not None:
        return amounts.take(_load_one(whole, label, group, root, where, allow_links), amount)
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    near = suggestion(source, names) or suggestion(path.name, beside)
    raise UsageError(
        f"{source}: no such folder, list or data set.{near} `muybridge list datasets` lists the names."
    )


def _own(
    path: Path,
    label: str | None,
    group: str | None,
    root: Path | None,
    where: Sequence[str],
    allow_links: bool,
) -> Dataset:
    """Videos of the user: metadata go before shards, videos that lie about before tars beside them."""
    asked: dict[str, Any] = {"label": label, "group": group, "where": where, "allow_links": allow_links}
    if path.is_dir() and hf_folder.metadata(path):
        return hf_folder.read(path, **asked)
    tars = shards.found(str(path))
    if not tars:
        return folder.read(path, root=root, **asked)
    if not path.is_dir() or not any(is_video(file) for file in folder.files(path, allow_links)):
        return shards.read(str(path), **asked)
    dataset = folder.read(path, root=root, **asked)
    note = (
        f"{len(tars):,} tar files are left out, since {path.name} holds videos too, the first: {tars[0].name}"
    )
    return replace(dataset, notes=(*dataset.notes, note))


def _named(name: str, root: str | None, allow_links: bool) -> Dataset:
    """A data set of the catalogue; those with official files need the folder that holds them."""
    read = pick("datasets", DATASETS, name)
    loaded: Dataset
    if name not in DATASETS or not DATASETS[name].facts.get("root"):
        loaded = read()
        return loaded
    origin = import_module(DATASETS[name].target.partition(":")[0]).ORIGIN
    if root is None:
        raise UsageError(
            f"--data {name}: wanted --root FOLDER, the folder that holds its official files. {origin}"
        )
    folder_ = Path(root).expanduser().absolute()
    if not folder_.is_dir():
        raise UsageError(
            f"--root {root}: no such folder; wanted the one that holds the official files of {name}. {origin}"
        )
    loaded = read(folder_)
    fence = Fence(folder_, allow_links)
    for record in loaded.records:
        fence.check(record.file)
    return loaded


def join(parts: Sequence[Dataset]) -> Dataset:
    """Several data sets as one; ids get the name of their part in front, labels are numbered anew."""
    names = _apart([part.name for part in parts])
    joined = [
        Row(
            f"{name}/{record.id}",
            record.file,
            part.classes[record.label] if record.label >= 0 else "",
            record.split,
            f"{name}/{record.group}",
            segment=record.segment,
            stream=record.stream,
        )
        for name, part in zip(names, parts, strict=True)
        for record in part.records
    ]
    dataset = number("+".join(part.name for part in parts), joined)
    notes = [f"{name}: {note}" for name, part in zip(names, parts, strict=True) for note in part.notes]
    told = joined_changes((part.classes, part.changes) for part in parts)
    return replace(dataset, notes=(*notes, *dataset.notes), changes=told)


def _apart(names: Sequence[str]) -> list[str]:
    """The names, numbered from the second of each on: ``a, b, a`` becomes ``a, b, a-2``."""
    return [
        name if name not in names[:i] else f"{name}-{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


def builtin_objects() -> Dataset:
    """The embedded set in which one frame tells the class; rendered at first use."""
    return replace(
        folder.read(builtin.ensure().objects), name="builtin-objects", changes=changes.OBJECT_CHANGES
    )


def builtin_scenes() -> Dataset:
    """The embedded set of pairs of an object and a motion, some of them in no training video; rendered at first use."""
    folder_ = builtin.ensure().folder
    builtin_scenes_.write_table(folder_ / "scenes.csv", **builtin.DEFAULTS)
    read = folder.read(folder_ / "scenes.csv", label="label", group="group")
    return replace(read, name="builtin-scenes", changes=changes.scenes(builtin_scenes_.PAIRS))


def builtin_motions() -> Dataset:
    """The embedded set in which only motion tells the class; rendered at first use."""
    return replace(folder.read(builtin.ensure().motions), name="builtin-motions", changes=changes.BUILTIN)
