"""Numbers of an experiment, from its prediction rows: accuracies, intervals and comparisons of arms."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from jaxtyping import Float64

from muybridge.core.predictions import Predictions, concatenate, read_predictions
from muybridge.core.records import Run
from muybridge.measure.accuracy import balanced, top_k, video_level
from muybridge.measure.intervals import (
    CLEAN,
    Condition,
    Difference,
    Interval,
    Outcomes,
    from_replicates,
    holm,
    interval,
    outcomes,
    resample_groups,
    resample_seeds,
    separable,
)
from muybridge.report.collect import Experiment


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment: its rows, counted answers and redrawn accuracies.

    Attributes:
        runs: all of its runs, over seeds and folds.
        rows: video-level rows of each seed, folds concatenated.
    """

    name: str
    runs: list[Run]
    rows: dict[int, Predictions]

    @cached_property
    def counted(self) -> list[Outcomes]:
        """Right answers of each seed by group and condition."""
        return [outcomes(rows) for rows in self.rows.values()]

    @cached_property
    def conditions(self) -> list[Condition]:
        """Conditions that every seed has."""
        return sorted(set.intersection(*(set(one.conditions) for one in self.counted)))

    @property
    def groups(self) -> int:
        """Source groups behind its numbers."""
        return min(len(one.groups) for one in self.counted)

    @cached_property
    def values(self) -> Float64[np.ndarray, "s c"]:
        """Accuracy by seed and condition."""
        return np.stack([one.accuracy[self._columns(one)] for one in self.counted])

    @cached_property
    def draws(self) -> Float64[np.ndarray, "r s c"]:
        """Redrawn accuracies by seed and condition; seeds tested on the same groups share their draws."""
        parts = []
        for one in self.counted:
            columns = self._columns(one)
            parts.append(resample_groups(one.right[:, columns], one.total[:, columns]))
        return np.stack(parts, axis=1)

    @cached_property
    def pooled(self) -> Float64[np.ndarray, "r c"]:
        """Redrawn mean over seeds, seeds redrawn too."""
        return resample_seeds(self.draws, self.name)

    def column(self, condition: Condition) -> int:
        """Where a condition stands in ``values`` and ``draws``."""
        return self.conditions.index(condition)

    def accuracy(self, condition: Condition = CLEAN, seed: int | None = None) -> Interval:
        """Accuracy under a condition, of one seed or (None) the mean over seeds."""
        column = self.column(condition)
        if seed is None:
            value, draws = float(self.values[:, column].mean()), self.pooled[:, column]
            return interval(value, draws, self.groups, len(self.rows), of_accuracy=True)
        place = list(self.rows).index(seed)
        value = float(self.values[place, column])
        return interval(value, self.draws[:, place, column], self.groups, of_accuracy=True)

    def clean(self, seed: int | None = None) -> list[Predictions]:
        """Rows without perturbation, of one seed or each."""
        chosen = self.rows.values() if seed is None else [self.rows[seed]]
        return [rows.condition(*CLEAN) for rows in chosen]

    def balanced(self, seed: int | None = None) -> float:
        """Mean-class accuracy, mean over seeds."""
        return float(np.mean([balanced(rows) for rows in self.clean(seed)]))

    def top(self, k: int, seed: int | None = None) -> float:
        """Top-k accuracy, mean over seeds."""
        return float(np.mean([top_k(rows, k) for rows in self.clean(seed)]))

    @property
    def undecoded(self) -> int:
        """Videos without scores, summed over seeds; each counts as wrong."""
        return sum(int((rows.predicted == -1).sum()) for rows in self.clean())

    @property
    def videos(self) -> int:
        """Test videos; the smallest number where seeds differ."""
        return min(len(rows) for rows in self.clean())

    def _columns(self, one: Outcomes) -> list[int]:
        return [one.conditions.index(condition) for condition in self.conditions]


@dataclass(frozen=True)
class Comparison:
    """Two arms on the same videos; ``p`` is corrected by Holm over all pairs of the experiment."""

    difference: Difference
    p: float
    stands: bool


@dataclass(frozen=True)
class Scored:
    """An experiment with its numbers; ``problems`` names arms that could not be compared and why."""

    experiment: Experiment
    arms: dict[str, Arm]
    comparisons: list[Comparison]
    problems: list[str]

    def between(self, a: str, b: str) -> Comparison | None:
        """The comparison of two arms, as ``a`` minus ``b``; None when tested on different videos."""
        return between(self.comparisons, a, b)

    def ranked(self) -> list[str]:
        """Arms from the best clean accuracy down."""
        return sorted(self.arms, key=lambda name: -self.arms[name].accuracy().value)


def score(experiment: Experiment) -> Scored:
    """Read the predictions of an experiment and compare its arms pairwise.

    Raises:
        MuybridgeError: predictions are missing or damaged.
    """
    read = {name: _arm(name, seeds) for name, seeds in experiment.arms.items() if seeds}
    arms = {name: arm for name, arm in read.items() if CLEAN in arm.conditions}
    problems = [
        f"{name} has no rows without perturbation and is left out." for name in read if name not in arms
    ]
    found = []
    for a, b in combinations(arms.values(), 2):
        if _same_videos([*a.counted, *b.counted]):
            found.append(_difference(a, b))
        else:
            problems.append(f"{a.name} and {b.name} were tested on different videos and are not compared.")
    return Scored(experiment, arms, compared(found), problems)


def compared(differences: list[Difference]) -> list[Comparison]:
    """Differences with Holm's correction over all of them."""
    corrected = holm([one.p for one in differences])
    stands = separable(differences)
    return [Comparison(*one) for one in zip(differences, corrected, stands, strict=True)]


def between(found: list[Comparison], a: str, b: str) -> Comparison | None:
    """The comparison of ``a`` minus ``b`` among those found, turned round where needed."""
    for one in found:
        if (one.difference.a, one.difference.b) == (a, b):
            return one
        if (one.difference.a, one.difference.b) == (b, a):
            return Comparison(_turned(one.difference), one.p, one.stands)
    return None


def _arm(name: str, seeds: dict[int, list[Run]]) -> Arm:
    rows = {}
    for seed, runs in seeds.items():
        folds = [read_predictions(run.path / "predictions.parquet") for run in runs]
        rows[seed] = video_level(concatenate(folds))
    return Arm(name, [run for runs in seeds.values() for run in runs], rows)


def _difference(a: Arm, b: Arm) -> Difference:
    first, second = a.column(CLEAN), b.column(CLEAN)
    value = float(a.values[:, first].mean() - b.values[:, second].mean())
    draws = a.pooled[:, first] - b.pooled[:, second]
    return from_replicates((a.name, b.name), value, draws, a.groups, min(len(a.rows), len(b.rows)))


def _same_videos(counted: Sequence[Outcomes]) -> bool:
    first = counted[0]
    return all(np.array_equal(one.videos, first.videos) for one in counted) and all(
        np.array_equal(one.groups, first.groups) for one in counted
    )


def _turned(one: Difference) -> Difference:
    old = one.interval
    return Difference(one.b, one.a, Interval(-old.value, -old.high, -old.low, old.groups, old.seeds), one.p)
