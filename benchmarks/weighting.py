"""What weightings cost: processor time of a training step with five tasks, relative to the plain sum.

    python benchmarks/weighting.py [--repeats 5] [--steps 15] [--json FILE]
    python benchmarks/weighting.py --fine [--steps 60]

Every arm trains the tiny (2+1)D network on noise (8 videos a step; supervised, RotNet, VCOP, speed and arrow of time, five terms), one
thread, float32. Arms take turns in every repeat, so that a busy machine slows all of them; a ratio is taken within a repeat, and its median
and range over the repeats are printed. ``K backward`` takes the gradient of each term on its own and adds them up; ``before`` is the step
without this contract: a sum, one backward pass, clipping, an optimiser step. ``--fine`` compares it, ``fixed`` and MELTR's combiner alone
step by step, in turn, since they differ by less than two whole runs do.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from muybridge.augment.chain import augment
from muybridge.backbones import build
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.networks.step import Step, Weighed, Weighting, weighted
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.multi import Auxiliary, Multi
from muybridge.objectives.objective import Learner
from muybridge.train.beside import Beside
from muybridge.train.checkpoint import State
from muybridge.train.loop import Recipe, _step, fit
from muybridge.train.optim import clip_gradient, optimiser
from muybridge.train.precision import choose
from muybridge.weighting import WEIGHTINGS

TASKS = ("rotnet", "vcop", "speed", "arrow-of-time")
VIDEOS, FRAMES, CROP = 8, 8, 32
MELTR = {"mode": "faithful"}
ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "sum (fixed)": ("fixed", {}),
    "K backward": ("rows", {}),
    "meltr, combiner alone": ("meltr", MELTR | {"every": 10**6}),
    "meltr faithful, every 3": ("meltr", MELTR | {"every": 3}),
    "meltr faithful, every 5": ("meltr", MELTR | {"every": 5}),
    "meltr faithful, every 1": ("meltr", MELTR | {"every": 1}),
    "meltr safe, every 3": ("meltr", {"mode": "safe", "every": 3, "meta": "replay"}),
    "meltr corrected (Neumann-3), every 3": ("meltr", {"mode": "corrected", "every": 3, "meta": "replay"}),
    "auto-lambda, every 1": ("auto-lambda", {"meta": "replay"}),
    "gradnorm": ("gradnorm", {}),
    "cosine-gate": ("cosine-gate", {}),
    "uncertainty": ("uncertainty", {}),
    "famo": ("famo", {}),
    "pcgrad": ("pcgrad", {}),
    "upgrad": ("upgrad", {}),
    "imtl-g": ("imtl-g", {}),
    "mgda": ("mgda", {}),
    "pcd": ("pcd", {}),
    "aligned-mtl": ("aligned-mtl", {}),
}


class Rows(Weighting):
    """The gradient of every term on its own, added up: what any method on gradients needs."""

    name = "rows"

    def backward(self, step: Step) -> Weighed:
        """K backward passes."""
        step.put(weighted(step.rows(), [1.0] * len(step.terms)))
        return Weighed(step.stacked().detach().sum(), dict.fromkeys(step.terms, 1.0))


def crop(frames: torch.Tensor, rng: torch.Generator, view: int = 0) -> torch.Tensor:
    """The augmentation of all tasks."""
    return augment(frames, ("crop",), CROP, rng)


def made() -> tuple[Learner, int]:
    """A learner of fixed weights and the frames that a video gives it."""
    torch.manual_seed(0)
    backbone = build("r2plus1d-tiny")
    tasks = {"supervised": OBJECTIVES["supervised"].load()(backbone.dim, 10)}
    tasks |= {name: OBJECTIVES[name].load()(backbone.dim) for name in TASKS}
    learner = Learner(backbone, Multi(tasks, {name: Auxiliary(1, 0, crop) for name in TASKS}), FRAMES, CROP)
    learner.objective.law(FRAMES, 1, 0, "shrink")
    return learner, sum(learner.objective.lengths)


def batch(frames: int, step: int) -> Clip:
    """Noise."""
    rng = seeding.generator(0, step)
    pixels = torch.randint(0, 256, (VIDEOS, 3, frames, 36, 36), dtype=torch.uint8, generator=rng)
    drawn = {"speed.rate": torch.zeros(VIDEOS, dtype=torch.int64), "speed.choices": torch.full((VIDEOS,), 3)}
    return Clip(pixels, torch.arange(VIDEOS) % 10, tuple(map(str, range(VIDEOS))), drawn)


def trainer(
    name: str, options: dict[str, Any], steps: int, clips: list[Clip], frames: int
) -> Callable[[], float]:
    """Trains an arm for some steps; processor seconds of a step, the first left out (it counts operations)."""

    def run() -> float:
        learner, _ = made()
        weighting = Rows() if name == "rows" else WEIGHTINGS[name].load()(**options)
        weighting.prepare(learner.objective.terms, learner.objective.primary_terms)
        own = [learner.objective.own(clip) for clip in clips]
        marks: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            fit(
                learner, weighting, lambda start, stop: iter(clips[start:stop]), crop,
                Recipe(steps, 1e-3, 0.01, log_every=10**6, save_every=10**6), choose("cpu", "fp32"), seed=0, folder=Path(folder),
                report=lambda *_: marks.append(time.process_time()), meta=lambda step: own[step],
            )  # fmt: skip
        skip = 1 + max(getattr(weighting, "every", 0), 0) if getattr(weighting, "every", 0) < 10 else 1
        return (marks[-1] - marks[skip - 1]) / (len(marks) - skip)

    return run


def before(steps: int, clips: list[Clip]) -> float:
    """Processor seconds of the step as it was before there was a contract."""
    learner, _ = made()
    optim = optimiser(learner.train(), "adamw", 1e-3, 0.01)
    marks = []
    for number in range(steps):
        plain_step(learner, optim, clips, number)
        marks.append(time.process_time())
    return (marks[-1] - marks[0]) / (len(marks) - 1)


def plain_step(learner: Learner, optim: torch.optim.Optimizer, clips: list[Clip], number: int) -> None:
    """The step without a contract."""
    torch.manual_seed(seeding.key(0, "step", number, 0))
    clip = clips[number % len(clips)]
    views = learner.objective.views(clip, crop, seeding.generator(0, "views", number, 0))
    outcome = learner(views)
    loss = torch.stack([1.0 * value for value in outcome.terms.values()]).sum()
    optim.zero_grad(set_to_none=True)
    loss.backward()
    clip_gradient(learner.parameters(), 5.0)
    torch.stack(
        [value.detach() for value in (loss, *outcome.terms.values(), *outcome.monitors.values())]
    ).tolist()
    optim.step()
    learner.objective.after_step(learner.backbone)


def fine(steps: int, clips: list[Clip]) -> None:
    """Median over steps of the ratio to ``fixed``, with quartiles; every kind of step on a learner of its own, in turn."""
    recipe, compute = Recipe(steps, 1e-3, 0.01), choose("cpu", "fp32")
    stepped: dict[str, Callable[[int], object]] = {}
    for name, (kind, options) in {
        "fixed": ("fixed", {}),
        "combiner alone": ARMS["meltr, combiner alone"],
    }.items():
        learner, _ = made()
        weighting = WEIGHTINGS[kind].load()(**options)
        weighting.prepare(learner.objective.terms, learner.objective.primary_terms)
        beside = Beside(learner.train(), weighting, crop, compute, 0, None, 1.0)
        optim = optimiser(learner, "adamw", 1e-3, 0.01)
        stepped[name] = partial(_kept, learner, beside, clips, recipe, optim, State(flops=1))
    plain, _ = made()
    plain_optim = optimiser(plain.train(), "adamw", 1e-3, 0.01)
    stepped["before"] = partial(plain_step, plain, plain_optim, clips)
    found: dict[str, list[float]] = {name: [] for name in stepped}
    for number in range(steps):
        for name in sorted(stepped, key=lambda name: (list(stepped).index(name) + number) % len(stepped)):
            began = time.process_time()
            stepped[name](number)
            found[name].append(time.process_time() - began)
    for name, seconds in found.items():
        ratios = [one / other for one, other in zip(seconds[3:], found["fixed"][3:], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        least = min(seconds[3:]) / min(found["fixed"][3:])
        print(
            f"{name:16s} {1000 * statistics.median(seconds[3:]):8.1f} ms   {middle:.3f} ({low:.3f} to {high:.3f})   least {least:.3f}"
        )


def _kept(
    learner: Learner, beside: Beside, clips: list[Clip], recipe: Recipe, optim: Any, state: State, number: int
) -> None:
    _step(learner, beside, clips[number % len(clips)], recipe, optim, number, state)
    learner.objective.after_step(learner.backbone)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fine", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    _, frames = made()
    clips = [batch(frames, step) for step in range(min(given.steps, 30))]
    if given.fine:
        fine(given.steps, clips)
        return
    runs = {name: trainer(*arm, given.steps, clips, frames) for name, arm in ARMS.items()}
    runs["before"] = lambda: before(given.steps, clips)
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.repeats):
        for name, run in runs.items():
            found[name].append(run())
    base = found["sum (fixed)"]
    rows = {}
    for name, seconds in found.items():
        ratios = [one / other for one, other in zip(seconds, base, strict=True)]
        rows[name] = {
            "ms": 1000 * statistics.median(seconds),
            "ratio": statistics.median(ratios),
            "low": min(ratios),
            "high": max(ratios),
        }
        print(
            f"{name:40s} {rows[name]['ms']:8.1f} ms   {rows[name]['ratio']:.2f} ({rows[name]['low']:.2f} to {rows[name]['high']:.2f})"
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
