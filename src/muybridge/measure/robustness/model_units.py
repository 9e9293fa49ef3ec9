"""Two groups of models compared with the model as the unit: an exact permutation test, and the interval that it leaves.

Test videos say how well the numbers of these models are known; that models of one kind differ from those of another is a sentence about
kinds, of which each model is one example. With few models no gap decides: of 6 models of which 2 are of one kind the smallest p is 1/15.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from jaxtyping import Bool, Float64

from muybridge.measure.estimate import LEVEL

MOST = 50_000
"""Divisions into two groups that are counted through."""
NEAR = 1e-12
"""Differences that rounding alone makes."""


@dataclass(frozen=True)
class GroupGap:
    """The mean of one group of models less that of another.

    Attributes:
        value: the difference of the means.
        low: lower bound at 95 %: shifts of the first group that the test does not reject; NaN where it can reject none.
        high: upper bound.
        p: share of all divisions of the models into groups of these sizes whose difference is as large, either way.
        least: smallest p that groups of these sizes can reach.
        models: of both groups.
    """

    value: float
    low: float
    high: float
    p: float
    least: float
    models: int


def group_gap(one: Sequence[float], other: Sequence[float]) -> GroupGap:
    """Compare two groups of models by a number of each.

    Args:
        one: the number of every model of the first group.
        other: of the second.

    Raises:
        ValueError: an empty group, a number that is none, or more than 50,000 ways to divide the models.
    """
    values = np.array([*one, *other], np.float64)
    if not len(one) or not len(other) or not np.isfinite(values).all():
        raise ValueError(
            f"wanted numbers of one model or more on each side, got {list(one)} and {list(other)}"
        )
    if comb(len(values), len(one)) > MOST:
        raise ValueError(
            f"{len(one)} and {len(other)} models can be divided in more than {MOST:,} ways; take fewer models"
        )
    first = np.zeros((comb(len(values), len(one)), len(values)), bool)
    for row, chosen in enumerate(combinations(range(len(values)), len(one))):
        first[row, list(chosen)] = True
    gaps = _gaps(first, values)
    moved = _gaps(first, first[0].astype(np.float64))  # by how much a shift of the first group moves each
    value, least = float(gaps[0]), _p(np.abs(moved), 1.0)
    if least > 1 - LEVEL:
        return GroupGap(value, np.nan, np.nan, _p(np.abs(gaps), abs(value)), least, len(values))
    low, high = (_bound(gaps, moved, side) for side in (-1.0, 1.0))
    return GroupGap(value, low, high, _p(np.abs(gaps), abs(value)), least, len(values))


def _gaps(first: Bool[np.ndarray, "d m"], values: np.ndarray) -> Float64[np.ndarray, "d"]:
    count = first.sum(1)
    total: np.ndarray = (first @ values) / count - (~first @ values) / (first.shape[1] - count)
    return total


def _p(gaps: Float64[np.ndarray, "d"], seen: float) -> float:
    return float(np.mean(gaps >= seen - NEAR * max(1.0, seen)))


def _bound(gaps: Float64[np.ndarray, "d"], moved: Float64[np.ndarray, "d"], side: float) -> float:
    """Where the shift is first rejected, going from the difference to one side: p falls all the way, as no other division moves faster."""

    def accepted(shift: float) -> bool:
        return _p(np.abs(gaps - shift * moved), abs(gaps[0] - shift)) > 1 - LEVEL

    near = far = float(gaps[0])
    step = float(np.abs(gaps).max()) or 1.0
    while accepted(far):
        far, step = far + side * step, 2 * step
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if accepted(middle) else (near, middle)
    return near
