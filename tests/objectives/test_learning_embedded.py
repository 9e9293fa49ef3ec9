"""Every pretext task learns on the embedded data, and nothing from shuffled targets; a minute and a half per case.

Every motion comes with its reverse, so that there is no arrow of time to be learnt here.
"""

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_learning import NAMING, Shuffled

from muybridge.augment.chain import augment
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.data.sets.builtin_render import render
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.objective import Learner
from muybridge.sampling.frame_numbers import Law
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TRAIN, HELD_OUT, STEPS, BATCH = 1000, 400, 600, 48


@pytest.fixture(scope="module")
def videos():
    return {
        split: np.stack([render(0, split, i)[0] for i in range(number)])
        for split, number in (("train", TRAIN), ("test", HELD_OUT))
    }


def law_of(objective: Any) -> Law:
    return objective.law(8, 3 if OBJECTIVES["rotnet"].load() is type(objective) else 1, 0, "shrink")


def clip_of(videos: np.ndarray, law: Law, rows: np.ndarray, rng: np.random.Generator) -> Clip:
    draws = [law.draw(videos.shape[1], rng) for _ in rows]
    frames = np.stack([videos[row][draw.frames] for row, draw in zip(rows, draws, strict=True)])
    pixels = torch.from_numpy(frames).permute(0, 4, 1, 2, 3).contiguous()
    drawn = {name: torch.tensor([draw.facts[name] for draw in draws]) for name in draws[0].facts}
    return Clip(pixels, torch.full((len(rows),), -1), [str(row) for row in rows], drawn)


def batches(videos: np.ndarray, law: Law, number: int, start: int, stop: int):
    for step in range(start, stop):
        rng = seeding.rng(0, "train", step)
        yield clip_of(videos, law, rng.integers(len(videos), size=number), rng)


def crop(frames, rng, view=0):
    return augment(frames, ("crop",), 32, rng)


def held_out_accuracy(
    videos, name: str, folder: Path, wrap=lambda objective: objective
) -> tuple[float, float]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        task = OBJECTIVES[name].load()(128, **OBJECTIVES[name].facts.get("tiny", {}))
        law, objective = law_of(task), wrap(task)
        learner = Learner(tiny(), objective)
        recipe = Recipe(STEPS, lr=2e-3, weight_decay=0.02, warmup=0.2)
        feed = partial(batches, videos["train"], law, BATCH // objective.clips)
        fit(learner, Fixed(), feed, crop, recipe, choose("cpu", "fp32"), seed=0, folder=folder)
    learner.eval()
    clip = clip_of(videos["test"], law, np.arange(HELD_OUT), seeding.rng(0, "test"))
    with torch.no_grad():
        outcome = learner(objective.views(clip, crop, seeding.generator(0, "test", "views")))
    return float(outcome.monitors["accuracy"]), float(outcome.monitors.get("chance", objective.chance))


def deviation(chance: float) -> float:
    """Of the share of right answers of somebody who guesses."""
    return math.sqrt(chance * (1 - chance) / HELD_OUT)


@pytest.mark.parametrize("name", sorted(set(NAMING) - {"arrow-of-time"}))
def test_a_pretext_task_is_learnt_on_the_embedded_data(videos, name, tmp_path):
    accuracy, chance = held_out_accuracy(videos, name, tmp_path)
    print(f"{name}: {accuracy:.1%} on held-out clips, chance {chance:.1%}")
    assert accuracy > chance + 6 * deviation(chance)


@pytest.mark.parametrize("name", NAMING)
def test_shuffled_targets_stay_at_chance_on_the_embedded_data(videos, name, tmp_path):
    accuracy, chance = held_out_accuracy(videos, name, tmp_path, Shuffled)
    print(f"{name}, shuffled: {accuracy:.1%} on held-out clips, chance {chance:.1%}")
    assert abs(accuracy - chance) < 4 * deviation(chance)
