"""What the training stages share: the fit itself, augmentation and the account of what a run cost."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor, nn

from muybridge.augment.chain import augment
from muybridge.core.sampling import Law
from muybridge.data.loader import Loader, stream
from muybridge.stages.config import FinetuneConfig, Optimisation, PretrainConfig
from muybridge.stages.health import Watch, watch_every
from muybridge.stages.job import Job, Progress
from muybridge.stages.material import Material
from muybridge.stages.perturbed import perturbed
from muybridge.stages.validation import ROLE, Validation
from muybridge.train import distributed
from muybridge.train.checkpoint import State
from muybridge.train.flops import step_flops
from muybridge.train.loop import Recipe, fit
from muybridge.train.optim import Schedule, cosine, stepped
from muybridge.train.precision import Compute, choose
from muybridge.weighting.fixed import Fixed

LARGE = 8 * 64**2
"""Frames x height x width of a clip whose network may gain from threads; those of the tiny preset do not."""


def loader_of(job: Job, material: Material, law: Law, videos: int) -> Loader:
    """Batches of ``videos`` training videos of a job."""
    return Loader(
        material.store, material.parts["train"], material.numbers("train"), law, videos, job.config.seed
    )


def optimise(
    job: Job, learner: Any, loader: Loader, steps: int, progress: Progress | None,
    watch: Watch | None = None, validation: Validation | None = None,
) -> State:  # fmt: skip
    """Fit a learner on the batches of a loader; goes on from a saved state.

    Args:
        job: names the recipe and the folder.
        learner: what is trained.
        loader: its batches.
        steps: optimiser steps in all.
        progress: told how far it is.
        watch: looks at the health of the features now and then.
        validation: looks at held-out videos, in its place, after every epoch (nearest step) and at the end.
    """
    config: Optimisation = job.config
    recipe = Recipe(
        steps,
        config.lr,
        config.weight_decay,
        config.optimiser,
        config.warmup,
        config.clip_norm,
        log_every=max(1, steps // 50),
        schedule=schedule_of(config),
    )
    clips = steps * loader.batch * learner.objective.clips
    every = watch_every(steps, clips, watch.videos) if watch else 1
    if validation:
        every = max(1, round(len(loader.records) / loader.batch))
    batches = partial(stream, loader, workers=config.workers or os.cpu_count() or 1)
    return fit(
        learner, Fixed(), batches, partial(augmented, config), recipe, compute_of(config),
        seed=config.seed, folder=job.run.path, report=progress,
        watch=validation or watch, watch_every=every, watch_as=ROLE if validation else "health",
    )  # fmt: skip


def schedule_of(config: Optimisation) -> Schedule:
    """How the learning rate goes: a cosine unless fine-tuning asks for steps."""
    if isinstance(config, FinetuneConfig) and config.schedule == "steps":
        decays = tuple(epoch / config.epochs for epoch in config.decay_epochs)
        return partial(stepped, decays=decays, factor=config.decay)
    return cosine


def idle(config: Any) -> str:
    """A hint that training would gain from more threads; empty on a GPU, for small clips, which gain nothing, and where none is idle."""
    if not isinstance(config, Optimisation) or config.frames * config.crop**2 < LARGE:
        return ""
    threads = torch.get_num_threads()
    if threads <= config.threads or choose(config.device).device.type != "cpu":
        return ""
    return (
        f"training on the CPU with {config.threads} of {threads} threads: --threads {threads} is faster and, as sums are rounded otherwise,"
        " another run"
    )


def compute_of(config: Optimisation) -> Compute:
    """Where a config wants its arithmetic done; joins the other processes of a torchrun."""
    compute = choose(config.device, config.precision)
    distributed.start(compute.device)
    return compute


def steps_within(config: PretrainConfig, learner: nn.Module, loader: Loader, clips: int) -> int:
    """Optimiser steps that a budget pays for, at least one.

    Args:
        config: names the budget and its unit.
        learner: what is trained; a step of it is measured where the budget is in operations.
        loader: its batches.
        clips: clips that a step encodes.
    """
    price = {"clips": clips, "steps": 1}.get(config.budget_unit)
    if price is None:
        price = step_flops(learner, loader(0), partial(augmented, config), compute_of(config))
    return max(1, config.budget // price)


def account(config: PretrainConfig, spent: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What was asked, in which unit, what of it was spent and whether that is the budget to within a step; a note where it is not."""
    used = int(spent[config.budget_unit])
    kept = 0 <= config.budget - used < used / spent["steps"]
    words = f"the budget was not kept: {config.budget:,} {config.budget_unit} asked for, {used:,} spent"
    stated = {"asked": config.budget, "unit": config.budget_unit, "spent": used, "kept": kept}
    return stated, [] if kept else [words]


def augmented(
    config: Optimisation, frames: UInt8[Tensor, "b c t h w"], rng: Generator, view: int = 0
) -> UInt8[Tensor, "b c t s s"]:
    """Clips under the augmentations of a config, then its perturbations; ``view`` 1 under those of ``augment2``, where it has them."""
    second: Sequence[Any] = getattr(config, "augment2", ()) if view else ()
    clips = augment(frames, second or config.augment, config.crop, rng)
    if isinstance(config, FinetuneConfig) and config.perturb:
        return perturbed(config, clips, rng)
    return clips


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
