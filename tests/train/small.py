"""A network, clips and a recipe that train in milliseconds."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from muybridge.augment.chain import augment
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.objectives.contrastive.cvrl import CVRL
from muybridge.objectives.contrastive.rspnet import RSPNet
from muybridge.objectives.contrastive.tdl import TDL
from muybridge.objectives.objective import Learner
from muybridge.objectives.pretext.rotnet import RotNet
from muybridge.objectives.pretext.vcop import VCOP
from muybridge.sampling.frame_numbers import Law
from muybridge.train.checkpoint import State
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed

OBJECTIVES: dict[str, Callable[[int], Any]] = {
    "rotnet": RotNet,
    "vcop": VCOP,
    "cvrl": partial(CVRL, hidden=6),
    "tdl": partial(TDL, queue=10, momentum=0.9, head_norm=True),
    "rspnet": partial(RSPNet, queue=10, momentum=0.9, head_norm=True),
}


def learner(objective: str = "rotnet") -> Learner:
    """Backbone and head (with dropout) of fixed weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(tiny((4, 4, 6, 8)), OBJECTIVES[objective](8))


def batches(clips: int, videos: int, start: int, stop: int, frames: int = 0) -> Iterator[Clip]:
    """Noise; the batch of a step depends on the step only."""
    for step in range(start, stop):
        rng = seeding.generator(0, "batch", step)
        shape = (videos, 3, frames or 2 * clips, 18, 18)
        pixels = torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8)
        yield Clip(pixels, torch.zeros(videos, dtype=torch.int64), tuple(map(str, range(videos))))


def change(frames: torch.Tensor, rng: torch.Generator, view: int = 0, size: int = 16) -> torch.Tensor:
    """Crop, flip and jitter."""
    return augment(frames, ("crop", "flip", "jitter"), size, rng)


def recipe(steps: int = 6, **more: Any) -> Recipe:
    """A row of the curve every two steps; the state is saved at every step unless said otherwise."""
    return Recipe(
        **({"steps": steps, "lr": 1e-2, "weight_decay": 0.1, "log_every": 2, "save_every": 0.0} | more)
    )


def train(
    module: nn.Module, folder: Path, how: Recipe, precision: str = "fp32", videos: int = 4, **more: Any
) -> State:
    """``fit`` on noise."""
    clips: int = module.objective.clips  # type: ignore[assignment,union-attr]
    law: Law = module.objective.law(2, 1, 0, "shrink")  # type: ignore[operator,union-attr]
    frames = len(law.draw(40, seeding.rng(0)).frames)
    return fit(
        module, Fixed(), partial(batches, clips, videos, frames=frames), change, how, choose("cpu", precision),
        **({"seed": 0, "folder": folder} | more),
    )  # fmt: skip
