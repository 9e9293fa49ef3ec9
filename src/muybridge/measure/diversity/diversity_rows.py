"""The measures of diversity of one set of losses, with intervals over batches, as rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from muybridge.measure.diversity.loss_diversity import (
    LEAST_SHARE,
    Gram,
    between,
    conflict,
    cosines,
    mean_pairwise,
    normalised,
    novelty,
    share,
    vendi,
)

REDRAWS = 1_000
BY_GRADIENT = ("D2", "D3", "D3norm", "D4", "D5")


@dataclass(frozen=True)
class Measured:
    """One measure of one set.

    Attributes:
        name: as ``D3norm``.
        value: NaN where it is undefined.
        low: lower bound of the 95 % interval over batches; NaN where there is none.
        high: upper bound.
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class SetDiversity:
    """Diversity of a set of auxiliary losses by their gradients.

    Attributes:
        measures: D2, D3, D3norm, D4, D5.
        cosines: of the primary task and all auxiliaries, NaN where undefined.
        shares: signal share by loss, the primary task's first.
        undefined: auxiliary losses that count in no measure: without signal, or inactive.
        batches: batches behind it.
    """

    measures: tuple[Measured, ...]
    cosines: tuple[tuple[float, ...], ...]
    shares: tuple[float, ...]
    undefined: tuple[str, ...]
    batches: int

    def value(self, name: str) -> float:
        """Value of a measure."""
        return next(one.value for one in self.measures if one.name == name)


def diversity(
    gram: Gram, names: Sequence[str], generator: np.random.Generator, inactive: Sequence[str] = (), redraws: int = REDRAWS
) -> SetDiversity:  # fmt: skip
    """Measure a set from the inner products of its gradients.

    Args:
        gram: the primary task is the first loss, auxiliaries follow.
        names: of the losses.
        generator: of the redrawn batches.
        inactive: auxiliary losses that are left out, because they were not learnt.
        redraws: redrawn sets of batches behind the intervals.

    Raises:
        ValueError: names that do not fit.
    """
    if len(names) != gram.shape[1]:
        raise ValueError(f"{len(names)} names of {gram.shape[1]} losses")
    shares = share(gram)
    sound = [place for place, one in enumerate(shares) if one >= LEAST_SHARE and names[place] not in inactive]
    auxiliary = [place for place in sound if place > 0]
    whole = np.full((len(names), len(names)), np.nan)
    whole[np.ix_(sound, sound)] = cosines(between(gram))[np.ix_(sound, sound)]
    values = _measures(whole, sound, auxiliary)
    counts = generator.multinomial(len(gram), np.full(len(gram), 1 / len(gram)), redraws).astype(np.float64)
    drawn = _measures(cosines(between(gram, counts)), sound, auxiliary)
    return SetDiversity(
        tuple(
            Measured(name, float(values[name]), *_bounds(drawn[name], values[name])) for name in BY_GRADIENT
        ),
        tuple(tuple(map(float, row)) for row in whole),
        tuple(map(float, shares)),
        tuple(name for place, name in enumerate(names) if place > 0 and place not in auxiliary),
        len(gram),
    )


def _measures(c: np.ndarray, sound: Sequence[int], auxiliary: Sequence[int]) -> dict[str, np.ndarray]:
    """All measures over the losses that have a signal; D5 beside the primary task where it has one."""
    if len(auxiliary) < 2:
        return {name: np.full(c.shape[:-2], np.nan) for name in BY_GRADIENT}
    own = c[..., auxiliary, :][..., :, auxiliary]
    every = c[..., sound, :][..., :, sound]
    effective = vendi(own)
    return {
        "D2": mean_pairwise(own),
        "D3": effective,
        "D3norm": normalised(effective, len(auxiliary)),
        "D4": conflict(own),
        "D5": novelty(every, [sound.index(place) for place in auxiliary]),
    }


def _bounds(drawn: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Percentiles over redrawn batches; none where fewer than half of the redraws are defined."""
    kept = drawn[np.isfinite(drawn)]
    if len(kept) < len(drawn) / 2 or math.isnan(float(value)):
        return math.nan, math.nan
    low, high = np.quantile(kept, (0.025, 0.975))
    return float(low), float(high)
