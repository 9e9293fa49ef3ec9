"""A sound folder of results with one run of each stage, and how to change one and seal it again."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from muybridge.config.stage_configs import as_dict, kind_of
from muybridge.core.plain_data import write_json, write_yaml
from muybridge.runs.contents.layer_maps import write_maps
from muybridge.runs.contents.predictions import Predictions, concatenate, write_predictions
from muybridge.runs.contents.result import digest
from muybridge.runs.contents.strips import write_strips
from muybridge.runs.metrics import append_metrics
from muybridge.runs.records import Run
from muybridge.runs.seal import seal
from muybridge.runs.signing import signature

CLASSES = ["left", "right", "up"]
VIDEOS = [f"clips/v{index:02d}.mp4" for index in range(12)]
STUDY = "hostile"


@dataclass
class Farm:
    """A folder of results with one run of each stage, and what lies outside it.

    Attributes:
        out: the folder.
        outside: files of the user that nobody may touch.
        runs: by stage; the second robustness run is ``other``.
    """

    out: Path
    outside: Path
    runs: dict[str, Run] = field(default_factory=dict)

    def path(self, stage: str, name: str) -> Path:
        """A file of a run."""
        return self.runs[stage].path / name


def answers(seed: int, perturbation: str = "clean", severity: int = 0) -> Predictions:
    """Rows of twelve videos in six groups, most of them right."""
    stream = np.random.default_rng([seed, severity, len(perturbation)])
    label = np.arange(len(VIDEOS)) % len(CLASSES)
    scores = stream.normal(0, 1, (len(VIDEOS), len(CLASSES))).astype(np.float32)
    scores[np.arange(len(VIDEOS)), label] += 2
    return Predictions(
        video=np.array(VIDEOS), group=np.array([f"g{index // 2}" for index in range(len(VIDEOS))]), label=label,
        view=np.zeros(len(VIDEOS), int), perturbation=np.full(len(VIDEOS), perturbation),
        severity=np.full(len(VIDEOS), severity), scores=scores,
    )  # fmt: skip


def build(out: Path) -> dict[str, Run]:
    """A sound folder: nine runs, a plan and the mark."""
    write_json(out / "muybridge.json", {"made by": "muybridge", "layout": 1})
    grid = [answers(7, kind, level) for kind in ("gaussian_noise", "jpeg") for level in (1, 3)]
    counted = {
        "recall": [{"k": k, "value": 0.5, "groups": {f"g{i}": [1, 2] for i in range(6)}} for k in (1, 5)]
    }
    runs = {"pretrain": _run(out, "pretrain", curve=True, weights=True, chance=0.25)}
    start = {"init": runs["pretrain"]}
    runs["probe"] = _run(out, "probe", start, answers(1), weights=True, strips="class")
    runs["knn"] = _run(
        out,
        "knn",
        start,
        answers(2),
        knn=[{"k": 5, "vote": "plain", "groups": {f"g{i}": [1, 2] for i in range(6)}}],
    )
    runs["finetune"] = _run(out, "finetune", start, answers(3), weights=True, curve=True)
    model = {"model": runs["finetune"]}
    grid_told = {
        "profile": {"name": "muybridge-1", "version": 1},
        "categories": {"gaussian_noise": "noise", "jpeg": "digital"},
    }
    runs["robustness"] = _run(
        out, "robustness", model, concatenate([answers(3), *grid]), strips="jpeg", **grid_told
    )
    runs["other"] = _run(
        out, "robustness", model, concatenate([answers(4), *grid]), arm="rotnet", **grid_told
    )
    runs["retrieval"] = _run(
        out, "retrieval", start, average_precision={"value": 0.4, "groups": {"g0": [0.4, 1]}}, **counted
    )
    near = [{"video": VIDEOS[1], "label": "left", "similarity": 0.5}]
    shown = {"neighbours": {"queries": [{"video": VIDEOS[0], "label": "left", "nearest": near}]}}
    runs["neighbours"] = _run(out, "neighbours", start, strips="video", **counted, **shown)
    cells = [{"stage": run.stage, "signature": run.signature, "summary": name, "facets": run.result["facets"], "factors": {}}
             for name, run in runs.items()]  # fmt: skip
    write_json(
        out / "study.json",
        {
            "name": STUDY,
            "title": "A study",
            "arms": ["vcop", "rotnet"],
            "cells": cells,
            "failed": [],
            "config": {},
            "tables": [],
        },
    )
    return runs


def build_more(out: Path, runs: dict[str, Run]) -> dict[str, Run]:
    """Runs beside those of ``build`` whose results say what those do not: maps of layers, losses, teachers, questions."""
    model, spent = {"model": runs["finetune"]}, {"clips": 24, "steps": 3, "flops": 10**9, "seconds": 1.5}
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    network = {
        "name": "vcop",
        "layers": ["a", "b"],
        "never": ["c"],
        "facts": {
            "arm": "vcop",
            "backbone": "r2plus1d-tiny",
            "done": "fine-tuned",
            "source": "clips",
            "seed": 0,
            "level": "",
            "stage": "finetune",
        },
    }
    told = {
        "a": network,
        "b": None,
        "measures": {
            "cka": {
                "mean_off_diagonal": interval,
                "block_score": interval,
                "inside_null": 0.5,
                "undefined": 0,
                "profile": [1.0, 0.5],
            }
        },
        "conditions": [["jpeg", 1]],
        "replicates": 4,
        "clips": 12,
        "groups": 6,
        "pool": "none",
        "batches": [12],
        "permutations": 9,
        "profile": None,
        "drift": [{"type": "jpeg", "severity": 1, "mean": 0.5, "first": 0.9, "last": None, "twin": interval}],
    }
    maps = {
        f"cka.{name}": np.full((2, 2), value)
        for name, value in {"value": 0.6, "null_low": -0.1, "null_high": 0.1, "low": 0.5, "high": 0.7}.items()
    }
    maps |= {f"perturbed.{name}": np.full((1, 2), 0.5) for name in ("value", "null_low", "null_high")}
    maps["redrawn.value"] = np.full((2, 4), 0.5)
    tasks = {"speed": {"accuracy": 0.5, "chance": 0.25, "explained": 0.1, "active": True}}
    point = {
        "at": 50,
        "scope": "all",
        "names": ["supervised", "speed"],
        "measures": {"D3norm": interval},
        "naive": {"D3norm": 0.9},
        "cosines": [[1.0, 0.5], [0.5, 1.0]],
    }
    question = {
        "hash": "ab12",
        "name": "zero-shot",
        "clips": {"frames": 8, "sampling": "uniform", "crop": 32},
        "question": {"template_set": "actions"},
    }
    return {
        "similarity": _run(out, "similarity", {"a": runs["finetune"]}, maps=maps, similarity=told),
        "zeroshot": _run(
            out,
            "zeroshot",
            {},
            answers(5),
            arm="clip",
            templates=[answers(6, "template"), answers(7, "names")],
            model={"name": "clip", "order_free": True},
            protocol=question,
            regime={"name": "Z1", "labels": "kinetics400", "seen": [0]},
            parts={"seen": ["left"], "unseen": ["right", "up"]},
        ),
        "taught": _run(
            out,
            "finetune",
            {"init": runs["pretrain"], "teachers": runs["finetune"]},
            answers(6),
            arm="taught",
            weights=True,
            curve=True,
            weighting={"name": "meltr", "options": {"width": 8}, "terms": ["speed"]},
            tasks=tasks,
            budget={
                **spent,
                "shares": {"speed": 0.5},
                "meta": {"steps": 3, "flops": 10**6, "seconds": 0.1},
                "unit": "clips",
            },
            recipe={"task": "speed", "preset": "paper", "hash": "12ab", "differ": ["lr"]},
            kept={"best-validation": {"epoch": 1}},
        ),
        "diversity": _run(
            out,
            "diversity",
            {"init": runs["pretrain"]},
            curve=True,
            diversity={"D0": 1, "Rao": 0.5, "points": [point]},
        ),
        "tested": _run(
            out,
            "robustness",
            model,
            answers(8),
            arm="tested",
            seen=["jpeg"],
            label_changing=["reversal"],
            label_map={"reversal": {"1": {"left": "right"}}},
            order={"reversal": {"1": {"tau": -1.0, "distinct": 8.0}}},
            mean_angle={"rotation": {"1": 5.0}},
            identity={"equal": True},
            lossless={"equal": True},
            folds=[{"fold": 0, "signature": "0" * 16, "videos": {"test": 12}, "numbers": {"accuracy": 0.5}}],
        ),
    }


def _run(
    out: Path, stage: str, inputs: dict[str, Run] | None = None, rows: Predictions | None = None, arm: str = "vcop",
    curve: bool = False, weights: bool = False, strips: str = "", maps: dict[str, np.ndarray] | None = None,
    kept: dict[str, Any] | None = None, templates: list[Predictions] | None = None, **more: Any,
) -> Run:  # fmt: skip
    inputs = inputs or {}
    config = as_dict(kind_of(stage)()) | {
        "data": ["/data/clips"],
        "out": str(out),
        "device": "cpu",
        "precision": "fp32",
    }
    config |= {name: str(run.path) for name, run in inputs.items()}
    name = signature(stage, config | {"arm": arm}, {key: run.signature for key, run in inputs.items()})
    path = out / "runs" / stage / name
    write_yaml(path / "config.yaml", config)
    write_json(
        path / "env.json",
        {"muybridge": "0.1.0", "python": "3.11", "argv": ["muybridge", stage], "started": "2026-05-09"},
    )
    if rows is not None:
        write_predictions(path / "predictions.parquet", rows)
    if templates:
        write_predictions(path / "templates.parquet", concatenate(templates))
    for step in range(1, 4) if curve else ():
        row = {
            "step": step,
            "clips": 8 * step,
            "loss": 2.0 / step,
            "accuracy": 0.3,
            "chance": 0.25,
            "lr": 0.1,
        }
        append_metrics(
            path / "metrics.jsonl", row | ({"health": {"feature_std": 0.1, "knn": 0.5}} if step == 2 else {})
        )
    if weights:
        save_file({"backbone.a": np.zeros((2, 2), np.float32)}, path / "weights.safetensors")
    if maps:
        write_maps(path, maps)
    if strips:
        names = {"class": CLASSES, "jpeg": ["clean", "jpeg 1", "jpeg 3"], "video": VIDEOS[:2]}[strips]
        write_strips(path / "strips.npz", {one: np.full((2, 8, 8, 3), 90, np.uint8) for one in names})
    facets = {
        "arm": arm, "data": "clips", "protocol": stage, "seed": 0, "fold": None, "backbone": "r2plus1d-tiny", "source": "clips",
        "source_kind": "temporal", "level": "", "frames": "",
    }  # fmt: skip
    told = {
        "version": 2, "stage": stage, "signature": name, "config": config, "facets": facets,
        "inputs": {key: {"stage": run.stage, "signature": run.signature} for key, run in inputs.items()},
        "precision": "fp32", "limited": False, "notes": ["a note"], "command": f"muybridge {stage} --out {out}",
        "summary": f"{stage} of {arm}", "chance": 1 / 3, "peak_memory": 1 << 28, "numbers": {"loss": 0.5},
        "budget": {"clips": 24, "steps": 3, "frames": 192, "flops": 10**9, "seconds": 2.5, "kept": True, "unit": "clips", "asked": 24},
        "data": {"name": "clips", "fingerprint": "12ab", "classes": CLASSES, "videos": {"train": 24, "test": 12}, "broken": [],
                 "source": ["/data/clips"], "kind": "temporal", "split": None},
        "protocol": {"hash": "3fa9c1d2e4b5", "name": stage, "clips": {"frames": 8, "stride": 4, "fps": None, "temporal": 1, "spatial": 1,
                                                                        "crop": 32}},
        "seen": [], "label_changing": [], **more,
    }  # fmt: skip
    if kept:
        told["weights"] = kept
    if rows is not None:
        told["numbers"] = {"accuracy": 0.5} | ({"perturbed": 0.4} if stage == "robustness" else {})
    write_json(path / "result.json", seal(path, told))
    return Run(path)


def resealed(run: Run, **fields: Any) -> None:
    """Change a result and its files, and give it checksums as whoever made it could; fields that are ``...`` go."""
    told = json.loads((run.path / "result.json").read_text())
    told = {
        key: value
        for key, value in (told | fields).items()
        if value is not ... and key not in ("files", "sha256")
    }
    content = seal(run.path, told)
    raw(run, {**content, **{key: value for key, value in fields.items() if key in ("files", "sha256")}})


def raw(run: Run, content: Any) -> None:
    """Write a result as it is, with its own checksum made anew where it has one."""
    if isinstance(content, dict) and "sha256" in content:
        content = {**content, "sha256": digest(content)}
    (run.path / "result.json").write_text(json.dumps(content))


def swapped(path: Path, put: Callable[[Path], object]) -> None:
    """Put something else in the place of a file."""
    path.unlink(missing_ok=True)
    put(path)
