"""A made-up study of pretext tasks on two networks, for claims and published values; cells can be left out."""

from collections.abc import Collection
from itertools import product
from pathlib import Path

from fake_study import rows, write_run

from muybridge.core.plain_data import write_json
from muybridge.runs.contents.predictions import concatenate

TASKS = ("rotnet", "vcop", "prp", "cvrl", "tdl", "rspnet")
CLEAN = {"random": 0.10, "rotnet": 0.30, "vcop": 0.75, "prp": 0.45, "cvrl": 0.32, "tdl": 0.70, "rspnet": 0.90}
KEPT = {"rspnet": 0.2, "cvrl": 0.3, "tdl": 0.4}
"""Share of the accuracy above chance that noise leaves; nearly all of it for the other tasks."""
NETWORKS = ("shufflenet-tiny", "r2plus1d-tiny")
VIDEOS = [f"builtin-{index:04d}" for index in range(200)]
STAGES = ("pretrain", "probe", "finetune", "robustness")
NOISES = [("gaussian_noise", 1), ("gaussian_noise", 2), ("shot_noise", 1), ("shot_noise", 2)]
Cell = tuple[str, str, str, int]


def build(
    out: Path, name: str = "pretext-backbones", without: Collection[Cell] = (), seeds: int = 1, clips: int = 4000,
    networks: Collection[str] = NETWORKS, tasks: Collection[str] = TASKS, stages: Collection[str] = STAGES,
    tables: Collection[str] = ("table-1",),
) -> Path:  # fmt: skip
    """Write the study; ``without`` names cells (stage, network, arm, seed), ``clips`` is the budget of RSPNet (4,000 for others)."""
    for stage, network, arm, seed in product(stages, networks, ("random", *tasks), range(seeds)):
        facets = {"arm": arm, "data": "builtin-motions", "seed": seed, "backbone": network}
        if (stage, network, arm, seed) not in without and (stage, arm) != ("pretrain", "random"):
            _run(out, stage, facets, clips if arm == "rspnet" else 4000)
    cells = [
        {"stage": stage, "signature": f"{index:016x}", "summary": f"{stage} {network} {arm} {seed}",
         "facets": {"arm": arm, "protocol": stage, "data": "builtin-motions", "backbone": network}}
        for index, (stage, network, arm, seed) in enumerate(without)
    ]  # fmt: skip
    failed = [{"summary": cell["summary"], "error": "out of memory", "log": "error.log"} for cell in cells]
    study = {
        "name": name,
        "title": "Pretext tasks",
        "arms": ["random", *tasks],
        "cells": cells,
        "failed": failed,
        "tables": list(tables),
    }
    write_json(out / "study.json", study)
    return out


def _run(out: Path, stage: str, facets: dict, clips: int) -> None:
    words = f"{stage} {facets['backbone']} {facets['arm']} {facets['seed']}"
    told = {
        "name": "builtin-motions",
        "fingerprint": "5f1d",
        "classes": [str(i) for i in range(12)],
        "videos": {},
        "broken": [],
        "source": [],
    }
    common = {"data": told, "chance": 1 / 12, "lr": words}
    facets = {**facets, "protocol": stage}
    if stage == "pretrain":
        budget = {"clips": clips, "steps": 250, "frames": 8 * clips, "flops": 1e12, "seconds": 9.0}
        write_run(out, stage, facets, budget=budget, **{**common, "chance": 0.25})
        return
    level = CLEAN[facets["arm"]] * (0.6 if stage == "probe" else 1.0)
    parts = [rows(level, 12, VIDEOS, VIDEOS, words)]
    if stage == "robustness":
        noisy = 1 / 12 + (level - 1 / 12) * KEPT.get(facets["arm"], 0.9)
        common["inputs"] = {"model": {"stage": "finetune", "signature": "0" * 16}}
        parts += [rows(noisy, 12, VIDEOS, VIDEOS, words, kind, severity) for kind, severity in NOISES]
    write_run(out, stage, facets, concatenate(parts), **common)
