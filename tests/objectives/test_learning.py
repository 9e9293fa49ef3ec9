"""Every pretext task of the catalogue learns what is there to be learnt, and nothing from targets or pairs without meaning.

Tasks on tokens have no answer that could be right; what they learn is checked in ``test_masked``, and of sigreg in ``test_new_tasks``;
so is what tcons learns, since bars of one video that are a clip apart have nothing in common.
"""

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from falling import falling_bars
from scipy import stats
from torch import nn

from muybridge.augment.chain import augment
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.objective import Learner, Outcome
from muybridge.sampling.frame_numbers import Law
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed

PRETEXTS = sorted(
    name
    for name, entry in OBJECTIVES.items()
    if entry.facts["pretext"]
    and entry.facts["kind"] != "control"
    and not {"tokens", "captions"} & entry.facts.keys()
    and name != "sigreg"
)
CONTRASTIVE = [name for name in PRETEXTS if OBJECTIVES[name].facts.get("contrastive") and name != "tcons"]
NAMING = [name for name in PRETEXTS if name not in (*CONTRASTIVE, "tcons")]
FRAMES, SIZE, CROP, BATCH, HELD_OUT = 4, 26, 24, 48, 240
DRAWS = 8
SMALLER = {"queue": 64, "momentum": 0.9, "hidden": 64, "width": 16}


def cases(names: list[str]) -> list[Any]:
    """Test cases; the task whose steps paint pixels takes 20 seconds."""
    return [pytest.param(name, marks=pytest.mark.slow if name == "prp" else ()) for name in names]


class Shuffled(nn.Module):
    """An objective whose targets are dealt out anew in a batch; without targets, its first clips meet the others of another video."""

    def __init__(self, objective: Any) -> None:
        super().__init__()
        self.objective, self.clips, self.chance = objective, objective.clips, objective.chance
        for name in ("law", "attach", "after_step", "outcome"):
            setattr(self, name, getattr(objective, name))

    def views(self, clip, change, rng):
        first, *others = views = self.objective.views(clip, change, rng)
        if "target" in views:
            return {**views, "target": views["target"][torch.randperm(len(clip), generator=rng)]}
        return {first: views[first]} | {name: views[name].roll(1, 0) for name in others}


def options(name: str) -> dict[str, Any]:
    """Those for a tiny backbone, made smaller still: few steps for copies to follow and queues to fill, a narrow decoder."""
    chosen = dict(OBJECTIVES[name].facts.get("tiny", {}))
    return chosen | {key: value for key, value in SMALLER.items() if key in chosen}


def crop(frames, rng, view=0):
    return augment(frames, ("crop",), CROP, rng)


def sampled(law: Law, videos: int, *stream: Any) -> Clip:
    """Falling bars as a law draws them, from videos a little longer than it wants where its windows are free to move."""
    more = 4 if law.clips > 1 and type(law).__name__ != "Sampling" else 0
    whole = falling_bars(videos, law.span + more, SIZE, seeding.generator(*stream))
    draws = [law.draw(law.span + more, seeding.rng(*stream, i)) for i in range(videos)]
    frames = torch.stack(
        [video[:, torch.from_numpy(d.frames)] for video, d in zip(whole.frames, draws, strict=True)]
    )
    drawn = {name: torch.tensor([d.facts[name] for d in draws]) for name in draws[0].facts}
    return Clip(frames, whole.label, whole.video, drawn)


def batches(law: Law, videos: int, start: int, stop: int):
    for step in range(start, stop):
        yield sampled(law, videos, 0, "train", step)


def made(name: str, wrap: Any = lambda objective: objective) -> Learner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        objective = OBJECTIVES[name].load()(64, **options(name))
        return Learner(tiny((8, 16, 32, 64)), wrap(objective), FRAMES, CROP)


def trained(learner: Learner, folder: Path) -> Learner:
    objective: Any = learner.objective
    feed = partial(batches, objective.law(FRAMES, 1, 0, "shrink"), BATCH // objective.clips)
    recipe = Recipe(60, lr=4e-3, weight_decay=0.02)
    fit(learner, Fixed(), feed, crop, recipe, choose("cpu", "fp32"), seed=0, folder=folder)
    return learner


def answers(learner: Learner, draw: int = 0) -> Outcome:
    """The outcome on videos that were never shown; every ``draw`` has others."""
    return outcome_of(learner.eval(), draw)


def outcome_of(learner: Learner, draw: int) -> Outcome:
    """The outcome on videos that were never shown, in the mode that the learner is in."""
    objective: Any = learner.objective
    clip = sampled(objective.law(FRAMES, 1, 0, "shrink"), HELD_OUT, 0, "test", draw)
    with torch.no_grad():
        outcome: Outcome = learner(objective.views(clip, crop, seeding.generator(0, "test", "views", draw)))
    return outcome


def right(learner: Learner) -> tuple[float, float]:
    """Share of right answers on held-out videos, and chance."""
    monitors = answers(learner).monitors
    return float(monitors["accuracy"]), float(monitors.get("chance", learner.objective.chance))


def deviations(chance: float, number: float) -> float:
    """That many standard deviations of the share of right answers of somebody who guesses."""
    return number * math.sqrt(chance * (1 - chance) / HELD_OUT)


@pytest.mark.parametrize("name", cases(NAMING))
def test_a_pretext_task_is_learnt(name: str, tmp_path: Path):
    accuracy, chance = right(trained(made(name), tmp_path))
    assert accuracy > chance + deviations(chance, 6)
    assert accuracy > 0.8


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_partners_are_told_from_other_videos_and_from_other_segments_and_speeds(name: str, tmp_path: Path):
    """Bars differ little from video to video, so that far from all partners can be named."""
    outcome = answers(trained(made(name), tmp_path))
    chance = float(outcome.monitors.get("chance", made(name).objective.chance))
    assert outcome.monitors["accuracy"] > chance + deviations(chance, 4)
    for monitor in outcome.monitors.keys() & {"segment_accuracy", "speed_accuracy"}:
        assert outcome.monitors[monitor] > 0.5 + deviations(0.5, 6)


@pytest.mark.parametrize("name", cases(PRETEXTS))
def test_shuffled_targets_and_pairs_cannot_be_learnt(name: str, tmp_path: Path):
    """Student's t over draws of other videos; a sound task fails it once in 10,000 trained networks.

    A queue is filled anew before each draw: keys that older weights made are no fair company for a fresh one, which then
    stands out without being the partner (0.034 right against 0.015 by chance for TDL).
    """
    learner = trained(made(name, Shuffled), tmp_path)
    inner: Any = learner.objective.objective
    found = []
    for draw in range(DRAWS):
        if hasattr(inner, "queue"):
            learner.eval()
            inner.training = True  # of the objective alone, which then keeps its keys; norms stay as they are
            outcome_of(learner, DRAWS + draw)
            inner.queue.push(inner.fresh)
        monitors = answers(learner, draw).monitors
        chance = float(monitors.get("chance", learner.objective.chance))
        found.append(float(monitors["accuracy"]) - chance)
    assert stats.ttest_1samp(found, 0).pvalue > 1e-4
    assert abs(np.mean(found)) < deviations(chance, 6)


def test_a_law_feeds_what_its_task_asks_for():
    clip = sampled(OBJECTIVES["vcop"].load()(8).law(FRAMES, 1, 0, "shrink"), 2, 0, "test")
    whole = falling_bars(2, 3 * FRAMES, SIZE, seeding.generator(0, "test"))
    assert np.array_equal(clip.frames, whole.frames)
