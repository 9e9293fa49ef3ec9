"""HMDB51: 6,766 clips of 51 actions from films and the web, three official splits (appearance-based).

Kuehne et al., HMDB: a large video database for human motion recognition, ICCV 2011; CC BY 4.0. ``<class>/<file>.avi`` and one list per
class and split, ``<class>_test_split<N>.txt``, with lines ``<file>.avi <id>``: 1 training, 2 test, 0 unused. File names hold ``&``, ``#``,
``;`` and brackets. Groups: the part of a file name before the class is the source film.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from muybridge.data.index import Dataset
from muybridge.data.sets.official import Listed, assemble, found, lines, malformed

ORIGIN = (
    "Get hmdb51_org.rar and test_train_splits.rar from the Serre lab, and unpack them: videos as hmdb51_org/<class>/*.avi,"
    " lists as testTrainMulti_7030_splits/*.txt."
)
SPLITS = {"1": "train", "2": "test"}
CLASSES = 51


def read(root: Path, split: int = 1) -> Dataset:
    """One official split.

    Args:
        root: folder that holds ``hmdb51_org`` (or ``videos``) and ``testTrainMulti_7030_splits``.
        split: 1, 2 or 3.

    Raises:
        UsageError: a file is missing or a line cannot be read.
    """
    videos = found(root, ("hmdb51_org", "videos"), ORIGIN)
    ending = f"_test_split{split}.txt"
    flat = (".",) if any(root.glob(f"*{ending}")) else ()
    lists = found(root, ("testTrainMulti_7030_splits", "splits", *flat), ORIGIN)
    files = sorted(lists.glob(f"*{ending}"))
    classes = [path.name.removesuffix(ending) for path in files]
    if not files:
        found(lists, (f"brush_hair{ending}",), ORIGIN)
    rows = [row for path, label in zip(files, classes, strict=True) for row in _rows(path, label)]
    return assemble(f"hmdb51-{split}", videos, rows, classes, {"train": 70 * CLASSES, "test": 30 * CLASSES})


def _rows(path: Path, label: str) -> Iterator[Listed]:
    for number, line in lines(path):
        file, _, use = line.rpartition(" ")
        if use not in ("0", "1", "2") or not file:
            raise malformed(path, number, line, "'<file>.avi' and 0, 1 or 2")
        if use in SPLITS:
            yield Listed(f"{label}/{file.strip()}", label, SPLITS[use], file.partition(f"_{label}_")[0])


split1, split2, split3 = (partial(read, split=number) for number in (1, 2, 3))
