"""Does a more diverse set of auxiliary losses make a representation more robust in time? A pre-registered study.

Every set is trained under three combiners, and measured in a reference training of its own. Beside them: no auxiliary, the same with as
many encoded clips, and the views of a set under the labels alone. Embedded data answer for themselves and never for Something-Something
V2.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from muybridge.stages.config import DiversityConfig
from muybridge.studies.config import DiversityStudyConfig
from muybridge.studies.cost import clips_of
from muybridge.studies.plan import Study
from muybridge.studies.scales import Lab, Ours, Scale

OURS: Ours = {
    "tiny": {
        "backbones": ("r2plus1d-tiny", "shufflenet-tiny"),
        "data": ("builtin-motions",),
        "seeds": 1,
        "finetune": {"labels_per_class": 10, "epochs": 6, "batch": 8},
        "robustness": {"profile": "muybridge-1"},
    },
    "small": {
        "backbones": ("r2plus1d", "shufflenet"),
        "data": ("mini-ssv2",),
        "seeds": 1,
        "robustness": {"profile": "muybridge-1"},
    },
    "paper": {
        "backbones": ("r2plus1d", "shufflenet"),
        "data": ("ssv2",),
        "seeds": 1,
        "robustness": {"profile": "muybridge-1"},
    },
}
GRADIENTS: dict[str, dict[str, Any]] = {"tiny": {"gradient_batch": 64, "gradient_batches": 8}}
"""Fields of the measurement by scale: batches of 8 videos, on which the tiny networks train, leave less than 5 % signal in a gradient."""
ONLY_VIEWS = 12
"""Sets of which the views alone are shown, too: the first ones."""


def scale_of(config: DiversityStudyConfig) -> Scale:
    """What the study does at the scale of a config."""
    return Lab(config, OURS).scale


def cells(config: DiversityStudyConfig) -> Study:
    """Set by set: its diversity, its arms and their robustness; placebo sets, and half of the sets on the second backbone, under the sum.

    Raises:
        UsageError: there is no pre-registration, or it is of other options.
    """
    from muybridge.studies.prereg import COMBINERS, demand

    registered = demand(config)
    lab = Lab(config, OURS)
    prereg = {"prereg": registered["sha256"]}
    first, *others = lab.scale.backbones
    data = lab.scale.data[0]
    for seed in registered["seed_list"]:
        for changes in _single(lab, first):
            model = yield lab.finetune(data, "random", first, seed, **changes, **prereg)
            yield from _tested(lab, data, model, prereg)
        for place, one in enumerate(registered["sets"]):
            tasks = _tasks(one["losses"])
            yield _measured(lab, data, first, seed, tasks, prereg)
            arms = {"sum": COMBINERS["sum"]} if one["role"] == "placebo" else COMBINERS
            for arm in arms.values():
                model = yield lab.finetune(data, "random", first, seed, **tasks, **arm, **prereg)
                yield from _tested(lab, data, model, prereg)
            if place < ONLY_VIEWS:
                model = yield lab.finetune(
                    data, "random", first, seed, **tasks, auxiliary_only_views=True, **prereg
                )
                yield from _tested(lab, data, model, prereg)
        for backbone in others:
            for one in _half(registered["sets"]):
                tasks = _tasks(one["losses"])
                yield _measured(lab, data, backbone, seed, tasks, prereg)
                model = yield lab.finetune(data, "random", backbone, seed, **tasks, **prereg)
                yield from _tested(lab, data, model, prereg)


def _single(lab: Lab, backbone: str) -> list[dict[str, Any]]:
    """Controls without auxiliaries: as many passes, and as many encoded clips as the mean set of four has."""
    from muybridge.studies.sets import POOL

    mean = 1 + 4 * sum(clips_of(task, backbone) for task in POOL) / len(POOL)
    matched = {"budget": round(lab.scale.finetune["epochs"] * mean), "budget_unit": "epochs"}
    return [{}, matched]


def _tasks(losses: Sequence[str]) -> dict[str, Any]:
    """The fields of a set; queues that few labelled videos can fill."""
    return {
        "auxiliary": tuple(losses),
        "auxiliary_options": tuple(f"{task}.queue=64" for task in losses if task in ("tdl", "rspnet")),
    }


def _measured(
    lab: Lab, data: str, backbone: str, seed: int, tasks: Mapping[str, Any], prereg: Mapping[str, Any]
) -> DiversityConfig:
    """The reference training of a set; other draws than those of its arms."""
    model = lab.finetune(data, "random", backbone, seed + 1_000, **tasks, **prereg)
    return DiversityConfig(**{**vars(model), **GRADIENTS.get(lab.config.scale, {})})


def _tested(lab: Lab, data: str, model: str, prereg: Mapping[str, Any]) -> Iterator[Any]:
    """Robustness in the cells that were registered, and those that one grid makes beside them."""
    from muybridge.studies.prereg import ALTERING, PRESERVING

    registered = {**PRESERVING, **ALTERING}
    severities = tuple(sorted({one for some in registered.values() for one in some}))
    yield lab.robustness(data, model, types=tuple(registered), severities=severities, **prereg)


def _half(sets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Every other confirmatory set."""
    return [one for one in sets if one["role"] == "confirmatory"][::2]
