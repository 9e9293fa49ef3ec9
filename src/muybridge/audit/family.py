"""The comparisons of a card: one family, Holm over all of them, and what each comes to in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from muybridge.measure.estimate import LEVEL, Estimate, Interval
from muybridge.measure.intervals import holm

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Compared:
    """One comparison: a number that would be 0 if there were nothing to find.

    Attributes:
        interval: of the number, a fraction.
        p: alone, two-sided.
        adjusted: after Holm's correction over the family.
    """

    interval: Interval
    p: float
    adjusted: float

    @property
    def stands(self) -> bool:
        """Whether it is told from 0 after the correction."""
        return self.adjusted <= 1 - LEVEL + 1e-12

    @property
    def is_open(self) -> bool:
        """Whether it has no interval, so that no verdict is possible."""
        return math.isnan(self.interval.low)

    @property
    def above(self) -> bool:
        """Whether it stands, and is above 0."""
        return self.stands and self.interval.value > 0

    @property
    def below(self) -> bool:
        """Whether it stands, and is below 0."""
        return self.stands and self.interval.value < 0


def family(estimates: Mapping[str, Estimate]) -> dict[str, Compared]:
    """Each number with its p-value, corrected for the number of all."""
    adjusted = holm([one.p for one in estimates.values()])
    return {
        name: Compared(one.interval(), one.p, corrected)
        for (name, one), corrected in zip(estimates.items(), adjusted, strict=True)
    }


def percent(share: float) -> str:
    """``66.7 %``; in words where there is no number."""
    return "no number" if math.isnan(share) else f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """Points with their sign, ``+8.3`` or ``\N{MINUS SIGN}8.3``."""
    text = f"{100 * difference:+.1f}"
    return ("0.0" if text in ("+0.0", "-0.0") else text).replace("-", MINUS)


def ends(one: Interval) -> str:
    """The interval of a share in brackets; that there is none."""
    if math.isnan(one.low):
        return "(no interval)"
    return f"(95 % interval {100 * one.low:.1f} to {100 * one.high:.1f})"


def point_ends(one: Interval) -> str:
    """The interval of a difference in brackets; that there is none."""
    if math.isnan(one.low):
        return "(no interval)"
    return f"(95 % interval {points(one.low)} to {points(one.high)} points)"


def alone(one: Compared) -> str:
    """What must be said where the interval leaves zero out and the comparison does not stand; empty elsewhere."""
    bounds = one.interval
    if one.stands or math.isnan(bounds.low) or bounds.low <= 0 <= bounds.high:
        return ""
    return "; alone it would stand, among all comparisons of this card it does not"
