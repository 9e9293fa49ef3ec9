"""Everything that can be known to fail before a video is decoded: names, sizes, splits."""

import math
from typing import Any

from muybridge.backbones import BACKBONES
from muybridge.core.catalogue import require
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, check_classes, divide
from muybridge.objectives import OBJECTIVES
from muybridge.perturb import PERTURBATIONS
from muybridge.stages.config import (
    Control,
    Data,
    FinetuneConfig,
    PretrainConfig,
    ProbeConfig,
    RobustnessConfig,
)


def check(config: Any, dataset: Dataset) -> None:
    """Refuse a config that cannot work on a data set.

    Raises:
        UsageError: says which field, what was expected and the way out.
    """
    check_numbers(config)
    if isinstance(config, Data):
        require("backbones", BACKBONES, config.backbone)
        _check_sizes(config)
    if isinstance(config, PretrainConfig):
        _check_objective(config)
    if isinstance(config, FinetuneConfig | ProbeConfig):
        check_classes(dataset, *divide(dataset, config.fold, config.folds))
    if isinstance(config, RobustnessConfig):
        _check_conditions(config)


AT_LEAST = {
    **dict.fromkeys(("frames", "size", "crop", "batch", "views", "epochs", "clips", "nearest", "queries"), 1),
    **dict.fromkeys(("limit", "labels_per_class", "seeds"), 1),
    **dict.fromkeys(("stride", "gap", "workers", "weight_decay", "warmup"), 0),
    "folds": 2,
}


def check_numbers(config: Control) -> None:
    """Refuse numbers out of range.

    Raises:
        UsageError: says the flag and the range.
    """
    for name, bound in AT_LEAST.items():
        value = getattr(config, name, None)
        if value is not None and not value >= bound:
            raise UsageError(f"--{name.replace('_', '-')} {value}: wanted {bound} or more.")
    for name, most in (("lr", math.inf), ("clip_norm", math.inf), ("warmup", 1.0)):
        number: float = getattr(config, name, 0.5)
        if not (0 < number < most or (name == "warmup" and number in (0, most))):
            raise UsageError(
                f"--{name.replace('_', '-')} {number}: wanted a number above 0{' and up to 1' if most == 1 else ''}."
            )


def _check_sizes(config: Data) -> None:
    if config.crop > config.size:
        raise UsageError(f"--crop {config.crop} is larger than --size {config.size}; wanted crop <= size.")


def _check_objective(config: PretrainConfig) -> None:
    require("objectives", OBJECTIVES, config.objective)
    if config.objective in OBJECTIVES and not OBJECTIVES[config.objective].facts["pretext"]:
        raise UsageError(f"--objective {config.objective}: needs labels; use `muybridge finetune`.")


def _check_conditions(config: RobustnessConfig) -> None:
    for name in config.perturbations:
        require("perturbations", PERTURBATIONS, name)
    if not config.severities or not set(config.severities) <= {1, 2, 3, 4, 5}:
        raise UsageError(f"--severities {' '.join(map(str, config.severities))}: wanted numbers from 1 to 5.")
