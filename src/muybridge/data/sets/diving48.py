"""Diving48: 18,404 dives of 48 kinds (V2: 16,997); the scene is always the same, only motion tells them apart (temporal-based).

Li, Li and Vasconcelos, RESOUND: towards action recognition without representation bias, ECCV 2018; for research. Lists
``Diving48_V2_{train,test}.json`` (V1: ``Diving48_{train,test}.json``) of ``{"vid_name", "label", "start_frame", "end_frame"}`` and
``Diving48_vocab.json``; videos ``rgb/<vid_name>.mp4``. In V2 label 30 never occurs; the number of outputs stays 48.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset
from muybridge.data.sets.official import Listed, assemble, content, entries, found

ORIGIN = (
    "Get Diving48_rgb.tar.gz and the lists from the Statistical Visual Computing Lab at UC San Diego,"
    " and unpack them into this folder."
)
COUNTS = {2: {"train": 15_027, "test": 1_970}, 1: {"train": 16_067, "test": 2_337}}


def read(root: Path, version: int = 2) -> Dataset:
    """The official split.

    Args:
        root: folder that holds ``rgb`` and the lists.
        version: 1, or 2 with the cleaned labels.

    Raises:
        UsageError: a file is missing, or an entry is not as published.
    """
    videos = found(root, ("rgb", "videos"), ORIGIN)
    classes = _classes(found(root, ("Diving48_vocab.json",), ORIGIN))
    between = "_V2" if version == 2 else ""
    rows = [
        row
        for split in ("train", "test")
        for row in _rows(found(root, (f"Diving48{between}_{split}.json",), ORIGIN), split, classes)
    ]
    return assemble(f"diving48-v{version}", videos, rows, classes, COUNTS[version])


def _classes(path: Path) -> list[str]:
    vocabulary = content(path)
    try:
        return [" ".join(words) for words in vocabulary]
    except TypeError as error:
        raise UsageError(f"{path}: wanted a list of lists of words. Take the official file.") from error


def _rows(path: Path, split: str, classes: list[str]) -> Iterator[Listed]:
    for number, entry in entries(path):
        name, label = entry.get("vid_name"), entry.get("label")
        if (
            not isinstance(name, str)
            or not isinstance(label, int)
            or isinstance(label, bool)
            or not 0 <= label < len(classes)
        ):
            raise UsageError(
                f"{path}, entry {number}: {entry!r:.200}; wanted vid_name and a label below {len(classes)}. Take the official file."
            )
        yield Listed(f"{name}.mp4", classes[label], split, name.rpartition("_")[0] or name)


v1, v2 = partial(read, version=1), partial(read, version=2)
