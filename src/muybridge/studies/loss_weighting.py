"""Auxiliary losses beside few labels: does any weighting of them beat a constant, in accuracy and under perturbations in time?

One primary task (labels of 10 videos per class, a network from random weights) and the six pretext tasks of the benchmark as auxiliaries.
Every family of weightings has as many trials as MELTR has modes: three constants, two of PCD, one of those without options.
"""

from collections.abc import Mapping
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.studies.config import WeightingConfig
from muybridge.studies.cost import clips_of
from muybridge.studies.plan import Study
from muybridge.studies.scales import TASKS, Lab, Ours

OURS: Ours = {
    "tiny": {
        "backbones": ("r2plus1d-tiny",),
        "tasks": TASKS,
        "data": ("builtin-motions", "builtin-objects"),
        "finetune": {"labels_per_class": 10, "epochs": 6, "batch": 8},
        "robustness": {
            "profile": "muybridge-1", "types": ("gaussian_noise", "sampling", "jumbling", "freezing"), "severities": (2, 4),
        },
    },
    "small": {"backbones": ("r2plus1d",), "tasks": TASKS, "seeds": 3, "robustness": {"profile": "muybridge-1"}},
    "paper": {"backbones": ("r2plus1d",), "tasks": TASKS, "robustness": {"profile": "muybridge-1"}},
}  # fmt: skip
"""At tiny scale one network, small batches and few passes (14 clips are encoded for every labelled one), and perturbations in time."""

ARMS: Mapping[str, dict[str, Any]] = {
    "sum": {},
    "constant-0.1": {"weight": 0.1},
    "constant-0.3": {"weight": 0.3},
    "uncertainty": {"weighting": "uncertainty"},
    "famo": {"weighting": "famo"},
    "pcd-0.02": {"weighting": "pcd"},
    "pcd-0.2": {"weighting": "pcd", "weighting_options": ("tau=0.2",)},
    "pcgrad": {"weighting": "pcgrad"},
    "imtl-g": {"weighting": "imtl-g"},
    "meltr-faithful": {"weighting": "meltr", "mode": "faithful"},
    "meltr-safe": {"weighting": "meltr", "mode": "safe"},
    "meltr-corrected": {"weighting": "meltr", "mode": "corrected"},
}
"""Arms with auxiliaries, from cheap to dear."""
SINGLE = ("single", "single-matched")
"""Arms without: the same passes over the videos, and as many encoded clips as the sum has."""


def cells(config: WeightingConfig) -> Study:
    """Seed by seed and data set by data set: fine-tuning and robustness of every arm."""
    lab, wanted = Lab(config, OURS), _wanted(config)
    few = _queues(lab)
    for seed in lab.seeds:
        for backbone in lab.scale.backbones:
            for data in lab.scale.data:
                for name in wanted:
                    changes = _changes(name, lab, backbone, few)
                    model = yield lab.finetune(data, "random", backbone, seed, **changes)
                    yield lab.robustness(data, model)


def _wanted(config: WeightingConfig) -> tuple[str, ...]:
    known = (*SINGLE, *ARMS)
    for name in config.weightings:
        if name not in known:
            raise UsageError(
                f"--weightings {name}: no such arm.{suggestion(name, known)} Known: {', '.join(known)}."
            )
    return config.weightings or known


def _changes(name: str, lab: Lab, backbone: str, few: tuple[str, ...]) -> dict[str, Any]:
    """Fields of fine-tuning in which an arm differs from a single task."""
    tasks = tuple(lab.scale.tasks)
    if name == "single":
        return {}
    if name == "single-matched":
        clips = 1 + sum(clips_of(task, backbone) for task in tasks)
        return {"budget": lab.scale.finetune["epochs"] * clips, "budget_unit": "epochs"}
    arm = dict(ARMS[name])
    if weight := arm.pop("weight", None):
        arm["weighting_options"] = tuple(f"{task}={weight}" for task in tasks)
    return {"auxiliary": tasks, "auxiliary_options": few, **arm}


def _queues(lab: Lab) -> tuple[str, ...]:
    """Queues that few labelled videos can fill."""
    keys = 64 if lab.scale.finetune.get("labels_per_class") else 512
    return tuple(f"{task}.queue={keys}" for task in lab.scale.tasks if task in ("tdl", "rspnet"))
