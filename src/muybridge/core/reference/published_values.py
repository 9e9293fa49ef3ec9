"""Published reference values: one row per number in ``published.csv``, each with its source. Never a measurement of ours."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SSL = "Kumar, Kumar, Vineet and Rawat, benchmark of video self-supervised learning (arXiv 2306.06010, 2504.06153)"
DRAFT = "draft of 2022 on its project page, thecodeeagle.github.io/webb"
LATER = "supplement of 2023 on the same page"
SOURCES = {
    "table-1": f"{SSL}, Table 1. RotNet, VCOP and PRP there are pretrained on Kinetics-700, RSPNet on 50,000 videos of Kinetics-400.",
    "table-2": f"{SSL}, Table 2. The mean drop from fine-tuning to probe is 20.0 (ShuffleNet) and 39.8 points (R(2+1)D).",
    "table-3": f"{SSL}, Table 3.",
    "table-4": f"{SSL}, Table 4 (its column Epochs holds the size of the subset).",
    "table-2-2022": f"{SSL}, Table 2 of the {DRAFT}: Table 4 for UCF101.",
    "table-5": f"{SSL}, Table 5. The figures of the paper differ from every row by up to 2.4 points: other runs. Which VideoSwin is"
    " not stated; any of ours stands beside it.",
    "training-length": f"{SSL}, Table 4 of the {DRAFT}, and Table 4 of its supplement for HMDB51.",
    "complexity": f"{SSL}, Table 5 of the {DRAFT}. The column of VCOP seems to be of Kinetics-700: its first row is that of Table 1.",
    "data-distribution": f"{SSL}, Table 6 of the {DRAFT}.",
    "table-6": f"{SSL}, Table 6.",
    "noise-mean": f"{SSL}, Table 7 of the {DRAFT}; from its own numbers the row of CVRL on R(2+1)D comes out as 13.9 and 77.2.",
    "figure-9": f"{SSL}, Figure 9, read from its bars; Figure 8 of the {LATER}.",
    "mini-kinetics-c": "Yi et al., NeurIPS 2021 datasets and benchmarks (arXiv 2110.06513), README of its repository.",
    "zero-shot": "READMEs and abstracts of the models, each with its own frames, prompts, splits and training labels: no two rows"
    " are comparable unless their protocol is the same, and none with a run of ours. CLIP's own UCF101 counts 1,794 of 3,783 videos.",
    "ucf101-p": "Schiappa et al., CVPR 2023 (arXiv 2207.01398), read from the picture of its repository to about a point.",
}
"""Where each table comes from, and what must be known to read it."""

COUNTERPARTS = {f"torchvision:swin3d_{size}": "swin" for size in "tsb"}
"""Networks of ours that stand for one whose variant is not stated: Table 5 names VideoSwin, and neither its size nor its start."""


@dataclass(frozen=True)
class Published:
    """One published number; fields that do not apply are empty.

    Attributes:
        table: key of ``SOURCES``.
        backbone: network, by its name of ``muybridge list backbones`` where it has one.
        arm: pretext task, or model.
        source: what it was pretrained on.
        data: what it was tested on.
        protocol: as in our tables.
        epochs: of pretraining.
        level: complexity of the pretext task.
        condition: ``clean``, a perturbation, or a mean over several.
        severity: of the perturbation.
        metric: ``accuracy`` (top-1) unless it says something else.
        value: per cent.
    """

    table: str
    backbone: str
    arm: str
    source: str
    data: str
    protocol: str
    epochs: str
    level: str
    condition: str
    severity: str
    metric: str
    value: float


@cache
def published() -> tuple[Published, ...]:
    """Every published number, in the order of the tables."""
    text = files("muybridge.core.reference").joinpath("published.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        Published(**{name: text for name, text in row.items() if name != "value"}, value=float(row["value"]))
        for row in rows
    )


def of(*tables: str) -> list[Published]:
    """The numbers of some tables.

    Raises:
        KeyError: no such table.
    """
    for table in tables:
        _ = SOURCES[table]
    return [row for row in published() if row.table in tables]
