"""Accuracy by class of one arm, its mean over classes and its top-5 accuracy, and what redrawing videos and seeds does to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from muybridge.measure.accuracy import by_group
from muybridge.measure.estimate import Interval, mean_over_seeds
from muybridge.measure.intervals import resample_groups
from muybridge.runs.contents.predictions import Predictions

TOP = 5


@dataclass(frozen=True)
class Classwise:
    """Shares of one arm that look at classes.

    Attributes:
        name: of the arm; names the random stream of its seeds.
        groups: source groups behind its numbers.
        values: mean class accuracy and top-5 accuracy of each seed.
        draws: the same on redrawn test sets.
        each: accuracy of each class, mean over seeds; a class without videos has the value NaN.
    """

    name: str
    groups: int
    values: Float64[np.ndarray, "s 2"]
    draws: Float64[np.ndarray, "r s 2"]
    each: list[Interval]

    def balanced(self, place: int | None = None) -> Interval:
        """Mean of the per-class accuracies, of the seed at a place or (None) the mean over seeds."""
        return self._share(0, place)

    def top(self, place: int | None = None) -> Interval:
        """Top-5 accuracy, of the seed at a place or (None) the mean over seeds."""
        return self._share(1, place)

    def _share(self, column: int, place: int | None) -> Interval:
        values, draws = self.values[:, column], self.draws[:, :, column]
        if place is not None:
            values, draws = values[[place]], draws[:, [place]]
        return mean_over_seeds(values, draws, self.groups, self.name).interval(of_accuracy=True)


def classwise(name: str, seeds: Sequence[Predictions]) -> Classwise:
    """Count and redraw.

    A redrawn test set that lacks a class says nothing of that class, and its mean is over the classes it has.

    Args:
        name: of the arm.
        seeds: rows of each seed, one per video, under one condition.
    """
    counted = [by_group(rows, TOP) for rows in seeds]
    redrawn = [resample_groups(right, total) for right, total in counted]
    with np.errstate(invalid="ignore"):
        shares = np.stack([right.sum(axis=0) / total.sum(axis=0) for right, total in counted])
    means = np.stack(
        [np.stack([np.nanmean(one[:, :-1], axis=1), one[:, -1]], axis=1) for one in redrawn], axis=1
    )
    values = np.stack([np.nanmean(shares[:, :-1], axis=1), shares[:, -1]], axis=1)
    by_class = np.stack([one[:, :-1] for one in redrawn], axis=1)
    behind = (counted[0][1][:, :-1] > 0).sum(axis=0)
    each = [
        _each(values, draws, int(groups))
        for values, draws, groups in zip(shares[:, :-1].T, by_class.transpose(2, 0, 1), behind, strict=True)
    ]
    return Classwise(name, min(len(right) for right, _ in counted), values, means, each)


def _each(values: Float64[np.ndarray, "s"], draws: Float64[np.ndarray, "r s"], groups: int) -> Interval:
    """Accuracy of one class, from the redrawn test sets that have it."""
    nothing = float("nan")
    if not groups:
        return Interval(nothing, nothing, nothing, 0, len(values))
    there = draws[~np.isnan(draws).any(axis=1)]
    return mean_over_seeds(values, there, groups).interval(of_accuracy=True)
