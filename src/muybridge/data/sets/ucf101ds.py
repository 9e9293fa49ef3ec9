"""UCF101-DS: real videos of UCF101's actions under natural shifts (other actors, viewpoints, weather, styles); test videos only.

Schiappa et al., A large-scale robustness analysis of video action recognition models, CVPR 2023, arXiv 2207.01398.
``ucf101-DS_eval.csv`` with the columns ``label, filename, video_id, shift, category``; files ``UCF101-DS/<label>/<filename>``. Several
clips are cut from one video, which is their group. Some labels are spelt otherwise than in UCF101 and are set right here. For research;
no published number of clips could be read, so none is checked.
"""

from collections.abc import Iterator
from pathlib import Path

from muybridge.data.index import Dataset
from muybridge.data.sets.official import Listed, assemble, found, malformed, table

ORIGIN = "Get UCF101-DS from the UCF Center for Research in Computer Vision and unpack it into this folder."
ALIASES = {
    "BilliardsShot": "Billiards",
    "BasketballShooting": "Basketball",
    "CleanandJerk": "CleanAndJerk",
    "Breaststroke": "BreastStroke",
}


def read(root: Path) -> Dataset:
    """All videos, as test videos; the classes are those that occur.

    Args:
        root: folder that holds ``UCF101-DS`` and ``ucf101-DS_eval.csv``.

    Raises:
        UsageError: a file is missing or a line cannot be read.
    """
    videos = found(root, ("UCF101-DS",), ORIGIN)
    rows = list(_rows(found(root, ("ucf101-DS_eval.csv", "UCF101-DS/ucf101-DS_eval.csv"), ORIGIN)))
    return assemble("ucf101-ds", videos, rows, sorted({row.label for row in rows}), {})


def _rows(path: Path) -> Iterator[Listed]:
    for number, line in table(path):
        label, name, source = (line.get(key) for key in ("label", "filename", "video_id"))
        if not (label and name and source):
            raise malformed(path, number, str(line), "label,filename,video_id,shift,category")
        yield Listed(f"{label}/{name}", ALIASES.get(label, label), "test", source)
