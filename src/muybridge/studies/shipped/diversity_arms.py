"""What the study ``diversity-and-robustness`` asks of each set of losses, and its controls without any."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from muybridge.config.stage_configs import DiversityConfig, PretrainConfig, RobustnessConfig
from muybridge.runs.contents.prereg_file import Prereg
from muybridge.stages.training.options import encoded_of
from muybridge.studies.shipped.scales import SCALES, Lab, Ours, Scale, Steps
from muybridge.studies.shipped.sets import POOL
from muybridge.studies.study_configs import DiversityStudyConfig

SHOWN = {"frames": 8, "stride": 1}
"""Clips of real videos. Labels are learnt from one frame of each of eight parts: an action of Something-Something V2 is the whole video,
and a cut of it may be another one. Tasks that cut several clips take eight frames in a row for each, which fit into four seconds."""
LONGER: dict[str, tuple[int, ...]] = {"small": (16,), "paper": (16,)}
"""Frames of the first backbone's clips in a replication beside that on another backbone."""
OURS: Ours = {
    "tiny": {
        "backbones": ("r2plus1d-tiny", "shufflenet-tiny"),
        "data": ("builtin-motions",),
        "seeds": 1,
        "pretrain": {"budget": 60_000, "batch": 48, "stride": 1},
        "finetune": {"labels_per_class": 10, "epochs": 6, "batch": 8, "lr": 5e-3},
        "robustness": {"profile": "muybridge-1"},
    },
    "small": {
        "backbones": ("r2plus1d", "vit"),
        "data": ("ssv2-mini",),
        "seeds": 1,
        "pretrain": {**SCALES["small"].pretrain, **SHOWN},
        "finetune": {**SCALES["small"].finetune, **SHOWN, "sampling": "uniform", "views": 1},
        "probe": {**SCALES["small"].probe, **SHOWN, "sampling": "uniform", "views": 1},
        "robustness": {"profile": "muybridge-1"},
    },
    "paper": {
        "backbones": ("r2plus1d", "vit"),
        "data": ("ssv2",),
        "seeds": 1,
        "pretrain": SHOWN,
        "finetune": {**SCALES["paper"].finetune, **SHOWN, "sampling": "uniform", "views": 1},
        "probe": {**SCALES["paper"].probe, **SHOWN, "sampling": "uniform", "views": 1},
        "robustness": {"profile": "muybridge-1"},
    },
}
START = "vcop"
"""Task of the pretraining that all arms share: of those that the tiny networks learn, the one whose features tell motions best. That it is
in the pool makes its own membership special, which the primary test adjusts for as for that of every loss."""
WEIGHT = 0.3
"""Weight of an auxiliary term under the equal sum; the labels weigh 1. At 1 the labels are hardly learnt any more, at .1 auxiliaries
change little (pilots with one set or two, seed 0 of another study)."""
OPTIONS = {
    "tcons": ("tcons.invariance=1", "tcons.variance=1", "tcons.covariance=0.04"),
    "tdl": ("tdl.queue=64",),
    "rspnet": ("rspnet.queue=64",),
}
"""Options of losses: the terms of ``tcons`` in the ratio that its paper gives and of the size of the others, and queues that few labelled
videos can fill."""
GRADIENTS: dict[str, dict[str, object]] = {"tiny": {"gradient_batch": 64, "gradient_batches": 8}}
"""Fields of the measurement by scale: batches of 8 videos, on which the tiny networks train, leave less than 5 % signal in a gradient."""
ONLY_VIEWS = 12
"""Sets of which the views alone are shown, too: the first ones."""


def scale_of(config: DiversityStudyConfig) -> Scale:
    """What the study does at the scale of a config."""
    return Lab(config, OURS).scale


def single(lab: Lab, backbone: str) -> list[dict[str, object]]:
    """Controls without auxiliaries: as many passes, and as many encoded clips as the mean set of four has."""
    mean = 1 + 4 * sum(encoded_of(task, backbone)[0] for task in POOL) / len(POOL)
    matched = {"budget": round(lab.scale.finetune["epochs"] * mean), "budget_unit": "epochs"}
    return [{}, matched]


