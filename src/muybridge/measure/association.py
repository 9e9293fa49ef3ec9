"""Does one number go with another: rank correlation within strata, given covariates, with a permutation p; equivalence; two shares.

A pooled correlation over families of models can vanish, or change its sign, although it holds within each of them (Simpson, J. R. Stat.
Soc. B 13(2), 1951). So ranks are taken within strata and centred there before they are correlated, which is a partial Spearman
correlation given the stratum. The p-value permutes the residuals of the reduced model within strata (Freedman and Lane, J. Bus. Econ.
Stat. 1(4), 1983). Intervals are bias-corrected and accelerated bootstraps over units (Efron, JASA 82, 1987), drawn within strata.
Equivalence is two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

PERMUTATIONS = 9_999
REDRAWS = 2_000
ALPHA = 0.05


@dataclass(frozen=True)
class Association:
    """A rank correlation.

    Attributes:
        rho: in [-1, 1]; NaN with fewer than 4 units or without spread.
        low: lower bound of the 95 % interval; NaN where there is none.
        high: upper bound.
        p: two-sided, by permutation; 1 where there is no correlation to speak of.
        n: units behind it.
    """

    rho: float
    low: float
    high: float
    p: float
    n: int


def rank_correlation(
    x: Float64[np.ndarray, "n"],
    y: Float64[np.ndarray, "n"],
    generator: np.random.Generator,
    strata: Sequence[str] | None = None,
    covariates: Float64[np.ndarray, "n k"] | None = None,
) -> Association:
    """Spearman's correlation of two numbers, within strata and given covariates.

    Args:
        x: one number of every unit.
        y: the other.
        generator: of permutations and redraws.
        strata: stratum of every unit; None for one.
        covariates: numbers whose ranks are held fixed.

    Raises:
        ValueError: unequal lengths, or a number that is not finite.
    """
    if len(x) != len(y) or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"wanted two finite numbers of every unit, got {len(x)} and {len(y)}")
    names, groups = np.unique(["" for _ in x] if strata is None else list(strata), return_inverse=True)
    others = np.empty((len(x), 0)) if covariates is None else covariates
    if len(x) - len(names) - others.shape[1] < 3:
        return Association(math.nan, math.nan, math.nan, 1.0, len(x))
    rho = _correlated(x, y, groups, others)
    if math.isnan(rho):
        return Association(rho, rho, rho, 1.0, len(x))
    low, high = _interval(x, y, groups, others, rho, generator)
    return Association(rho, low, high, _permutation_p(x, y, groups, others, rho, generator), len(x))


def _correlated(
    x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "n k"]
) -> float:  # fmt: skip
    """Correlation of the residuals of ranks within strata."""
    return _cosine(*(_residuals(one, groups, others) for one in (x, y)))


def _cosine(a: Float64[np.ndarray, "n"], b: Float64[np.ndarray, "n"]) -> float:
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 1e-9 else math.nan


def _residuals(
    values: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "n k"]
) -> Float64[np.ndarray, "n"]:
    """Ranks within strata, centred there, less what the ranks of covariates tell."""
    ranks = _ranks(values, groups)
    if others.shape[1] == 0:
        return ranks
    design = np.stack([_ranks(column, groups) for column in others.T], axis=1)
    found: Float64[np.ndarray, "n"] = ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]
    return found


def _ranks(values: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    """Ranks within strata as shares of the stratum, so that a large stratum does not outweigh by its size alone; mean 0 in each."""
    from scipy.stats import rankdata

    ranks = np.zeros(len(values))
    for group in np.unique(groups):
        own = groups == group
        ranks[own] = rankdata(values[own]) / (own.sum() + 1)
        ranks[own] -= ranks[own].mean()
    return ranks


def _permutation_p(
    x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "n k"],
    rho: float, generator: np.random.Generator,
) -> float:  # fmt: skip
    """Share of permutations within strata that correlate at least so much; what is seen counts as one of them."""
    a, b = (_residuals(one, groups, others) for one in (x, y))
    order = np.tile(np.arange(len(x)), (PERMUTATIONS, 1))
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        order[:, own] = generator.permuted(order[:, own], axis=1)
    found = b[order] @ a / math.sqrt(float(a @ a) * float(b @ b))
    return (1 + int((np.abs(found) >= abs(rho) - 1e-12).sum())) / (PERMUTATIONS + 1)


def _interval(
    x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "n k"],
    rho: float, generator: np.random.Generator,
) -> tuple[float, float]:  # fmt: skip
    from scipy.special import ndtr, ndtri

    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = []
    for _ in range(REDRAWS):
        index = np.concatenate([own[generator.integers(len(own), size=len(own))] for own in members])
        drawn.append(_correlated(x[index], y[index], groups[index], others[index]))
    redrawn = np.asarray(drawn)[np.isfinite(drawn)]
    below = (np.sum(redrawn < rho) + 0.5 * np.sum(redrawn == rho)) / max(len(redrawn), 1)
    if not 0 < below < 1:
        return (
            (float(redrawn.min()), float(redrawn.max())) if len(redrawn) > REDRAWS // 2 else (math.nan,) * 2
        )
    keep = [np.delete(np.arange(len(x)), i) for i in range(len(x))]
    left_out = np.asarray([_correlated(x[k], y[k], groups[k], others[k]) for k in keep])
    pulls = np.nanmean(left_out) - left_out[np.isfinite(left_out)]
    spread = float((pulls**2).sum()) ** 1.5
    speed = float((pulls**3).sum()) / (6 * spread) if spread > 0 else 0.0
    bias = float(ndtri(below))
    shares = [ndtr(bias + (bias + z) / (1 - speed * (bias + z))) for z in (ndtri(0.025), ndtri(0.975))]
    low, high = np.quantile(redrawn, shares)
    return float(low), float(high)


def equivalence_p(value: float, error: float, freedom: float, smallest: float) -> float:
    """P-value of "the number lies outside (-smallest, smallest)": the larger of two one-sided tests.

    Args:
        value: what was found.
        error: its standard error.
        freedom: degrees of freedom; infinite for the normal distribution.
        smallest: the smallest effect that matters, above 0.
    """
    from scipy.special import ndtr, stdtr

    if smallest <= 0:
        raise ValueError(f"the smallest effect that matters must be above 0, got {smallest}")
    if not (math.isfinite(value) and error > 0):
        return 1.0
    tails = [(value - smallest) / error, (-value - smallest) / error]
    return max(float(ndtr(t) if math.isinf(freedom) else stdtr(freedom, t)) for t in tails)


def two_shares(a: float, n_a: int, b: float, n_b: int) -> tuple[float, float, float, float]:
    """Difference of two shares of independent samples: value, 95 % bounds, two-sided p.

    Bounds by Newcombe's hybrid of Wilson scores (Stat. Med. 17, 1998, method 10), p by the pooled z test. For shares of the same videos
    without per-video rows it is conservative where the answers go together.
    """
    from scipy.special import ndtr

    z = 1.959963984540054
    (low_a, high_a), (low_b, high_b) = _wilson(a, n_a, z), _wilson(b, n_b, z)
    low = a - b - math.hypot(a - low_a, high_b - b)
    high = a - b + math.hypot(high_a - a, b - low_b)
    pooled = (a * n_a + b * n_b) / (n_a + n_b)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return a - b, low, high, 2 * float(ndtr(-abs(a - b) / error)) if error > 0 else 1.0


def wilson(share: float, n: int) -> tuple[float, float]:
    """95 % bounds of a share of n independent cases (Wilson, JASA 22, 1927)."""
    return _wilson(share, n, 1.959963984540054)


def _wilson(share: float, n: int, z: float) -> tuple[float, float]:
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - reach, middle + reach


def least_p(sizes: Sequence[int]) -> float:
    """Smallest one-sided p that an exact permutation test of two groups of units can reach: one over the number of ways to divide them."""
    return 1 / math.comb(sum(sizes), sizes[0])
