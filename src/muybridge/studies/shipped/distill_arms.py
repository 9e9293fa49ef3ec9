"""Arms of the studies of students and teachers: what each changes of a fine-tuning on labels alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.studies.cost import LEARNING, flops_of
from muybridge.studies.shipped.scales import Lab
from muybridge.studies.study_configs import DistillConfig

RULES = ("ae-kd", "average", "confidence", "discrepancy", "best-only")
KNOWN = ("labels", "labels-matched", *RULES, "single", "permuted", "self")
"""Arms by name; five weigh all teachers, ``single`` stands for one arm per teacher."""


def wanted(config: DistillConfig) -> tuple[str, ...]:
    """Names of the arms that are asked for.

    Raises:
        UsageError: one that does not exist.
    """
    for name in config.arms:
        if name not in KNOWN:
            raise UsageError(
                f"--arms {name}: no such arm.{suggestion(name, KNOWN)} Known: {', '.join(KNOWN)}."
            )
    return config.arms or KNOWN


def students(
    names: Sequence[str], lab: Lab, teachers: Sequence[str], alone: str
) -> Sequence[Mapping[str, Any]]:
    """Fields of fine-tuning in which each arm differs from labels alone.

    Args:
        names: of the arms.
        lab: of the study.
        teachers: their run folders.
        alone: run folder of the student that learns from labels alone.
    """
    taught = {"teachers": tuple(teachers)}
    found: list[dict[str, Any]] = []
    for name in names:
        if name == "labels":
            found.append({})
        elif name == "labels-matched":
            found.append({"budget": matched_epochs(lab), "budget_unit": "epochs"})
        elif name == "single":
            found += [{"teachers": (one,), "weighting": "average"} for one in teachers]
        elif name == "permuted":
            found.append(taught | {"weighting": "ae-kd", "teacher_classes": "permuted"})
        elif name == "self":
            found.append({"teachers": (alone,), "weighting": "average"})
        else:
            found.append(taught | {"weighting": name})
    return found


def matched_epochs(lab: Lab) -> int:
    """Passes over the labelled videos that cost what a student and its teachers cost: a clip that is learnt from is worth three.

    Raises:
        UsageError: a network whose operations are not known.
    """
    clip = {"frames": 16, "crop": 112}  # only the ratio counts
    found = {name: flops_of(name, clip) for name in lab.scale.backbones}
    unknown = next((name for name, flops in found.items() if not flops), None)
    if unknown:
        raise UsageError(
            f"--backbones {unknown}: nobody knows its operations, so that labels-matched cannot be made; name other --arms."
        )
    own = float(found[lab.scale.backbones[0]] or 0)
    extra = sum(float(flops or 0) for flops in found.values()) / (LEARNING * own)
    epochs: int = lab.scale.finetune["epochs"]
    return round(epochs * (1 + extra))
