"""Does a number rise with diversity, and equally under every combiner: a mixed model with a random intercept for every loss set.

    y[s, a] = level_a + (slope + departure_a) x_s + effects . fixed_s + u_s + e[s, a],    departures sum to 0

Where every set s has every arm a, the model falls into two ordinary regressions (Nelder, Proc. R. Soc. A 283, 1965): the means of sets give
the slope, whose error holds what sets have in common (u); deviations from these means give the departures, free of it. Estimates and
standard errors are those of restricted maximum likelihood (Patterson and Thompson, Biometrika 58, 1971) wherever that finds sets to vary at
all; t and F are exact for normal u and e, equal in variance under all arms.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from muybridge.measure.diversity.association import ALPHA

SMALLEST = 1e-9
"""Share of its length below which what is left of a column, once others are known, is rounding."""


@dataclass(frozen=True)
class Mixed:
    """Slopes over loss sets. All numbers are NaN where there are too few sets, or x has no spread of its own.

    Attributes:
        slope: of y on x, the mean over arms.
        error: its standard error.
        low: lower bound of its 95 % interval by Student's t.
        high: upper bound.
        p: two-sided, of no slope.
        freedom: degrees of freedom of ``error``: sets less rank of a constant, x and what is held fixed.
        departures: slope of every arm less ``slope``; they sum to 0.
        difference_error: standard error of the difference of any two departures.
        p_arms: F test of no departures; NaN with one arm, or where arms differ by rounding alone.
        freedom_arms: degrees of freedom of ``difference_error``: (arms - 1)(sets - 2).
        between: residual mean square of sets, for one number: arms x variance of u + variance of e.
        within: residual mean square within sets: variance of e.
        n: sets behind it.
        left_out: sets that lack an arm, x or what is held fixed.
    """

    slope: float
    error: float
    low: float
    high: float
    p: float
    freedom: int
    departures: Mapping[str, float]
    difference_error: float
    p_arms: float
    freedom_arms: int
    between: float
    within: float
    n: int
    left_out: int

    @property
    def slopes(self) -> dict[str, float]:
        """Slope under every arm."""
        return {arm: self.slope + departure for arm, departure in self.departures.items()}

    @property
    def intraclass(self) -> float:
        """Intraclass correlation: share of the residual variance that the arms of a set have in common, 0 or more; NaN with one arm."""
        common = (self.between - self.within) / len(self.departures)
        return max(common, 0.0) / (max(common, 0.0) + self.within) if common + self.within > 0 else math.nan


@dataclass(frozen=True)
class _Stratum:
    """A regression on x: slope of every column, squared length of x behind it, residual mean square with its degrees of freedom, p."""

    slopes: Float64[np.ndarray, "a"]
    length: float = math.nan
    square: float = math.nan
    freedom: int = 0
    p: float = math.nan


def mixed_model(
    x: Float64[np.ndarray, "n"],
    y: Float64[np.ndarray, "n a"],
    arms: Sequence[str],
    fixed: Float64[np.ndarray, "n k"] | None = None,
) -> Mixed:
    """Slope over loss sets and what combiners change of it, each set with all combiners.

    Args:
        x: diversity of every set; NaN where it is missing, as in ``y`` and ``fixed``.
        y: outcome of every set under every arm.
        arms: their names.
        fixed: numbers of sets held fixed, such as which losses a set holds; columns that follow from others count once.

    Raises:
        ValueError: unequal numbers of sets, or arms whose names do not fit the columns of ``y``.
    """
    held = np.empty((len(x), 0)) if fixed is None else fixed
    if not len(x) == len(y) == len(held):
        raise ValueError(
            f"mixed model: x, y and fixed wanted for the same sets, got {len(x)}, {len(y)} and {len(held)}"
        )
    if not 0 < len(set(arms)) == len(arms) == y.shape[1]:
        raise ValueError(
            f"mixed model: a name of its own wanted for each of {y.shape[1]} columns of y, got {list(arms)}"
        )
    whole = np.isfinite(np.column_stack([x, y, held])).all(axis=1)
    x, y, held = x[whole], y[whole], held[whole]
    means = np.broadcast_to(y.mean(axis=1, keepdims=True), y.shape)
    noise = 1e-24 * float((y**2).sum())
    sets = _stratum(x, means, held, 1, noise)
    inside = _stratum(x, y - means, held[:, :0], len(arms) - 1, noise)
    slope, error = float(sets.slopes[0]), math.sqrt(sets.square / len(arms) / sets.length)
    reach = _quantile(sets.freedom) * error
    return Mixed(
        slope, error, slope - reach, slope + reach, sets.p, sets.freedom,
        dict(zip(arms, map(float, inside.slopes), strict=True)), math.sqrt(2 * inside.square / inside.length), inside.p, inside.freedom,
        sets.square, inside.square, len(x), int((~whole).sum()),
    )  # fmt: skip


def _stratum(
    x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n a"], held: Float64[np.ndarray, "n k"], ways: int, noise: float
) -> _Stratum:  # fmt: skip
    """All columns on x, given a constant and what is held.

    Args:
        x: what they are regressed on.
        y: columns that vary in ``ways`` independent ways.
        held: columns held fixed.
        ways: 1 for equal columns, one less than there are for columns that sum to 0.
        noise: sum of squares that is rounding.
    """
    from scipy.special import fdtrc

    basis = _basis(held)
    rest = x - basis @ (basis.T @ x)
    freedom = ways * (len(x) - basis.shape[1] - 1)
    if freedom < 1 or np.linalg.norm(rest) <= SMALLEST * np.linalg.norm(x):
        return _Stratum(np.full(y.shape[1], math.nan))
    length = float(rest @ rest)
    slopes = rest @ y / length
    residuals = y - basis @ (basis.T @ y) - np.outer(rest, slopes)
    told, untold = length * float((slopes**2).sum()), float((residuals**2).sum())
    square = untold / freedom if untold > noise else 0.0
    sure = 0.0 if told > noise else math.nan
    p = float(fdtrc(ways, freedom, told / ways / square)) if square > 0 else sure
    return _Stratum(slopes, length, square, freedom, p)


def _basis(held: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, "n r"]:
    """Orthonormal columns that span a constant and what is held, whatever its scales; as many as are independent."""
    columns = np.column_stack([np.ones(len(held)), held])
    lengths = np.linalg.norm(columns, axis=0)
    left, sizes, _ = np.linalg.svd(columns / np.where(lengths > 0, lengths, 1), full_matrices=False)
    return np.asarray(left[:, sizes > SMALLEST * sizes.max(initial=0)])


def _quantile(freedom: int) -> float:
    """Of Student's t, for an interval of two sides."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - ALPHA / 2)) if freedom > 0 else math.nan
