"""fit: the one training loop; any objective, any weighting, exact resume."""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError
from muybridge.core.networks.gather import rank
from muybridge.core.networks.step import Weighting
from muybridge.runs.metrics import append_metrics, keep_metrics
from muybridge.train import distributed
from muybridge.train.beside import Beside
from muybridge.train.checkpoint import State, load_state
from muybridge.train.flops import FlopMeter
from muybridge.train.keeper import Keeper
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
        save_every: seconds between saved states; decides how much a kill -9 costs, never the result.
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
    weighting: Weighting,
    batches: Batches,
    augment: Callable[..., object],
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
    meta: Callable[[int], Clip] | None = None,
    per_epoch: float = 1.0,
) -> State:
    """Train ``learner`` (backbone and objective) and leave its state in ``folder``.

    A run that was killed goes on from its last saved state and ends with the same bits: batches, views and dropout of a step depend on
    (seed, step) only.

    Args:
        learner: module that turns views into an ``Outcome``.
        weighting: from named terms to gradients, see ``core.networks.step``.
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
        meta: the batch on which a weighting learns at a step, where it does.
        per_epoch: steps per pass over the training videos.

    Raises:
        MuybridgeError: the loss or its gradient is no longer a finite number; says the step and the term.
        UsageError: this processor cannot train in that number format (``check_training``).
    """
    check_training(compute)
    compute.place(learner)
    weighting.to(compute.device)
    optim = optimiser(learner, recipe.optimiser, recipe.lr, recipe.weight_decay)
    state = load_state(folder / "state" / "last.pt", learner, optim, _say, weighting)
    lead = rank() == 0
    if lead:
        keep_metrics(folder / "metrics.jsonl", state.step)
    model = distributed.wrap(learner, weighting.hooks)
    model.train()
    stop = min(recipe.steps, stop_after or recipe.steps)
    objective: Any = learner.objective
    first: Any = getattr(objective, "first", objective)
    log = _Log(folder / "metrics.jsonl", recipe.log_every, objective.chance, state if lead else None)
    beside = Beside(learner, weighting, augment, compute, seed, meta, per_epoch)
    seen: dict[str, float] = {}
    began = asked = time.monotonic()
    keeper = Keeper(folder / "state" / "last.pt", state, learner, optim, weighting, recipe.save_every)
    with keeper:
        for step, clip in enumerate(batches(state.step, stop), start=state.step):
            with keeper.step():
                state.waiting += time.monotonic() - asked
                set_lr(optim, recipe.lr * recipe.schedule(step, recipe.steps, recipe.warmup))
                values = _step(model, beside, clip, recipe, optim, step, state)
                objective.after_step(learner.backbone)
                state.step = step + 1
                values["lr"] = optim.param_groups[0]["lr"]
                own = state.step * objective.clips * (1 + weighting.looks)
                clips = len(clip) * (own + state.metas * first.clips)
                if watch and (state.step % watch_every == 0 or state.step == recipe.steps):
                    seen = watch()
                    if lead:
                        row = {"step": state.step, "clips": clips, watch_as: seen}
                        append_metrics(folder / "metrics.jsonl", row)
                latest = log(state.step, recipe.steps, clips, values)
                if report and lead:
                    report(state.step, recipe.steps, latest | seen)
                now = time.monotonic()
                state.seconds, began = state.seconds + now - began, now
                if weighting.is_meta(step):
                    state.meta_seconds += now - asked
                keeper.save(state.step == stop)
                asked = time.monotonic()
    return state


def _step(
    model: nn.Module, beside: Beside, clip: Clip, recipe: Recipe, optim: torch.optim.Optimizer, number: int, state: State
) -> dict[str, float]:  # fmt: skip
    """One optimiser step; returns its loss, terms, their weights, monitors and gradient norm."""
    weighting, compute, meta = beside.weighting, beside.compute, beside.weighting.is_meta(number)
    # Dropout draws from torch's global generator; naming its stream by the step makes a resumed run equal to an undisturbed one.
    torch.manual_seed(beside.stream(number))
    clip = clip.to(compute.device)
    # Views are made of the whole batch in every process, so that what is drawn does not depend on the number of processes.
    views = beside.views(clip, number)
    with FlopMeter(state, compute.device, meta):
        with compute.autocast(), weighting.forward_pass(number):
            outcome = model(distributed.shard_views(views, len(clip)))
        terms = distributed.mean_over_ranks(outcome.terms, len(clip))
        optim.zero_grad(set_to_none=True)
        monitors = distributed.mean_over_ranks(outcome.monitors, len(clip))
        step = beside.step(number, optim.param_groups[0]["lr"], terms, views, len(clip), monitors)
        weighed = weighting.backward(step)
        norm = clip_gradient(model.parameters(), recipe.clip_norm)
        named = {"loss": weighed.loss, **terms, **monitors}
        values = beside.numbers(named, weighed.weights) | {"grad_norm": norm}
        _refuse_no_number(values, terms, number, recipe.lr)
        optim.step()
        weighting.after_step(step)
    state.metas += meta
    return values


def _refuse_no_number(values: Mapping[str, float], terms: Iterable[str], number: int, lr: float) -> None:
    """Values of all processes together, so that all of them stop here."""
    names = [name for name in terms if not math.isfinite(values[name])]
    for name, what in (("loss", "loss"), ("grad_norm", "norm of the gradient")):
        if not math.isfinite(values[name]):
            which = f" (term {', '.join(names)})" if names else ""
            raise MuybridgeError(
                f"the {what} became {values[name]} at step {number + 1}{which}."
                f" Lower the learning rate (--lr {lr / 3:g}) or use --precision fp32."
            )


def _say(words: str) -> None:
    """A line for the log of the run and for whoever looks on; of several processes the first says it."""
    if rank() == 0:
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
