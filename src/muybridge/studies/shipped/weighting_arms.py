"""Arms of the study ``loss-weighting``: what each changes of a fine-tuning."""

from collections.abc import Mapping

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.stages.training.options import encoded_of
from muybridge.studies.shipped.scales import Lab
from muybridge.studies.study_configs import WeightingConfig

ARMS: Mapping[str, dict[str, object]] = {
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
    "meltr-corrected": {
        "weighting": "meltr",
        "mode": "corrected",
        "weighting_options": ("hypergradient=one-step",),
    },
}
"""Arms with auxiliaries, from cheap to dear."""
SINGLE = ("single", "single-matched")
"""Arms without: the same passes over the videos, and as many encoded clips as the sum has."""


def wanted(config: WeightingConfig) -> tuple[str, ...]:
    """Names of the arms that are asked for.

    Raises:
        UsageError: one that does not exist.
    """
    known = (*SINGLE, *ARMS)
    for name in config.weightings:
        if name not in known:
            raise UsageError(
                f"--weightings {name}: no such arm.{suggestion(name, known)} Known: {', '.join(known)}."
            )
    return config.weightings or known


def changes_of(name: str, lab: Lab, backbone: str, few: tuple[str, ...]) -> dict[str, object]:
    """Fields of fine-tuning in which an arm differs from a single task."""
    tasks = tuple(lab.scale.tasks)
    if name == "single":
        return {}
    if name == "single-matched":
        clips = 1 + sum(encoded_of(task, backbone)[0] for task in tasks)
        return {"budget": lab.scale.finetune["epochs"] * clips, "budget_unit": "epochs"}
    arm = dict(ARMS[name])
    if weight := arm.pop("weight", None):
        arm["weighting_options"] = tuple(f"{task}={weight}" for task in tasks)
    return {"auxiliary": tasks, "auxiliary_options": few, **arm}


def queues(lab: Lab) -> tuple[str, ...]:
    """Queues that few labelled videos can fill."""
    keys = 64 if lab.scale.finetune.get("labels_per_class") else 512
    return tuple(f"{task}.queue={keys}" for task in lab.scale.tasks if task in ("tdl", "rspnet"))
