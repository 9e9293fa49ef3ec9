"""Shares of videos (right answers, changed answers) of one arm, and what redrawing videos and seeds does to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from muybridge.measure.intervals import (
    CLEAN,
    Condition,
    Interval,
    Outcomes,
    interval,
    resample_groups,
    resample_seeds,
)

Cells = Mapping[Condition, Float64[np.ndarray, "*r"]]
Score = Callable[..., Float64[np.ndarray, "*r"]]


@dataclass(frozen=True)
class Shares:
    """Shares of videos by seed and condition.

    Attributes:
        arm: names the random stream of its seeds.
        counted: videos of each seed by group and condition.
    """

    arm: str
    counted: list[Outcomes]

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
        """Share by seed and condition."""
        return np.stack([one.accuracy[self._columns(one)] for one in self.counted])

    @cached_property
    def draws(self) -> Float64[np.ndarray, "r s c"]:
        """Redrawn shares by seed and condition; seeds tested on the same groups share their draws."""
        parts = []
        for one in self.counted:
            columns = self._columns(one)
            parts.append(resample_groups(one.right[:, columns], one.total[:, columns]))
        return np.stack(parts, axis=1)

    @cached_property
    def pooled(self) -> Float64[np.ndarray, "r c"]:
        """Redrawn mean over seeds, seeds redrawn too."""
        return resample_seeds(self.draws, self.arm)

    def column(self, condition: Condition) -> int:
        """Where a condition stands in ``values`` and ``draws``."""
        return self.conditions.index(condition)

    def cells(self, place: int | None = None) -> tuple[Cells, Cells]:
        """Shares by condition, and their redraws, of the seed at a place or (None) the mean over seeds."""
        values = self.values.mean(axis=0) if place is None else self.values[place]
        draws = self.pooled if place is None else self.draws[:, place]
        return (
            {one: np.asarray(values[self.column(one)]) for one in self.conditions},
            {one: draws[:, self.column(one)] for one in self.conditions},
        )

    def share(self, condition: Condition = CLEAN, place: int | None = None) -> Interval:
        """Share under one condition, exact at 0 and 1."""
        values, draws = self.cells(place)
        seeds = len(self.counted) if place is None else 1
        return interval(float(values[condition]), draws[condition], self.groups, seeds, of_accuracy=True)

    def _columns(self, one: Outcomes) -> list[int]:
        return [one.conditions.index(condition) for condition in self.conditions]


def both(of: Score, *shares: Shares, place: int | None = None) -> tuple[float, Float64[np.ndarray, "r"]]:
    """A score of the cells of one or more models, on the data and on every redraw. Ratios are of means over seeds."""
    sides = [one.cells(place) for one in shares]
    return float(of(*(values for values, _ in sides))), of(*(draws for _, draws in sides))


def estimate(of: Score, *shares: Shares, place: int | None = None) -> Interval:
    """A score with its interval.

    Args:
        of: takes cells of each model, scalars or replicates alike.
        shares: the models, tested on the same videos.
        place: which seed of them; None for the mean over seeds.
    """
    value, draws = both(of, *shares, place=place)
    seeds = min(len(one.counted) for one in shares) if place is None else 1
    return interval(value, draws, shares[0].groups, seeds)
