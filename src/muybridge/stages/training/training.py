"""What the training stages share: the fit itself, augmentation and the account of what a run cost."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from muybridge.augment.chain import augment
from muybridge.config.stage_configs import FinetuneConfig, Optimisation, PretrainConfig, Step
from muybridge.core.clip import Clip
from muybridge.core.machine.cores import cores
from muybridge.core.networks.step import Weighting
from muybridge.data.loader import Loader, stream
from muybridge.objectives.labels.distilled import Distilled
from muybridge.objectives.objective import Learner, Objective, first_of
from muybridge.runs.contents.result_fields import Spent
from muybridge.sampling.frame_numbers import Law
from muybridge.stages.job.job import Job, Progress
from muybridge.stages.training.health import Watch, watch_every
from muybridge.stages.training.material import Material
from muybridge.stages.training.perturbed import perturbed
from muybridge.stages.training.validation import ROLE, Validation
from muybridge.train import distributed
from muybridge.train.checkpoint import State
from muybridge.train.flops import step_flops
from muybridge.train.loop import Recipe, fit
from muybridge.train.optim import Schedule, cosine, stepped
from muybridge.train.precision import Compute, choose
from muybridge.weighting.fixed import Fixed

Budgeted = PretrainConfig | FinetuneConfig
LARGE = 8 * 64**2
"""Frames x height x width of a clip whose network may gain from threads; those of the tiny preset do not."""


def loader_of(job: Job[Optimisation], material: Material, law: Law, videos: int) -> Loader:
    """Batches of ``videos`` training videos of a job."""
    return Loader(
        material.store, material.parts["train"], material.numbers("train"), law, videos, job.config.seed
    )


def optimise(
    job: Job[Optimisation], learner: Learner, loader: Loader, steps: int, progress: Progress | None,
    watch: Watch | None = None, validation: Validation | None = None,
    weighting: Weighting | None = None, meta: Callable[[int], Clip] | None = None,
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
        weighting: of the terms; ``fixed`` without weights when not given.
        meta: the batch that it learns on at a step.
    """
    config = job.config
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
    batches = partial(stream, loader, workers=config.workers or cores())
    return fit(
        learner, weighting or Fixed(), batches, partial(augmented, config), recipe, compute_of(config),
        seed=config.seed, folder=job.run.path, report=progress,
        watch=validation or watch, watch_every=every, watch_as=ROLE if validation else "health",
        meta=meta, per_epoch=len(loader.records) / loader.batch,
    )  # fmt: skip


def schedule_of(config: Optimisation) -> Schedule:
    """How the learning rate goes: a cosine, or steps."""
    if config.schedule == "cosine":
        return cosine
    return partial(stepped, decays=config.decays, factor=config.decay)


def idle(config: object) -> str:
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


def clips_of(learner: Learner, videos: int, weighting: Weighting) -> tuple[int, int]:
    """Clips that a step encodes, looks of the weighting included, and those of a meta batch."""
    return videos * learner.objective.clips * (1 + weighting.looks), videos * first_of(
        learner.objective
    ).clips


