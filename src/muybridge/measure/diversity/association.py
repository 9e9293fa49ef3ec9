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
        low_90: lower bound of the 90 % interval, for two one-sided tests.
        high_90: upper bound.
    """

    rho: float
    low: float
    high: float
    p: float
    n: int
    low_90: float = math.nan
    high_90: float = math.nan


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
    rho = float(_correlated(x, y, groups, others))
    if math.isnan(rho):
        return Association(rho, rho, rho, 1.0, len(x))
    low, high, low_90, high_90 = _interval(x, y, groups, others, rho, generator)
    p = _permutation_p(x, y, groups, others, rho, generator)
    return Association(rho, low, high, p, len(x), low_90, high_90)


def power(rho: float, units: int, covariates: int = 0, alpha: float = ALPHA) -> float:
    """Power of a two-sided test of a partial rank correlation: Fisher's z with variance ``1.06 / (n - 3 - covariates)``.

    The factor is that of Fieller, Hartley and Pearson (Biometrika 44, 1957) for ranks. 0 with too few units.
    """
    from scipy.special import ndtr, ndtri

    free = units - 3 - covariates
    if free < 1:
        return 0.0
    reach = math.atanh(rho) * math.sqrt(free / 1.06)
    z = float(ndtri(1 - alpha / 2))
    return float(ndtr(reach - z) + ndtr(-reach - z))


def _correlated(
    x: Float64[np.ndarray, "*r n"], y: Float64[np.ndarray, "*r n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "*r n k"]
) -> Float64[np.ndarray, "*r"]:  # fmt: skip
    """Correlation of the residuals of ranks within strata; NaN without spread."""
    return _cosine(*(_residuals(one, groups, others) for one in (x, y)))


def _cosine(a: Float64[np.ndarray, "*r n"], b: Float64[np.ndarray, "*r n"]) -> Float64[np.ndarray, "*r"]:
    size = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return np.asarray(np.where(size > 1e-9, (a * b).sum(-1), np.nan) / np.where(size > 1e-9, size, 1))


def _residuals(
    values: Float64[np.ndarray, "*r n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "*r n k"]
) -> Float64[np.ndarray, "*r n"]:
    """Ranks within strata, centred there, less what the ranks of covariates tell."""
    ranks = _ranks(values, groups)
    if others.shape[-1] == 0:
        return ranks
    basis = _basis(groups, others)
    told = np.einsum("...nk,...k->...n", basis, np.einsum("...nk,...n->...k", basis, ranks))
    return np.asarray(ranks - told)


def _basis(
    groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "*r n k"]
) -> Float64[np.ndarray, "*r n k"]:
    """Orthonormal columns that span the ranks of covariates; zeros for what is no direction of its own."""
    design = np.stack([_ranks(others[..., place], groups) for place in range(others.shape[-1])], axis=-1)
    left, sizes, _ = np.linalg.svd(design, full_matrices=False)
    wide = sizes > 1e-10 * np.maximum(sizes[..., :1], 1e-300)
    return np.asarray(left * wide[..., None, :])


def _ranks(
    values: Float64[np.ndarray, "*r n"], groups: Int64[np.ndarray, "n"]
) -> Float64[np.ndarray, "*r n"]:
    """Ranks within strata as shares of the stratum, so that a large stratum does not outweigh by its size alone; mean 0 in each."""
    from scipy.stats import rankdata

    ranks = np.zeros(values.shape)
    for group in np.unique(groups):
        own = groups == group
        part = rankdata(values[..., own], axis=-1) / (own.sum() + 1)
        ranks[..., own] = part - part.mean(-1, keepdims=True)
    return ranks


def _permutation_p(
    x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "n k"],
    rho: float, generator: np.random.Generator,
) -> float:  # fmt: skip
    """Share of permutations within strata that correlate at least so much; what is seen counts as one of them.

    Permuted residuals are freed of the covariates again: without that they keep a part that cannot correlate, their correlations come out
    too small, and with ten covariates of 48 units the test rejects far too often.
    """
    a, b = (_residuals(one, groups, others) for one in (x, y))
    order = np.tile(np.arange(len(x)), (PERMUTATIONS, 1))
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        order[:, own] = generator.permuted(order[:, own], axis=1)
    moved = b[order]
    if others.shape[1]:
        basis = _basis(groups, others)
        moved = moved - (moved @ basis) @ basis.T
    found = _cosine(moved, np.broadcast_to(a, moved.shape))
    return (1 + int((np.abs(found) >= abs(rho) - 1e-12).sum())) / (PERMUTATIONS + 1)


def _interval(
    x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "n k"],
    rho: float, generator: np.random.Generator,
) -> tuple[float, float, float, float]:  # fmt: skip
    """BCa bounds at 95 and at 90 %."""
    from scipy.special import ndtr, ndtri

    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = np.stack(
        [
            np.concatenate([own[generator.integers(len(own), size=len(own))] for own in members])
            for _ in range(REDRAWS)
        ]
    )
    sorted_groups = groups[np.concatenate(members)]
    redrawn = _correlated(x[drawn], y[drawn], sorted_groups, others[drawn])
    redrawn = redrawn[np.isfinite(redrawn)]
    below = (np.sum(redrawn < rho) + 0.5 * np.sum(redrawn == rho)) / max(len(redrawn), 1)
    if not 0 < below < 1:
        ends = (
            (float(redrawn.min()), float(redrawn.max())) if len(redrawn) > REDRAWS // 2 else (math.nan,) * 2
        )
        return (*ends, *ends)
    left_out = np.concatenate([_without_one(x, y, groups, others, own) for own in members])
    pulls = np.nanmean(left_out) - left_out[np.isfinite(left_out)]
    spread = float((pulls**2).sum()) ** 1.5
    speed = float((pulls**3).sum()) / (6 * spread) if spread > 0 else 0.0
    bias = float(ndtri(below))
    tails = (0.025, 0.975, 0.05, 0.95)
    shares = [ndtr(bias + (bias + z) / (1 - speed * (bias + z))) for z in map(ndtri, tails)]
    low, high, low_90, high_90 = map(float, np.quantile(redrawn, shares))
    return low, high, low_90, high_90


def _without_one(
    x: Float64[np.ndarray, "n"], y: Float64[np.ndarray, "n"], groups: Int64[np.ndarray, "n"], others: Float64[np.ndarray, "n k"],
    own: Int64[np.ndarray, "m"],
) -> Float64[np.ndarray, "m"]:  # fmt: skip
    """Correlations without each unit of a stratum; they are computed at once, since what is left has the same strata."""
    rest = np.setdiff1d(np.arange(len(x)), own)
    keep = np.stack([np.concatenate([np.delete(own, place), rest]) for place in range(len(own))])
    return _correlated(x[keep], y[keep], groups[keep[0]], others[keep])


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
