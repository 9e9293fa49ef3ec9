"""Everything that can be known to fail before a video is decoded: names, sizes, splits."""

from typing import Any

from muybridge.backbones import BACKBONES
from muybridge.core.catalogue import require
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, check_classes, divide
from muybridge.objectives import OBJECTIVES
from muybridge.perturb import PERTURBATIONS
from muybridge.stages.config import Data, FinetuneConfig, PretrainConfig, ProbeConfig, RobustnessConfig


def check(config: Any, dataset: Dataset) -> None:
    """Refuse a config that cannot work on a data set.

    Raises:
        UsageError: says which field, what was expected and the way out.
    """
    if isinstance(config, Data):
        require("backbones", BACKBONES, config.backbone)
        _check_sizes(config)
    if isinstance(config, PretrainConfig):
        _check_objective(config)
    if isinstance(config, FinetuneConfig | ProbeConfig):
        check_classes(dataset, *divide(dataset, config.fold, config.folds))
    if isinstance(config, RobustnessConfig):
        _check_conditions(config)


def _check_sizes(config: Data) -> None:
    if config.crop > config.size:
        raise UsageError(f"--crop {config.crop} is larger than --size {config.size}; wanted crop <= size.")
    least = {
        "frames": 1,
        "stride": 0,
        "size": 1,
        "crop": 1,
        "batch": 1,
        "views": 1,
        "epochs": 1,
        "clips": 1,
        "nearest": 1,
    }
    for name, bound in least.items():
        value = getattr(config, name, bound)
        if value < bound:
            raise UsageError(f"--{name} {value}: wanted {bound} or more.")


def _check_objective(config: PretrainConfig) -> None:
    require("objectives", OBJECTIVES, config.objective)
    if config.objective in OBJECTIVES and not OBJECTIVES[config.objective].facts["pretext"]:
        raise UsageError(f"--objective {config.objective}: needs labels; use `muybridge finetune`.")


def _check_conditions(config: RobustnessConfig) -> None:
    for name in config.perturbations:
        require("perturbations", PERTURBATIONS, name)
    if not config.severities or not set(config.severities) <= {1, 2, 3, 4, 5}:
        raise UsageError(f"--severities {' '.join(map(str, config.severities))}: wanted numbers from 1 to 5.")
