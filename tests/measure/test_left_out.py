"""Means over all seeds but one: additions grow with the seeds and not with their square; the numbers are those of each mean by itself."""

from collections import Counter
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from measure_rows import rows

from muybridge.core.seeding import rng
from muybridge.measure.intervals import outcomes
from muybridge.report.scores.shares import VideoShares
from muybridge.runs.contents.predictions import concatenate

CELLS = [("clean", 0), ("jpeg", 1), ("jpeg", 2)]


def shares(seeds: int) -> VideoShares:
    """An arm of some seeds, right in some of 11 videos."""
    told = [
        [rows(np.zeros(11, int), rng(0, "left out", seed, *cell).integers(0, 2, 11), condition=cell, classes=2) for cell in CELLS]
        for seed in range(seeds)
    ]  # fmt: skip
    return VideoShares("arm", [outcomes(concatenate(one)) for one in told])


class Counted(Fraction):
    """An exact number that counts additions."""

    made: ClassVar[Counter[str]] = Counter()

    def __add__(self, other: object) -> "Counted":
        self.made["additions"] += 1
        return Counted(Fraction.__add__(self, Fraction(other)))  # type: ignore[arg-type]

    __radd__ = __add__


@pytest.mark.parametrize("seeds", [2, 3, 4, 17])
def test_the_numbers_are_those_of_each_mean_by_itself(seeds: int):
    found = shares(seeds)
    for place in range(seeds):
        alone = np.delete(found.values, place, axis=0).mean(axis=0)
        kept = np.array([found.values_without(place)[cell] for cell in found.conditions])
        # Up to three seeds there is one sum; of more the order of the additions differs, and with it the last bit.
        assert (
            np.array_equal(kept, alone) if seeds < 4 else np.allclose(kept, alone, rtol=1e-15 * seeds, atol=0)
        )


def test_additions_grow_with_the_seeds_and_not_with_their_square():
    numbers = {}
    for seeds in (8, 32):
        found = shares(seeds)
        exact = np.array([[Counted(round(11 * one), 11) for one in row] for row in found.values])
        found.__dict__["values"] = exact
        Counted.made.clear()
        without = [found.values_without(place) for place in range(seeds)]
        numbers[seeds] = Counted.made["additions"]
        total = [sum(map(Fraction, column)) for column in exact.T]
        for place, cells in enumerate(without):
            others = [
                (whole - Fraction(own)) / (seeds - 1) for whole, own in zip(total, exact[place], strict=True)
            ]
            assert [Fraction(cells[cell].item()) for cell in found.conditions] == others
    assert 0 < numbers[32] <= 4.5 * numbers[8]
