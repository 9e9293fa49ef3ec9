"""A made-up transfer study: three official splits, two sources, two protocols, few labels, two sets of weights, many classes."""

from pathlib import Path
from typing import Any

import numpy as np
from fake_study import rows, write_run

from muybridge.core.seeding import rng
from muybridge.runs.contents.predictions import Predictions, write_predictions

ACTIONS = [f"action-{index:02d}" for index in range(40)]
MOVES = ["up", "down", "left", "right"]
SOURCES = {"kinetics400": "appearance", "ssv2": "temporal"}
LEVELS = {
    ("random", ""): 0.3,
    ("vcop", "kinetics400"): 0.5,
    ("vcop", "ssv2"): 0.6,
    ("rotnet", "kinetics400"): 0.45,
}
SPLITS = (1, 3)
"""Official splits that are there; the second has no results."""
HASHES = {"aaaa11112222": 0.0, "bbbb33334444": 0.1}
"""Two protocols, and what the second brings."""


def videos_of(split: int) -> tuple[list[str], list[str]]:
    """Videos and groups of a split: 120 videos in groups of three; ten of its groups are tested in the other split too."""
    first = 0 if split == 1 else 30
    groups = [f"g{first + index // 3:03d}" for index in range(120)]
    return [f"{group}-{index % 3}" for index, group in enumerate(groups)], groups


def build(folder: Path) -> Path:
    """Write the whole study below ``folder``; returns it."""
    for (arm, source), level in LEVELS.items():
        for seed in (0, 1):
            for split in SPLITS:
                _split(folder, arm, source, seed, split, level)
            for code, more in HASHES.items():
                _moves(folder, arm, source, seed, None, level + more, code)
            _neighbours(folder, arm, source, seed, level)
            for labels in (2, 8):
                _moves(folder, arm, source, seed, labels, level - 0.8 / (4 + labels), "aaaa11112222")
    return folder


def told(data: str, classes: list[str], **more: Any) -> dict[str, Any]:
    """What a run says about its data."""
    return {
        "name": data,
        "fingerprint": f"of {data}",
        "classes": classes,
        "broken": [],
        "source": [data],
        **more,
    }


def facets_of(arm: str, source: str, seed: int, data: str, protocol: str, **more: Any) -> dict[str, Any]:
    """Facets of one run; ``more`` only tells signatures apart."""
    return {
        "arm": arm, "source": source, "source_kind": SOURCES.get(source, ""), "seed": seed, "data": data, "protocol": protocol,
        "backbone": "r2plus1d", **more,
    }  # fmt: skip


def _split(folder: Path, arm: str, source: str, seed: int, split: int, level: float) -> None:
    videos, groups = videos_of(split)
    name = f"{arm} {source} {seed} {split}"
    official = {"family": "ucf101", "number": split, "of": 3}
    videos_told = {"train": 400, "test": 120}
    data = told(f"ucf101-{split}", ACTIONS, kind="appearance", split=official, videos=videos_told)
    facets = facets_of(arm, source, seed, data["name"], "fine-tune, all labels")
    kept = rows(level + 0.02 * split, len(ACTIONS), videos, groups, name)
    signature = write_run(
        folder, "finetune", facets, kept, chance=1 / 40, data=data, protocol={"hash": "aaaa11112222", "epochs": 20},
        config={"keep": "last", "labels_per_class": None},
        weights={"last": {"epoch": 20.0, "loss": 1.0}, "best-validation": {"epoch": 12.0 + seed, "loss": 0.9}},
    )  # fmt: skip
    better = rows(level + 0.05, len(ACTIONS), videos, groups, f"best {name}")
    write_predictions(
        folder / "runs" / "finetune" / signature / "predictions-best-validation.parquet", better
    )


def _moves(
    folder: Path, arm: str, source: str, seed: int, labels: int | None, level: float, code: str
) -> None:
    videos = [f"move-{index:03d}" for index in range(90)]
    words = f"{labels} labels per class" if labels else "all labels"
    data = told(
        "moves",
        MOVES,
        kind="temporal",
        split=None,
        videos={"train": 4 * labels if labels else 100, "test": 90},
    )
    facets = facets_of(arm, source, seed, "moves", f"fine-tune, {words}", code=code)
    write_run(
        folder, "finetune", facets, rows(level, 4, videos, videos, f"{arm} {source} {seed} {labels} {code}"), chance=0.25, data=data,
        protocol={"hash": f"{code}{labels or ''}"[-12:], "epochs": 20, "code": code, "labels_per_class": labels},
        config={"labels_per_class": labels},
    )  # fmt: skip


def counted(name: str, videos: int = 30, binary: bool = True) -> dict[str, list[float]]:
    """Found and asked videos of ten groups."""
    stream = rng(0, "counted", name)
    found = stream.random(videos) if not binary else (stream.random(videos) < 0.5).astype(float)
    return {f"g{i}": [float(found[i::10].sum()), float(len(found[i::10]))] for i in range(10)}


def _neighbours(folder: Path, arm: str, source: str, seed: int, level: float) -> None:
    videos = [f"move-{index:03d}" for index in range(90)]
    data = told("moves", MOVES, kind="temporal", split=None, videos={"train": 100, "test": 90})
    name = f"{arm} {source} {seed}"
    knn = [
        {"k": k, "vote": vote, "groups": counted(f"{name} {k} {vote}")} for k in (1, 20) for vote in ("majority", "weighted")
    ]  # fmt: skip
    write_run(
        folder, "knn", facets_of(arm, source, seed, "moves", "knn"), rows(level, 4, videos, videos, f"knn {name}"), chance=0.25, data=data,
        protocol={"hash": "cccc"}, knn=knn, k=20,
    )  # fmt: skip
    write_run(
        folder, "retrieval", facets_of(arm, source, seed, "moves", "retrieval"), chance=None, data=data, protocol={"hash": "dddd"},
        recall=[{"k": k, "groups": counted(f"{name} {k}")} for k in (1, 5)],
        average_precision={"groups": counted(f"{name} map", binary=False)},
    )  # fmt: skip


def uneven(seed: int = 0, videos: int = 60, classes: int = 4) -> Predictions:
    """Rows whose groups hold several classes, one class with few videos; for slow references."""
    stream = rng(seed, "uneven")
    names = [f"v{index}" for index in range(videos)]
    kept = rows(0.6, classes, names, [f"g{index // 5}" for index in range(videos)], f"uneven {seed}")
    label = np.where(np.arange(videos) < 3, classes - 1, stream.integers(0, classes - 1, videos))
    return Predictions(
        kept.video, kept.group, label, kept.view, kept.perturbation, kept.severity, kept.scores
    )


if __name__ == "__main__":
    import sys

    print(build(Path(sys.argv[1])))
