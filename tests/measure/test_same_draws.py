"""Seeds of an arm are redrawn together: a twin of a seed tells nothing new about test videos, so the interval stays as it is.

Redrawn apart, two seeds would count as two independent test sets, and the part of the interval that test videos make would shrink by half.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from measure_rows import rows

from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import accuracy_interval, outcomes
from muybridge.measure.zeroshot_scores import TEMPLATE, prompt_sensitivity
from muybridge.report.gather.across import Splits
from muybridge.report.scores.classwise import classwise
from muybridge.report.scores.recall import share
from muybridge.report.scores.shares import VideoShares
from muybridge.runs.contents.predictions import Predictions, concatenate

VIDEOS = 120


@pytest.fixture(scope="module")
def seed() -> Predictions:
    """Answers of one network about videos of 20 groups, three in four right."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 3, VIDEOS)
    told = np.where(rng.random(VIDEOS) < 0.75, label, (label + 1) % 3)
    return rows(label, told, group=[f"g{i % 20:02d}" for i in range(VIDEOS)], classes=6)


def by_share(seeds: list[Predictions]) -> Interval:
    def counted(run: Predictions) -> dict[str, list[float]]:
        return {
            name: [float(run.correct[run.group == name].sum()), float((run.group == name).sum())]
            for name in set(run.group)
        }

    runs: Any = {number: [one] for number, one in enumerate(seeds)}
    of: Any = counted
    return share("arm", runs, of)


def over_splits(seeds: list[Predictions]) -> Interval:
    arm = SimpleNamespace(rows=dict(enumerate(seeds)), clean=lambda number: [seeds[number]])
    scored: Any = {1: SimpleNamespace(arms={"arm": arm})}
    frame: Any = None
    found = Splits(frame, "set", 1, scored).mean("arm")
    assert found is not None
    return found


def gain(seeds: list[Predictions]) -> Interval:
    single = [
        concatenate([rows(one.label, (one.scores.argmax(1) + (np.arange(VIDEOS) % (3 + t) == 0)) % 3, group=one.group,
                          condition=(TEMPLATE, t + 1), classes=6) for t in range(2)])
        for one in seeds
    ]  # fmt: skip
    found = prompt_sensitivity(seeds, single)
    assert found is not None
    return found.gain


SCORES: dict[str, Callable[[list[Predictions]], Interval]] = {
    "accuracy": accuracy_interval,
    "share by condition": lambda seeds: _of_draws(VideoShares("arm", [outcomes(one) for one in seeds])),
    "mean of classes": lambda seeds: classwise("arm", seeds).balanced(),
    "top-5": lambda seeds: classwise("arm", seeds).top(),
    "one class": lambda seeds: classwise("arm", seeds).each[1],
    "counted by runs": by_share,
    "mean over official splits": over_splits,
    "gain of prompts": gain,
}


def _of_draws(found: VideoShares) -> Interval:
    low, high = np.quantile(found.draws[:, :, 0].mean(axis=1), [0.025, 0.975])
    return Interval(float(found.values.mean()), float(low), float(high), found.groups)


@pytest.mark.parametrize("name", SCORES)
def test_a_twin_of_a_seed_leaves_the_interval_as_it_is(name: str, seed: Predictions):
    one, two = SCORES[name]([seed]), SCORES[name]([seed, seed])
    assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high), abs=1e-12)
    assert one.low < one.high or name == "top-5"
