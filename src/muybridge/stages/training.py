"""What the training stages share: batches, augmentation and the account of what a run cost."""

import os
from collections.abc import Iterator
from typing import Any

from jaxtyping import UInt8
from torch import Generator, Tensor

from muybridge.augment.chain import augment
from muybridge.core.clip import Clip
from muybridge.data.loader import Loader, stream
from muybridge.stages.config import Optimisation
from muybridge.train.checkpoint import State


def batches(loader: Loader, workers: int, start: int, stop: int) -> Iterator[Clip]:
    """The batches of steps ``start`` to ``stop``, decoded ahead by ``workers`` threads (0: one per core)."""
    return stream(loader, start, stop, workers or os.cpu_count() or 1)


def augmented(
    config: Optimisation, frames: UInt8[Tensor, "b c t h w"], rng: Generator
) -> UInt8[Tensor, "b c t s s"]:
    """Clips under the augmentations that a config names."""
    return augment(frames, config.augment, config.crop, rng)


def budget(state: State, clips_per_step: int, frames: int) -> dict[str, Any]:
    """What a training run cost: the numbers that must be equal for a fair comparison, and the seconds."""
    return {
        "clips": state.step * clips_per_step,
        "steps": state.step,
        "frames": state.step * clips_per_step * frames,
        "flops": state.step * state.flops,
        "seconds": round(state.seconds, 2),
        "waiting": round(state.waiting, 2),
    }
