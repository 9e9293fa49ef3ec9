"""From what a user wrote after ``--data`` to one ``Dataset``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from muybridge.core.catalogue import pick, suggestion
from muybridge.core.errors import UsageError
from muybridge.data import DATASETS, builtin, folder
from muybridge.data.index import Dataset


def load(
    sources: Sequence[str], *, label: str | None = None, group: str | None = None, root: str | None = None
) -> Dataset:
    """Read one or several data sets: catalogue names, folders or lists; several are joined (for pretraining).

    Args:
        sources: names of ``muybridge list datasets``, folders or list files.
        label: label column of lists.
        group: group column of lists.
        root: folder that the paths of lists start from.

    Raises:
        UsageError: an unknown name or a folder without videos.
    """
    if not sources:
        raise UsageError(
            "no data given: wanted --data with a folder, a list or a name of `muybridge list datasets`."
        )
    parts = [_load_one(source, label, group, root) for source in sources]
    return parts[0] if len(parts) == 1 else join(parts)


def _load_one(source: str, label: str | None, group: str | None, root: str | None) -> Dataset:
    if Path(source).exists():
        base = Path(root).expanduser().absolute() if root else None
        return folder.read(Path(source).absolute(), label=label, group=group, root=base)
    if source in DATASETS or "/" not in source and not Path(source).suffix:
        loaded: Dataset = pick("datasets", DATASETS, source)()
        return loaded
    near = suggestion(source, DATASETS)
    raise UsageError(
        f"{source}: no such folder, list or data set.{near} `muybridge list datasets` lists the names."
    )


def join(parts: Sequence[Dataset]) -> Dataset:
    """Several data sets as one; ids get the name of their part in front, labels are numbered anew."""
    classes = tuple(sorted({name for part in parts for name in part.classes}))
    records = [
        replace(
            record,
            id=f"{part.name}/{record.id}",
            group=f"{part.name}/{record.group}",
            label=classes.index(part.classes[record.label]) if record.label >= 0 else -1,
        )
        for part in parts
        for record in part.records
    ]
    name = "+".join(part.name for part in parts)
    return Dataset(name, tuple(sorted(records, key=lambda record: record.id)), classes)


def builtin_objects() -> Dataset:
    """The embedded set in which one frame tells the class; rendered at first use."""
    return replace(folder.read(builtin.ensure().objects), name="builtin-objects")


def builtin_motions() -> Dataset:
    """The embedded set in which only motion tells the class; rendered at first use."""
    return replace(folder.read(builtin.ensure().motions), name="builtin-motions")
