"""UCF101: 13,320 videos of 101 actions, three official splits; a single frame often tells the action (appearance-based).

Soomro, Zamir and Shah, UCF101: a dataset of 101 human actions classes from videos in the wild, arXiv 1212.0402 (2012); for research.
``UCF-101/<class>/v_<class>_g<group>_c<clip>.avi`` and ``ucfTrainTestlist/{classInd,trainlist0N,testlist0N}.txt`` (carriage returns at the
line ends, labels from 1, no labels in the test lists). Trap: the class HandstandPushups has files named ``v_HandStandPushups_*``.
Groups: clips of one class and group number are cut from one source video.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from muybridge.data.index import Dataset
from muybridge.data.sets.official import Listed, assemble, found, known, lines, malformed

ORIGIN = (
    "Get UCF101.rar and UCF101TrainTestSplits-RecognitionTask.zip from the UCF Center for Research in Computer Vision"
    " and unpack both into this folder."
)
COUNTS = {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}


def read(root: Path, split: int = 1) -> Dataset:
    """One official split.

    Args:
        root: folder that holds ``UCF-101`` and ``ucfTrainTestlist``.
        split: 1, 2 or 3.

    Raises:
        UsageError: a file is missing or a line cannot be read.
    """
    videos = found(root, ("UCF-101", "videos"), ORIGIN)
    lists = found(root, ("ucfTrainTestlist",), ORIGIN)
    classes = dict(_classes(found(lists, ("classInd.txt",), ORIGIN)))
    rows = [
        row
        for part in ("train", "test")
        for row in _rows(found(lists, (f"{part}list0{split}.txt",), ORIGIN), part, classes)
    ]
    train, test = COUNTS[split]
    return assemble(f"ucf101-{split}", videos, rows, list(classes), {"train": train, "test": test})


def _classes(path: Path) -> Iterator[tuple[str, int]]:
    for number, line in lines(path):
        words = line.split()
        if len(words) != 2 or not re.fullmatch(r"\d{1,9}", words[0]):
            raise malformed(path, number, line, "'1 ApplyEyeMakeup'")
        yield words[1], int(words[0])


def _rows(path: Path, split: str, classes: dict[str, int]) -> Iterator[Listed]:
    for number, line in lines(path):
        match = re.fullmatch(r"(\w+)/(\S+_(g\d+)_c\d+\.avi)(?: (\d{1,9}))?", line)
        if not match:
            raise malformed(
                path, number, line, "'Class/v_Class_g01_c01.avi', in training lists with a label behind it"
            )
        label, file, group, said = match.groups()
        known(classes, label, f"{path}, line {number}")
        if said is not None and int(said) != classes[label]:
            raise malformed(path, number, line, f"label {classes[label]} of {label}")
        yield Listed(f"{label}/{file}", label, split, f"{label}_{group}")


split1, split2, split3 = (partial(read, split=number) for number in (1, 2, 3))
