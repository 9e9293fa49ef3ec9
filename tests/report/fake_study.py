"""A made-up study: three arms, two data sets, seeds, folds, a failure, an unequal budget, hostile names."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from muybridge.core.plain_data import write_json
from muybridge.core.seeding import rng
from muybridge.runs.contents.predictions import Predictions, concatenate, write_predictions
from muybridge.runs.contents.strips import write_strips
from muybridge.runs.metrics import append_metrics
from muybridge.runs.signing import signature

MOTIONS = [
    "move-right", "move-left", "move-down", "move-up", "approach", "recede", "clockwise", "anticlockwise",
    "appear", "disappear", "accelerate", "decelerate",
]  # fmt: skip
EVIL = "<script>window.evil=1</script>"
DAILY = ["fall", "sit", EVIL, "walk & wave"]
ARMS = ["random", "vcop", "rotnet"]
LEVELS = {"random": 0.12, "vcop": 0.72, "rotnet": 0.40}
PERTURBATIONS = ["gaussian_noise", "jpeg", "frame_shuffle", "motion_blur", "reversal"]
SEVERITIES = [1, 3, 5]
CHANGING = ["reversal"]


def rows(
    accuracy: float, classes: int, videos: list[str], groups: list[str], name: str,
    perturbation: str = "clean", severity: int = 0, views: int = 1, undecoded: int = 0,
) -> Predictions:  # fmt: skip
    """Random rows with about the accuracy given; labels depend on the video only."""
    stream = rng(0, "fake", name, perturbation, severity)
    label = np.array([_label(video, classes) for video in videos])
    right = stream.random(len(videos)) < accuracy
    other = (label + stream.integers(1, classes, len(videos))) % classes
    scores = stream.normal(0, 0.3, (len(videos) * views, classes)).astype(np.float32)
    winner = np.repeat(np.where(right, label, other), views)
    scores[np.arange(len(scores)), winner] += 4
    scores[: undecoded * views] = np.nan
    return Predictions(
        video=np.repeat(videos, views), group=np.repeat(groups, views), label=np.repeat(label, views),
        view=np.tile(np.arange(views), len(videos)), scores=scores,
        perturbation=np.full(len(scores), perturbation), severity=np.full(len(scores), severity),
    )  # fmt: skip


@cache  # a grid asks for the same videos under a hundred conditions
def _label(video: str, classes: int) -> int:
    return int(rng(0, "label", video).integers(classes))


def write_run(folder: Path, stage: str, facets: dict, predictions: Predictions | None = None, **more) -> str:
    """One finished run; returns its signature."""
    config = {"facets": {**facets}, "lr": more.pop("lr", 0.001)}
    name = signature(stage, config, {})
    path = folder / "runs" / stage / name
    path.mkdir(parents=True)
    if predictions is not None:
        write_predictions(path / "predictions.parquet", predictions)
    if "strips" in more:
        write_strips(path / "strips.npz", more.pop("strips"))
    for row in more.pop("metrics", []):
        append_metrics(path / "metrics.jsonl", row)
    env = {
        "muybridge": "0.1.0",
        "python": "3.11.7",
        "torch": "2.6.0",
        "platform": "Linux",
        "cpu": "4 cores",
        "argv": ["muybridge"],
    }
    write_json(path / "env.json", env)
    summary = f"{stage} of {facets['arm']} on {facets['data']}, seed {facets['seed']}"
    result = {
        "version": 1, "stage": stage, "signature": name, "summary": summary, "config": config, "inputs": {},
        "facets": {"protocol": stage, "fold": None, **facets}, "precision": "fp32", "limited": False,
        "notes": [],
        "budget": {"clips": 4000, "steps": 250, "frames": 32000, "flops": 1.2e12, "seconds": 12.5},
        "command": f"muybridge {stage} --data {facets['data']} --seed {facets['seed']} --out DIR", **more,
    }  # fmt: skip
    write_json(path / "result.json", result)
    return name


def data(name: str) -> dict:
    """What a run says about its data."""
    motions = name == "builtin-motions"
    return {
        "name": name, "fingerprint": "5f1d0c77" if motions else "a90e44b1",
        "classes": MOTIONS if motions else DAILY,
        "videos": {"train": 1500, "test": 240} if motions else {"train": 60, "test": 40},
        "source": ["made up"],
        "broken": [] if motions else [{"path": f"clips/{EVIL}.mp4", "reason": "moov atom not found"}],
    }  # fmt: skip


def strip(name: str, frames: int = 8, size: int = 36) -> np.ndarray:
    """A bright square that moves over a gradient, with noise that grows with the severity in the name."""
    y, x = np.mgrid[:size, :size]
    film = np.zeros((frames, size, size, 3))
    film[..., 0], film[..., 1], film[..., 2] = 60 + 2 * x, 70 + y, 120 - x
    for t in range(frames):
        left = 2 + 3 * t
        film[t, 12:22, left : left + 8] = (240, 220, 90)
    level = 12 * int(name[-1]) if name[-1].isdigit() else 0
    film += rng(0, "strip", name).normal(0, level, film.shape)
    return film.clip(0, 255).astype(np.uint8)


def curve(arm: str, seed: int, chance: float, steps: int = 60) -> list[dict]:
    """A learning curve that rises from chance."""
    stream, top = rng(seed, "curve", arm), 0.9 - 0.1 * seed
    out = []
    for step in range(1, steps + 1):
        done = 1 - np.exp(-step / 18)
        accuracy = float(np.clip(chance + (top - chance) * done + stream.normal(0, 0.02), 0, 1))
        loss = float(2.2 * (1 - done) + 0.25 + abs(stream.normal(0, 0.03)))
        out.append(
            {
                "step": step * 10,
                "clips": step * 160,
                "loss": loss,
                "accuracy": accuracy,
                "chance": chance,
                "lr": 1e-3,
            }
        )
    return out


def build(folder: Path, seeds: tuple[int, ...] = (0, 1)) -> Path:
    """Write the whole study below ``folder``."""
    cells = []
    for seed in seeds:
        cells += [_pretrain(folder, arm, seed) for arm in ARMS if arm != "random"]
        for arm in ARMS:
            cells += _motions(folder, arm, seed)
    for arm in ARMS:
        cells += [_fold(folder, arm, fold) for fold in range(4) if (arm, fold) != ("rotnet", 3)]
    cells = [{"stage": stage, "signature": name, "summary": f"{stage} {name}"} for stage, name in cells]
    cells += [
        {"stage": "finetune", "signature": "0" * 16, "summary": "fine-tune of rotnet on daily, fold 3"},
        {"stage": "probe", "signature": "1" * 16, "summary": "probe of prp on builtin-motions, seed 0"},
    ]
    failed = [
        {
            "summary": "fine-tune of rotnet on daily, fold 3",
            "error": "out of memory <b>",
            "log": "logs/rotnet-3.log",
        }
    ]
    study = {
        "name": "fake", "title": "Do pretext tasks see motion?", "command": "muybridge study fake --out DIR",
        "started": "2026-05-09T12:00:00", "arms": [*ARMS, "prp"], "cells": cells, "failed": failed,
    }  # fmt: skip
    write_json(folder / "study.json", study)
    return folder


def _pretrain(folder: Path, arm: str, seed: int) -> tuple[str, str]:
    chance = 1 / 6 if arm == "vcop" else 0.25
    clips = 40000 if arm == "vcop" else 20000
    budget = {
        "clips": clips,
        "steps": clips // 48,
        "frames": clips * 8,
        "flops": 3e8 * clips,
        "seconds": 33.1 + seed,
    }
    facets = {"arm": arm, "data": "builtin-unlabelled", "seed": seed, "protocol": "pretrain"}
    views = {f"{arm}: {name}": strip(name) for name in ("view a", "view b")}
    notes = ["collapsed at step 900"] if (arm, seed) == ("rotnet", 1) else []
    told = {
        "name": "builtin-unlabelled",
        "fingerprint": "77aa",
        "classes": [],
        "videos": {"train": 1500},
        "broken": [],
    }
    metrics = curve(arm, seed, chance)
    return "pretrain", write_run(
        folder,
        "pretrain",
        facets,
        budget=budget,
        chance=chance,
        strips=views,
        notes=notes,
        data=told,
        metrics=metrics,
    )


def _motions(folder: Path, arm: str, seed: int) -> list[tuple[str, str]]:
    videos = [f"builtin-{index:04d}" for index in range(240)]
    level, name = LEVELS[arm] - 0.02 * seed, f"{arm} {seed}"
    facets = {"arm": arm, "data": "builtin-motions", "seed": seed}
    common = {"chance": 1 / 12, "data": data("builtin-motions")}
    probed = rows(level, 12, videos, videos, f"probe {name}", views=2, undecoded=2)
    chosen = {**facets, "protocol": "fine-tuning, 20 labels"}
    tuned = rows(min(0.97, level + 0.2), 12, videos, videos, f"finetune {name}")
    out = [
        ("probe", write_run(folder, "probe", {**facets, "protocol": "linear probe"}, probed, **common)),
        ("finetune", write_run(folder, "finetune", chosen, tuned, **common,
                               metrics=curve(f"tune {arm}", seed, 1 / 12))),
        ("robustness", _robustness(folder, facets, level + 0.2, videos, name, common)),
    ]  # fmt: skip
    if seed == 0:
        out.append(("neighbours", _neighbours(folder, facets, level, common)))
    return out


def _robustness(folder: Path, facets: dict, level: float, videos: list[str], name: str, common: dict) -> str:
    parts = [rows(level, 12, videos, videos, f"robust {name}")]
    strips = {"clean": strip("clean")}
    for index, perturbation in enumerate(PERTURBATIONS):
        for severity in SEVERITIES:
            left = 0.02 if perturbation == "reversal" else level * (1 - 0.03 * severity * (index + 1))
            parts.append(rows(left, 12, videos, videos, f"robust {name}", perturbation, severity))
            strips[f"{perturbation} {severity}"] = strip(f"{perturbation} {severity}")
    chosen = {**facets, "protocol": "fine-tuning, 20 labels"}
    more = {**common, "strips": strips, "label_changing": CHANGING}
    return write_run(folder, "robustness", chosen, concatenate(parts), **more)


def _neighbours(folder: Path, facets: dict, level: float, common: dict) -> str:
    stream, queries, strips = rng(0, "neighbours", facets["arm"]), [], {}
    for query in range(4):
        nearest = []
        for rank in range(5):
            video, label = (
                f"train-{query}-{rank}",
                MOTIONS[query if stream.random() < level else (query + 3) % 12],
            )
            nearest.append({"video": video, "label": label, "similarity": 0.95 - 0.03 * rank})
            strips[video] = strip(f"x{rank}", frames=1)
        queries.append({"video": f"query-{query}", "label": MOTIONS[query], "nearest": nearest})
        strips[f"query-{query}"] = strip("query", frames=1)
    recall = []
    for k in (1, 5, 10):
        hit = round(20 * min(1.0, level + 0.05 * k))
        recall.append({"k": k, "value": hit / 20, "groups": {f"g{i}": [int(i < hit), 1] for i in range(20)}})
    more = {**common, "strips": strips, "neighbours": {"queries": queries}, "recall": recall}
    return write_run(folder, "neighbours", {**facets, "protocol": "nearest neighbours"}, **more)


def _fold(folder: Path, arm: str, fold: int) -> tuple[str, str]:
    name = f"daily {EVIL}"
    videos = [f"s{fold}_{index:02d}" for index in range(10)]
    facets = {"arm": arm, "data": name, "seed": 0, "fold": fold, "protocol": "fine-tuning"}
    level = LEVELS[arm] * 0.6 + 0.3
    tuned = rows(level, 4, videos, [f"subject {fold}"] * 10, f"{arm} fold {fold}")
    limited = (arm, fold) == ("random", 0)
    return "finetune", write_run(
        folder, "finetune", facets, tuned, chance=0.25, data=data(name), limited=limited
    )


if __name__ == "__main__":
    import sys

    print(json.dumps(str(build(Path(sys.argv[1])))))
