"""Diving48: about 18,000 dives of 48 kinds; the scene is always the same, only motion tells them apart (temporal-based).

Li, Li and Vasconcelos, RESOUND: towards action recognition without representation bias, ECCV 2018; for research. Lists
``Diving48_V2_{train,test}.json`` (V1: ``Diving48_{train,test}.json``) of ``{"vid_name", "label", "start_frame", "end_frame"}`` and
``Diving48_vocab.json``; videos ``rgb/<vid_name>.mp4``. In V2 label 30 never occurs; the number of outputs stays 48.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset
from muybridge.data.official import Listed, assemble, content, found

ORIGIN = (
    "Get Diving48_rgb.tar.gz and the lists from the Statistical Visual Computing Lab at UC San Diego,"
    " and unpack them into this folder."
)
COUNTS = {2: {"train": 15_027, "test": 1_970}, 1: {}}


def read(root: Path, version: int = 2) -> Dataset:
    """The official split.

    Args:
        root: folder that holds ``rgb`` and the lists.
        version: 1, or 2 with the cleaned labels.

    Raises:
        UsageError: a file is missing, or an entry is not as published.
    """
    videos = found(root, ("rgb", "videos"), ORIGIN)
    vocabulary = content(found(root, ("Diving48_vocab.json",), ORIGIN))
    classes = [" ".join(words) for words in vocabulary]
    between = "_V2" if version == 2 else ""
    rows = [
        row
        for split in ("train", "test")
        for row in _rows(found(root, (f"Diving48{between}_{split}.json",), ORIGIN), split, classes)
    ]
    return assemble(f"diving48-v{version}", videos, rows, classes, COUNTS[version])


def _rows(path: Path, split: str, classes: list[str]) -> Iterator[Listed]:
    for number, entry in enumerate(content(path), 1):
        try:
            name, label = str(entry["vid_name"]), int(entry["label"])
            yield Listed(f"{name}.mp4", classes[label], split, name.rpartition("_")[0] or name)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError(
                f"{path}, entry {number}: {entry!r}; wanted vid_name and a label below {len(classes)}. Take the official file."
            ) from error


v1, v2 = partial(read, version=1), partial(read, version=2)
