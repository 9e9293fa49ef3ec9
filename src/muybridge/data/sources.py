"""From what a user wrote after ``--data`` to one ``Dataset``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from muybridge.core.catalogue import pick, rows, suggestion
from muybridge.core.errors import UsageError
from muybridge.data import DATASETS, builtin, folder
from muybridge.data.index import Dataset


def load(
    sources: Sequence[str],
    *,
    label: str | None = None,
    group: str | None = None,
    root: str | None = None,
    where: Sequence[str] = (),
) -> Dataset:
    """Read one or several data sets: catalogue names, folders or lists; several are joined (for pretraining).

    Args:
        sources: names of ``muybridge list datasets``, folders or list files.
        label: label column of lists.
        group: group column of lists.
        root: folder that the paths of lists start from, or that holds the official files of a named data set.
        where: lines of lists that count, as ``column=value`` or ``column!=value``.

    Raises:
        UsageError: an unknown name or a folder without videos.
    """
    if not sources:
        raise UsageError(
            "no data given: wanted --data with a folder, a list or a name of `muybridge list datasets`."
        )
    parts = [_load_one(source, label, group, root, where) for source in sources]
    return parts[0] if len(parts) == 1 else join(parts)


def _load_one(
    source: str, label: str | None, group: str | None, root: str | None, where: Sequence[str]
) -> Dataset:
    path = Path(source).expanduser().absolute()
    if path.exists():
        base = Path(root).expanduser().absolute() if root else None
        return folder.read(path, label=label, group=group, root=base, where=where)
    names = [row["name"] for row in rows("datasets", DATASETS)]
    if source in names:
        return _named(source, root)
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    near = suggestion(source, names) or suggestion(path.name, beside)
    raise UsageError(
        f"{source}: no such folder, list or data set.{near} `muybridge list datasets` lists the names."
    )


def _named(name: str, root: str | None) -> Dataset:
    """A data set of the catalogue; those with official files need the folder that holds them."""
    read = pick("datasets", DATASETS, name)
    loaded: Dataset
    if name not in DATASETS or not DATASETS[name].facts.get("root"):
        loaded = read()
        return loaded
    if root is None:
        raise UsageError(f"--data {name}: wanted --root FOLDER, the folder that holds its official files.")
    folder_ = Path(root).expanduser().absolute()
    if not folder_.is_dir():
        raise UsageError(
            f"--root {root}: no such folder; wanted the one that holds the official files of {name}."
        )
    loaded = read(folder_)
    return loaded


def join(parts: Sequence[Dataset]) -> Dataset:
    """Several data sets as one; ids get the name of their part in front, labels are numbered anew."""
    joined = [
        folder.Row(
            f"{name}/{record.id}",
            record.path,
            part.classes[record.label] if record.label >= 0 else "",
            record.split,
            f"{name}/{record.group}",
        )
        for name, part in zip(_apart([part.name for part in parts]), parts, strict=True)
        for record in part.records
    ]
    return folder.number("+".join(part.name for part in parts), joined)


def _apart(names: Sequence[str]) -> list[str]:
    """The names, numbered from the second of each on: ``a, b, a`` becomes ``a, b, a-2``."""
    return [
        name if name not in names[:i] else f"{name}-{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


def builtin_objects() -> Dataset:
    """The embedded set in which one frame tells the class; rendered at first use."""
    return replace(folder.read(builtin.ensure().objects), name="builtin-objects")


def builtin_motions() -> Dataset:
    """The embedded set in which only motion tells the class; rendered at first use."""
    return replace(
        folder.read(builtin.ensure().motions), name="builtin-motions", label_changing=("reversal",)
    )
