"""Something-Something V2: 220,847 clips of 174 hand actions with everyday things; only motion tells most of them (temporal-based).

Goyal et al., The something something video database, ICCV 2017; free for research under the licence of its owner. Lists
``something-something-v2-{train,validation,test,labels}.json`` (newer archive: ``labels/{train,validation,test,labels}.json``), videos
``20bn-something-something-v2/<id>.webm``. A class is the template without its square brackets; the values of the labels file are strings;
the test list has ids only.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset
from muybridge.data.sets import changes
from muybridge.data.sets.official import Listed, assemble, content, entries, found, known, lines

ORIGIN = "Get Something-Something V2 from Qualcomm AI datasets and unpack videos and labels into this folder."
MINI = 87
COUNTS = {"train": 168_913, "val": 24_777, "test": 27_157}
FILES = {"train": "train", "val": "validation", "test": "test"}


def read(root: Path, mini: bool = False) -> Dataset:
    """The official splits.

    Args:
        root: folder that holds the lists and the videos.
        mini: keep only the classes that ``mini_classes.txt`` in ``root`` names, one a line (the 87 classes of the mini set).

    Raises:
        UsageError: a file is missing, or an entry is not as published.
    """
    videos = found(root, ("20bn-something-something-v2", "videos"), ORIGIN)
    labels = _labels(_list(root, "labels"))
    classes = sorted(labels, key=lambda name: labels[name])
    rows = [row for split in FILES for row in _rows(_list(root, FILES[split]), split, labels)]
    if not mini:
        return _declared(assemble("ssv2", videos, rows, classes, COUNTS))
    wanted = {
        known(labels, line, f"mini_classes.txt, line {n}")
        for n, line in lines(found(root, ("mini_classes.txt",), ORIGIN))
    }
    kept = [name for name in classes if name in wanted]
    dataset = _declared(assemble("ssv2-mini", videos, [row for row in rows if row.label in wanted], kept, {}))
    if len(kept) == MINI:
        return dataset
    return replace(dataset, notes=(f"mini_classes.txt names {len(kept)} classes, not {MINI}", *dataset.notes))


def _declared(dataset: Dataset) -> Dataset:
    """With what reversal, mirrors and turns make of its classes."""
    return replace(dataset, changes=changes.ssv2(dataset.classes))


def _labels(path: Path) -> dict[str, int]:
    listed = content(path)
    try:
        labels = {str(name): int(number) for name, number in listed.items()}
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: wanted an object of templates and numbers ({error}). Take the official file."
        ) from error
    if sorted(labels.values()) != list(range(len(labels))):
        raise UsageError(
            f"{path}: its numbers are not 0 to {len(labels) - 1}, each once. Take the official file."
        )
    return labels


def _list(root: Path, name: str) -> Path:
    return found(root, (f"something-something-v2-{name}.json", f"labels/{name}.json"), ORIGIN)


def _rows(path: Path, split: str, labels: dict[str, int]) -> Iterator[Listed]:
    for number, entry in entries(path):
        where = f"{path}, entry {number}"
        if "id" not in entry or (split != "test" and "template" not in entry):
            raise UsageError(
                f"{where}: {entry!r:.200}; wanted an object with id and template. Take the official file."
            )
        template = str(entry.get("template", "")).replace("[", "").replace("]", "")
        yield Listed(f"{entry['id']}.webm", known(labels, template, where) if template else "", split)


full, mini = partial(read, mini=False), partial(read, mini=True)
