"""Shares of videos (right answers, changed answers) of one arm, and what redrawing videos and seeds does to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from muybridge.measure.estimate import Estimate, Interval, combined, pseudo_deviations
from muybridge.measure.intervals import CLEAN, Condition, Outcomes, resample_groups

Cells = Mapping[Condition, Float64[np.ndarray, "*r"]]
Score = Callable[..., Float64[np.ndarray, "*r"]]


@dataclass(frozen=True)
class VideoShares:
    """Shares of videos by seed and condition.

    Attributes:
        arm: names what its seeds move: numbers of one name are paired seed by seed.
        counted: videos of each seed by group and condition.
    """

    arm: str
    counted: list[Outcomes]

    @cached_property
    def conditions(self) -> list[Condition]:
        """Conditions that every seed has."""
        return sorted(set.intersection(*(set(one.conditions) for one in self.counted)))

    @cached_property
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
        return _by_column(np.stack(parts, axis=1))

    @cached_property
    def _places(self) -> dict[Condition, int]:
        return {condition: place for place, condition in enumerate(self.conditions)}

    @cached_property
    def _kept(self) -> dict[int | None, tuple[Cells, Cells]]:
        return {}

    @cached_property
    def _told(self) -> dict[tuple[Condition, int | None], Interval]:
        return {}

    def column(self, condition: Condition) -> int:
        """Where a condition stands in ``values`` and ``draws``."""
        return self._places[condition]

    def cells(self, place: int | None = None) -> tuple[Cells, Cells]:
        """Shares by condition, and their redraws over groups, of the seed at a place or (None) the mean over seeds."""
        if place not in self._kept:
            values = self.values.mean(axis=0) if place is None else self.values[place]
            draws = self._mean_draws if place is None else self.draws[:, place]
            redrawn = {one: draws[:, column] for one, column in self._places.items()}
            self._kept[place] = self._named(values), redrawn
        return self._kept[place]

    def values_without(self, place: int) -> Cells:
        """Shares by condition, mean over all seeds but one."""
        return self._without[place]

    @cached_property
    def _without(self) -> list[Cells]:
        # Sums of the seeds before a place and behind it: a mean of all others for each would be a square of the seeds.
        nothing = np.zeros_like(self.values[:1])
        before = np.cumsum(np.concatenate([nothing, self.values[:-1]]), axis=0)
        behind = np.cumsum(np.concatenate([nothing, self.values[:0:-1]]), axis=0)[::-1]
        return [self._named(one) for one in (before + behind) / max(1, len(self.counted) - 1)]

    def _named(self, values: Float64[np.ndarray, "c"]) -> Cells:
        return {one: np.asarray(values[column]) for one, column in self._places.items()}

    @cached_property
    def _mean_draws(self) -> Float64[np.ndarray, "r c"]:
        return _by_column(self.draws.mean(axis=1))

    def share(self, condition: Condition = CLEAN, place: int | None = None) -> Interval:
        """Share under one condition, exact at 0 and 1."""
        if (condition, place) not in self._told:
            found = estimate(lambda cells: cells[condition], self, place=place)
            self._told[condition, place] = found.interval(of_accuracy=True)
        return self._told[condition, place]

    def _columns(self, one: Outcomes) -> list[int]:
        places = {condition: place for place, condition in enumerate(one.conditions)}
        return [places[condition] for condition in self.conditions]


def _by_column(draws: np.ndarray) -> np.ndarray:
    """The same numbers with the redraws of a column side by side in memory, as they are read."""
    ordered: np.ndarray = np.ascontiguousarray(np.moveaxis(draws, 0, -1))
    return np.moveaxis(ordered, -1, 0)


def estimate(of: Score, *shares: VideoShares, place: int | None = None) -> Estimate:
    """A score of the cells of one or more models. Ratios are of means over seeds.

    Args:
        of: takes cells of each model, scalars or redraws alike.
        shares: the models, tested on the same videos.
        place: which seed of them; None for the mean over seeds.
    """
    sides = [one.cells(place) for one in shares]
    values = [values for values, _ in sides]
    value, redrawn = float(of(*values)), of(*(draws for _, draws in sides))
    seeds = min(len(one.counted) for one in shares) if place is None else 1
    whole = Estimate(value, redrawn, shares[0].groups, seeds)
    if place is not None:
        return whole
    moved = []
    for index, one in enumerate(shares):
        if len(one.counted) > 1:
            without = [
                float(of(*values[:index], one.values_without(seed), *values[index + 1 :]))
                for seed in range(len(one.counted))
            ]
            own = {one.arm: pseudo_deviations(value, without)}
            moved.append(Estimate(0.0, np.zeros_like(redrawn), whole.groups, seeds, own))
    return combined([whole, *moved], [1.0] * (1 + len(moved)))