def pretrained(lab: Lab, backbone: str, seed: int, prereg: Mapping[str, object]) -> PretrainConfig:
    """What all arms of a network start from: one pretraining by the order of clips, without labels.

    From random weights most losses do not leave chance within a minute, and of a loss at chance there is no diversity to measure; and it
    is pretrained networks that MELTR is for. All losses of the pool at once did not learn what order tells, within ten minutes.
    """
    return lab.pretrain(START, backbone, seed, **prereg)


def tasks_of(losses: Sequence[str]) -> dict[str, object]:
    """The fields of a set, and the options of its losses."""
    options = tuple(word for task in losses for word in OPTIONS.get(task, ()))
    return {"auxiliary": tuple(losses), "auxiliary_options": options}


def equal(losses: Sequence[str]) -> dict[str, object]:
    """The equal sum of a set."""
    return {"weighting_options": tuple(f"{task}={WEIGHT}" for task in losses)}


def measured(
    lab: Lab, data: str, init: str, backbone: str, seed: int, losses: Sequence[str], given: Mapping[str, Any]
) -> DiversityConfig:
    """The reference training of a set, under the equal sum; other draws than those of its arms."""
    model = lab.finetune(data, init, backbone, seed + 1_000, **tasks_of(losses), **equal(losses), **given)
    return DiversityConfig(**{**vars(model), **GRADIENTS.get(lab.config.scale, {})})


def tested(lab: Lab, data: str, model: str, registered: Prereg) -> RobustnessConfig:
    """Robustness in the cells that were registered, and those that one grid makes beside them."""
    cells = registered["perturbations"]
    severities = tuple(sorted({severity for cell in cells for severity in cell["severities"]}))
    types = tuple(cell["name"] for cell in cells)
    return lab.robustness(data, model, types=types, severities=severities, prereg=registered["sha256"])


def alone(lab: Lab, data: str, init: str, backbone: str, seed: int, registered: Prereg) -> Steps:
    """Each loss of the pool beside the labels, alone, and how alike the networks are that they make: what D6 is made of."""
    under, models = {"prereg": registered["sha256"]}, []
    for task in POOL:
        model = yield lab.finetune(data, init, backbone, seed, **tasks_of((task,)), **equal((task,)), **under)
        yield tested(lab, data, model, registered)
        models.append(model)
    for one, other in combinations(models, 2):
        yield lab.similarity(data, one, other, layers=("stages",), pool="all", **under)


def looked_into(
    lab: Lab, data: str, models: Sequence[str], backbone: str, seed: int, registered: Prereg
) -> Steps:
    """What the features of networks are worth without what they were trained to answer: a linear probe, and drift under perturbation."""
    under = {"prereg": registered["sha256"]}
    cells = [one for one in registered["perturbations"] if one["counts"] == "primary"]
    shown: dict[str, Any] = {
        "perturb": tuple(one["name"] for one in cells),
        "perturb_severities": tuple(sorted({severity for one in cells for severity in one["severities"]})),
    }
    for model in models:
        probe = yield lab.probe(data, model, backbone, seed, **under)
        yield tested(lab, data, probe, registered)
        yield lab.similarity(data, model, layers=("stages",), pool="all", **shown, **under)


def replicated(
    lab: Lab, data: str, init: str, backbone: str, seed: int, registered: Prereg, **clip: int
) -> Steps:
    """Another backbone, or clips of another length: every other confirmatory set, under the equal sum."""
    under = {"prereg": registered["sha256"], **clip}
    sets = [one["losses"] for one in registered["sets"] if one["role"] == "confirmatory"]
    for losses in sets[::2]:
        yield measured(lab, data, init, backbone, seed, losses, under)
        model = yield lab.finetune(data, init, backbone, seed, **tasks_of(losses), **equal(losses), **under)
        yield tested(lab, data, model, registered)
