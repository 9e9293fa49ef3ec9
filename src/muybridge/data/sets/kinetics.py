"""Kinetics-400, -600 and -700: ten-second clips of human actions from YouTube (appearance-based).

Kay et al., The Kinetics human action video dataset, arXiv 1705.06950 (2017); Carreira et al., arXiv 1808.01340 and 1907.06987; lists
CC BY 4.0. One CSV per split with the columns ``label,youtube_id,time_start,time_end,split`` (older ones also ``is_cc``; test lists may lack
``label``); files ``<split>/<class>/<youtube_id>_<start:06d>_<end:06d>.mp4``, in some releases without the split folder. Videos vanish from
YouTube, so nobody has all of them: what is missing is counted. Classes are numbered in sorted order.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from muybridge.core.plain_names import inner_path
from muybridge.data.index import Dataset
from muybridge.data.lists.finder import Finder
from muybridge.data.sets.official import Listed, assemble, found, malformed, table

ORIGIN = "Get the lists train.csv, val.csv (or validate.csv) and test.csv from the Kinetics page, and the videos from the CVDF copy."
SPLITS = {
    "train": ("train.csv",),
    "val": ("val.csv", "validate.csv", "validation.csv"),
    "test": ("test.csv",),
}
PLACES = ("", "annotations")
COUNTS = {
    400: {"train": 246_245, "val": 20_000, "test": 40_000},
    600: {"train": 392_622, "val": 30_000},
    700: {"train": 545_317, "val": 35_000, "test": 70_000},
}
"""As the papers state them (50 validation and 100 test videos a class); lists that were published later name fewer."""


def read(root: Path, classes: int = 400) -> Dataset:
    """All splits whose lists are there; at least one labelled list must be.

    Args:
        root: folder that holds the lists (or ``annotations`` with them) and the videos.
        classes: 400, 600 or 700; decides the name and what the number of classes is checked against.

    Raises:
        UsageError: no list, or a line that cannot be read.
    """
    rows = [row for split in SPLITS for path in _lists(root, split) for row in _rows(path, split)]
    if not rows:
        names = tuple(
            f"{place}/{file}".lstrip("/") for place in PLACES for file in SPLITS["train"] + SPLITS["val"]
        )
        found(root, names, ORIGIN)
    labels = sorted({row.label for row in rows if row.label})
    finder = Finder(root)
    placed = [Listed(_place(finder, row), row.label, row.split) for row in rows]
    listed = {row.split for row in rows}
    official = {split: number for split, number in COUNTS[classes].items() if split in listed}
    dataset = assemble(f"kinetics{classes}", root, placed, labels, official)
    if len(labels) == classes:
        return dataset
    return Dataset(
        dataset.name,
        dataset.records,
        dataset.classes,
        notes=(f"the lists name {len(labels)} classes, not {classes}", *dataset.notes),
    )


def _lists(root: Path, split: str) -> list[Path]:
    paths = [root / place / file for place in PLACES for file in SPLITS[split]]
    return [path for path in paths if path.is_file()][:1]


def _rows(path: Path, split: str) -> Iterator[Listed]:
    for number, line in table(path):
        try:
            name = f"{line['youtube_id']}_{int(line['time_start']):06d}_{int(line['time_end']):06d}.mp4"
        except (KeyError, TypeError, ValueError) as error:
            raise malformed(path, number, str(line), "label,youtube_id,time_start,time_end,split") from error
        yield Listed(name, line.get("label", "").strip(), split)


def _place(finder: Finder, row: Listed) -> str:
    """Path of a video below the root: with or without a folder for the split, blanks in class names as they are or as underscores."""
    options = [
        f"{split}{label}/{row.id}"
        for split in (f"{row.split}/", "")
        for label in dict.fromkeys((row.label, row.label.replace(" ", "_")))
    ]
    tidy = [option.replace("//", "/").lstrip("/") for option in options] + [f"{row.split}/{row.id}", row.id]
    for option in tidy:
        inner_path(option, f"Kinetics lists, {row.id}")
    exact = (option for option in tidy if finder.has(option))
    return next(exact, None) or next((option for option in tidy if finder.find(option)), tidy[0])


k400, k600, k700 = (partial(read, classes=number) for number in (400, 600, 700))
