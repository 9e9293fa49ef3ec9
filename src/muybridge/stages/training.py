"""What the training stages share: the fit itself, augmentation and the account of what a run cost."""

import os
from functools import partial
from typing import Any

from jaxtyping import UInt8
from torch import Generator, Tensor, nn

from muybridge.augment.chain import augment
from muybridge.data.loader import Loader, stream
from muybridge.data.sampling import Sampling
from muybridge.stages.config import Optimisation
from muybridge.stages.job import Job, Progress
from muybridge.stages.material import Material
from muybridge.train import distributed
from muybridge.train.checkpoint import State
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed


def optimise(
    job: Job,
    learner: nn.Module,
    material: Material,
    law: Sampling,
    videos: int,
    steps: int,
    progress: Progress | None,
) -> tuple[State, Loader]:
    """Fit a learner on the training videos of a job, ``videos`` of them per step; goes on from a saved state."""
    config: Optimisation = job.config
    loader = Loader(
        material.store, material.parts["train"], material.numbers("train"), law, videos, config.seed
    )
    compute = choose(config.device, config.precision)
    distributed.start(compute.device)
    recipe = Recipe(
        steps,
        config.lr,
        config.weight_decay,
        config.optimiser,
        config.warmup,
        config.clip_norm,
        log_every=max(1, steps // 50),
    )
    batches = partial(stream, loader, workers=config.workers or os.cpu_count() or 1)
    state = fit(
        learner, Fixed(), batches, partial(augmented, config), recipe, compute,
        seed=config.seed, folder=job.run.path, report=progress,
    )  # fmt: skip
    return state, loader


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
