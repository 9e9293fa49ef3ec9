"""Every pretext task of the catalogue learns what is there to be learnt, and nothing from targets without meaning."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from falling import falling_bars
from torch import nn

from muybridge.augment.chain import augment
from muybridge.backbones.r2plus1d import tiny
from muybridge.core import seeding
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.objective import Learner
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed

PRETEXTS = sorted(name for name, entry in OBJECTIVES.items() if entry.facts["pretext"])
FRAMES, SIZE, CROP, BATCH, HELD_OUT = 4, 26, 24, 48, 240


class Shuffled(nn.Module):
    """An objective whose targets are dealt out anew among the clips of a batch."""

    def __init__(self, objective: Any) -> None:
        super().__init__()
        self.objective, self.clips, self.chance = objective, objective.clips, objective.chance

    def views(self, clip, change, rng):
        views = self.objective.views(clip, change, rng)
        if "target" not in views:
            pytest.skip("a task without targets")
        return {**views, "target": views["target"][torch.randperm(len(clip), generator=rng)]}

    def outcome(self, encode, views):
        return self.objective.outcome(encode, views)


def crop(frames, rng):
    return augment(frames, ("crop",), CROP, rng)


def batches(clips: int, start: int, stop: int):
    for step in range(start, stop):
        yield falling_bars(BATCH // clips, FRAMES * clips, SIZE, seeding.generator(0, "train", step))


def held_out_accuracy(name: str, folder: Path, wrap=lambda objective: objective) -> tuple[float, float]:
    """Train a small network and answer for videos it never saw; accuracy and chance."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        objective = wrap(OBJECTIVES[name].load()(64))
        learner = Learner(tiny((8, 16, 32, 64)), objective)
        fit(
            learner, Fixed(), partial(batches, objective.clips), crop, Recipe(60, lr=4e-3, weight_decay=0.02),
            choose("cpu", "fp32"), seed=0, folder=folder,
        )  # fmt: skip
    learner.eval()
    clip = falling_bars(HELD_OUT, FRAMES * objective.clips, SIZE, seeding.generator(0, "test"))
    with torch.no_grad():
        outcome = learner(objective.views(clip, crop, seeding.generator(0, "test", "views")))
    return float(outcome.monitors["accuracy"]), objective.chance


def deviations(chance: float, number: float) -> float:
    """That many standard deviations of the share of right answers of somebody who guesses."""
    return number * math.sqrt(chance * (1 - chance) / HELD_OUT)


@pytest.mark.parametrize("name", PRETEXTS)
def test_a_pretext_task_is_learnt(name: str, tmp_path: Path):
    accuracy, chance = held_out_accuracy(name, tmp_path)
    assert accuracy > chance + deviations(chance, 6)
    assert accuracy > 0.8


@pytest.mark.parametrize("name", PRETEXTS)
def test_shuffled_targets_cannot_be_learnt(name: str, tmp_path: Path):
    accuracy, chance = held_out_accuracy(name, tmp_path, Shuffled)
    assert abs(accuracy - chance) < deviations(chance, 4)
