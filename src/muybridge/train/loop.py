"""fit: the one training loop; any objective, any weighting, exact resume."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError
from muybridge.core.gather import rank
from muybridge.core.records import append_metrics, keep_metrics
from muybridge.train import distributed
from muybridge.train.checkpoint import State, load_state, save_state
from muybridge.train.flops import FlopMeter
from muybridge.train.optim import Name, Schedule, clip_gradient, cosine, optimiser, set_lr
from muybridge.train.precision import Compute, check_training

Batches = Callable[[int, int], Iterator[Clip]]
Report = Callable[[int, int, dict[str, float]], None]
Watch = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Recipe:
    """How to optimise.

    Attributes:
        steps: optimiser steps in all.
        warmup: share of the steps with a rising learning rate.
        clip_norm: largest gradient norm.
        log_every: steps between rows of the training curve.
        save_every: seconds between saved states; decides how much a kill costs, never the result.
        schedule: how the learning rate goes.
    """

    steps: int
    lr: float
    weight_decay: float
    optimiser: Name = "adamw"
    warmup: float = 0.1
    clip_norm: float = 5.0
    log_every: int = 20
    save_every: float = 15.0
    schedule: Schedule = cosine


def fit(
    learner: nn.Module,
    weighting: Callable[[dict[str, Any]], Any],
    batches: Batches,
    augment: Callable[..., Any],
    recipe: Recipe,
    compute: Compute,
    *,
    seed: int,
    folder: Path,
    report: Report | None = None,
    stop_after: int | None = None,
    watch: Watch | None = None,
    watch_every: int = 1,
    watch_as: str = "health",
) -> State:
    """Train ``learner`` (backbone and objective) and leave its state in ``folder``.

    A run that was killed goes on from its last saved state and ends with the same bits: batches, views and dropout of a step depend on
    (seed, step) only.

    Args:
        learner: module that turns views into an ``Outcome``.
        weighting: named terms to one scalar.
        batches: ``batches(start, stop)`` yields the batch of each step.
        augment: augmentation that the objective applies to its views.
        recipe: optimiser and schedule.
        compute: device and number format.
        seed: of every random draw.
        folder: run folder for ``metrics.jsonl`` and ``state/``.
        report: called after every step with (step, steps, latest metrics).
        stop_after: stop early after that many steps, state saved (for tests and for time limits).
        watch: looks at the network without disturbing it; its values go to rows of their own in the training curve and to ``report``.
        watch_every: steps between looks; the last step always has one.
        watch_as: what those rows of the training curve are called.

    Raises:
        MuybridgeError: the loss or its gradient is no longer a finite number; says the step.
        UsageError: this processor cannot train in that number format (``check_training``).
    """
    check_training(compute)
    compute.place(learner)
    optim = optimiser(learner, recipe.optimiser, recipe.lr, recipe.weight_decay)
    state = load_state(folder / "state" / "last.pt", learner, optim, _say if rank() == 0 else None)
    lead = rank() == 0
    if lead:
        keep_metrics(folder / "metrics.jsonl", state.step)
    model = distributed.wrap(learner)
    model.train()
    stop = min(recipe.steps, stop_after or recipe.steps)
    objective: Any = learner.objective
    log = _Log(folder / "metrics.jsonl", recipe.log_every, objective.chance, state if lead else None)
    seen: dict[str, float] = {}
    began = asked = saved = time.monotonic()
    for step, clip in enumerate(batches(state.step, stop), start=state.step):
        state.waiting += time.monotonic() - asked
        set_lr(optim, recipe.lr * recipe.schedule(step, recipe.steps, recipe.warmup))
        values = _step(model, objective, weighting, clip, augment, recipe, compute, optim, seed, step, state)
        objective.after_step(learner.backbone)
        state.step = step + 1
        values["lr"] = optim.param_groups[0]["lr"]
        clips = state.step * len(clip) * objective.clips
        if watch and (state.step % watch_every == 0 or state.step == recipe.steps):
            seen = watch()
            if lead:
                append_metrics(folder / "metrics.jsonl", {"step": state.step, "clips": clips, watch_as: seen})
        latest = log(state.step, recipe.steps, clips, values)
        if report and lead:
            report(state.step, recipe.steps, latest | seen)
        now = time.monotonic()
        state.seconds, began = state.seconds + now - began, now
        if lead and (now - saved > recipe.save_every or state.step == stop):
            save_state(folder / "state" / "last.pt", state, learner, optim)
            saved = time.monotonic()
        asked = time.monotonic()
    return state


def _step(
    model: nn.Module, objective: Any, weighting: Any, clip: Clip, augment: Any, recipe: Recipe, compute: Compute,
    optim: torch.optim.Optimizer, seed: int, step: int, state: State,
) -> dict[str, float]:  # fmt: skip
    """One optimiser step; returns its loss, monitors and gradient norm."""
    # Dropout draws from torch's global generator; naming its stream by the step makes a resumed run equal to an undisturbed one.
    torch.manual_seed(seeding.key(seed, "step", step, 0))
    clip = clip.to(compute.device)
    # Views are made of the whole batch in every process, so that what is drawn does not depend on the number of processes.
    views = objective.views(clip, augment, seeding.generator(seed, "views", step, 0))
    with FlopMeter(state, compute.device):
        with compute.autocast():
            outcome = model(distributed.share(views, len(clip)))
        terms = distributed.overall(outcome.terms, len(clip))
        loss = weighting(terms)
        optim.zero_grad(set_to_none=True)
        loss.backward()
    norm = clip_gradient(model.parameters(), recipe.clip_norm)
    named = {"loss": loss, **terms, **distributed.overall(outcome.monitors, len(clip))}
    found: list[float] = torch.stack([value.detach().to(loss.device) for value in named.values()]).tolist()
    values = dict(zip(named, found, strict=True)) | {"grad_norm": norm}
    for name, what in (("loss", "loss"), ("grad_norm", "norm of the gradient")):
        if not math.isfinite(values[name]):  # of all processes together, so that all of them stop here
            raise MuybridgeError(
                f"the {what} became {values[name]} at step {step + 1}."
                f" Lower the learning rate (--lr {recipe.lr / 3:g}) or use --precision fp32."
            )
    optim.step()
    return values


def _say(words: str) -> None:
    """A line for the log of the run and for whoever looks on."""
    print(f"muybridge: {words}", file=sys.stderr, flush=True)


class _Log:
    """Averages what happened between two rows of the training curve; the last row takes what is left over."""

    def __init__(self, path: Path, every: int, chance: float, state: State | None) -> None:
        self.path, self.every, self.chance, self.state = path, every, chance, state
        self.latest: dict[str, float] = {}

    def __call__(self, step: int, steps: int, clips: int, values: dict[str, float]) -> dict[str, float]:
        if self.state is None:
            return {}
        pending = self.state.pending
        pending.append(values)
        if step == steps or (step % self.every == 0 and steps - step >= self.every):
            self.latest = {k: float(f"{sum(v[k] for v in pending) / len(pending):.6g}") for k in values}
            append_metrics(self.path, {"step": step, "clips": clips, "chance": self.chance, **self.latest})
            pending.clear()
        return self.latest
