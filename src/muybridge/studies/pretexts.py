"""The pretexts study: every pretext task on several backbones under one budget, read out by a linear probe."""

from dataclasses import replace
from typing import Any

from muybridge.stages.config import PretrainConfig, ProbeConfig
from muybridge.studies.config import PretextsConfig
from muybridge.studies.plan import Study

STRIDE = {"rotnet": 3, "arrow-of-time": 3, "masked": 3, "cvrl": 2, "tdl": 2}
"""Step between the frames of a clip in pretraining, for videos of 24 frames and clips of 8; 1 for all tasks that draw their own
windows or several clips."""


def cells(config: PretextsConfig) -> Study:
    """Seed by seed and backbone by backbone: the pretraining runs, then a probe of each and of random weights on each data set."""
    for seed in range(config.seed, config.seed + config.seeds):
        for backbone in config.backbones:
            yield from _arms(replace(config, seed=seed), backbone)


def _arms(config: PretextsConfig, backbone: str) -> Any:
    names = ("out", "device", "precision", "seed", "workers", "limit", "allow_broken")
    common: dict[str, Any] = {name: getattr(config, name) for name in names} | {"backbone": backbone}
    inits = ["random"]
    for task in config.tasks:
        pretrain = PretrainConfig(
            **common, data=config.data[-1:], objective=task, stride=STRIDE.get(task, 1), budget=config.budget
        )
        inits += [(yield pretrain)]
    for data in config.data:
        for init in inits:
            yield ProbeConfig(**common, data=(data,), init=init)