def steps_within(
    config: Budgeted, learner: Learner, loader: Loader, weighting: Weighting, meta: Callable[[int], Clip] | None = None
) -> int:  # fmt: skip
    """Optimiser steps that a budget pays for, meta batches included; at least one.

    Args:
        config: names the budget and its unit.
        learner: what is trained; a step of it is measured where the budget is in operations.
        loader: its batches.
        weighting: of the terms.
        meta: the batch that it learns on at a step.
    """
    assert config.budget is not None
    every, unit = weighting.every, config.budget_unit or "clips"
    if unit == "steps":
        return config.budget
    if unit == "epochs":
        return max(1, math.ceil(config.budget * len(loader.records) / loader.batch))
    if unit == "clips":
        price, beside = clips_of(learner, loader.batch, weighting)
        spent = beside
    else:
        measure = partial(step_flops, learner, loader(0), partial(augmented, config), compute_of(config))
        price = measure(weighting, meta, 0 if every != 1 else 1) if not weighting.hooks else measure()
        spent = measure(weighting, meta, every - 1) - price if every > 1 else 0
    steps = config.budget // price
    if every:  # of n steps n // every are meta steps
        cycles, rest = divmod(config.budget, every * price + spent)
        steps = cycles * every + min(rest // price, every - 1)
    return max(1, steps)


def account(config: Budgeted, spent: Spent) -> tuple[dict[str, object], list[str]]:
    """What was asked, in which unit, what of it was spent and whether that is the budget to within a step; a note where it is not.

    A step that learns weights, too, counts as one step: the last one may be dearer than the others.
    """
    unit, asked = config.budget_unit or "clips", config.budget
    assert asked is not None
    if unit == "epochs":  # whole steps, the last of which may run over the end
        return {"asked": asked, "unit": unit, "kept": True}, []
    used = int({"clips": spent["clips"], "steps": spent["steps"], "flops": spent["flops"]}[unit])
    kept = 0 <= asked - used < max(used / spent["steps"], spent.get("dearest", 0))
    words = f"the budget was not kept: {asked:,} {unit} asked for, {used:,} spent"
    stated: dict[str, object] = {"asked": asked, "unit": unit, "spent": used, "kept": kept}
    return stated, [] if kept else [words]


def augmented(
    config: Optimisation, frames: UInt8[Tensor, "b c t h w"], rng: Generator, view: int = 0
) -> UInt8[Tensor, "b c t s s"]:
    """Clips under the augmentations of a config, then its perturbations; ``view`` 1 under those of ``augment2``, where it has them."""
    second: Sequence[Step] = getattr(config, "augment2", ()) if view else ()
    clips = augment(frames, second or config.augment, config.crop, rng)
    if isinstance(config, FinetuneConfig) and config.perturb:
        return perturbed(config, clips, rng)
    return clips


def remembered(objective: Objective, state: State) -> tuple[int, int]:
    """Clips that teachers were not shown again, since their answers were remembered, and the operations of these passes."""
    if not isinstance(objective, Distilled) or objective.memory is None:
        return 0, 0
    memory = objective.memory
    counted = state.step * memory.first  # every step was taken for one like the first
    return len(objective.teachers) * (memory.asked - memory.passes), (counted - memory.passes) * memory.flops


def budget(
    state: State, learner: Learner, loader: Loader, frames: int, weighting: Weighting, unit: str = "clips"
) -> Spent:  # fmt: skip
    """What a training run cost: the numbers that must be equal for a fair comparison, and the seconds.

    ``clips`` are passes of a clip through an encoder, of which ``with_gradient`` have a backward pass; ``decoded`` frames were taken from
    videos, of which tasks make several clips, or clips of some; ``frames`` are those of the encoded clips; ``epochs`` are passes over the
    training videos.
    Of several tasks, or with a weighting that looks at batches of its own, ``shares`` has the part of the encoded clips of each, and
    ``meta`` what the steps cost at which weights were learnt.
    """
    objective, videos = learner.objective, loader.batch
    step, beside = clips_of(learner, videos, weighting)
    clips = state.step * step + state.metas * beside
    silent: float = state.step * (
        getattr(objective, "without_gradient", 0) + objective.clips * weighting.looks
    )
    silent += state.metas * getattr(first_of(objective), "without_gradient", 0)
    read = len(loader.law.draw(loader.law.span, np.random.default_rng(0)).frames)
    own = (getattr(objective, "lengths", None) or [read])[0]
    part = state.step * videos * objective.clips / clips
    known, flops_known = remembered(objective, state)
    clips, silent = clips - known, silent - known / videos
    spent: Spent = {
        "clips": clips,
        "steps": state.step,
        "epochs": state.step * videos / len(loader.records),
        "with_gradient": round(clips - silent * videos),
        "without_gradient": round(silent * videos),
        "decoded": videos * (state.step * read + state.metas * own),
        "frames": clips * frames,
        "flops": (state.step - state.metas) * state.flops + state.metas * state.meta_flops - flops_known,
        "seconds": round(state.seconds, 2),
        "waiting": round(state.waiting, 2),
    }
    if hasattr(learner.objective, "shares") or weighting.every or weighting.looks:
        own = getattr(learner.objective, "shares", dict)() or {"task": 1.0}
        spent["shares"] = {name: share * part for name, share in own.items()} | {"weighting": 1 - part}
    if state.metas:
        plain = (state.seconds - state.meta_seconds) / max(1, state.step - state.metas)
        spent["meta"] = {
            "steps": state.metas,
            "flops": state.meta_flops / max(1, state.flops) if state.flops else None,
            "seconds": state.meta_seconds / state.metas / plain if plain else None,
        }
        spent["dearest"] = step + beside if unit == "clips" else state.meta_flops
    return spent
