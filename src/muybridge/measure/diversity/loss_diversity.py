"""How diverse a set of losses is: by their number, by their kinds, and by their gradients on the shared weights.

Single batches mostly measure their own noise: two copies of one loss on independent batches look orthogonal. So inner products of
gradients, and their squared norms alike, are taken between *different* batches, where noise has mean zero, and averaged over all pairs
(the U-statistic of the squared norm of a mean). Batches must be drawn independently. ``share`` says how much of a gradient's squared length
is common to all batches; below ``LEAST_SHARE`` the cosines of a loss are junk and it is *undefined*: it counts in no measure.

Names of the measures: D0 number of losses; D1 entropy over categories and Rao's quadratic entropy (Rao, Theor. Popul. Biol. 21, 1982);
D2 mean pairwise distance; D3 Vendi score (Friedman and Dieng, TMLR 2023, arXiv 2210.02410, eq. 2); D4 conflict; D5 novelty beside all
others, the primary task among them; D6 dissimilarity of networks trained with one loss each (``functional``).
All functions of cosines broadcast over leading dimensions.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float64

LEAST_SHARE = 0.05
"""Least share of a gradient's squared length that batches must have in common."""

Gram = Float64[np.ndarray, "b k b k"]
Cosines = Float64[np.ndarray, "*r k k"]
Numbers = Float64[np.ndarray, "*r"]


def between(gram: Gram, counts: Float64[np.ndarray, "*r b"] | None = None) -> Float64[np.ndarray, "*r k k"]:
    """Mean inner product of two losses over pairs of different batches: unbiased for that of their expected gradients.

    Args:
        gram: inner products within and between batches.
        counts: how often each batch counts; once when not given. A batch is never paired with itself, however often it counts.

    Raises:
        ValueError: fewer than two batches.
    """
    if len(gram) < 2:
        raise ValueError(f"products between batches want 2 or more, got {len(gram)}")
    weights = np.ones(len(gram)) if counts is None else counts
    other = gram.copy()
    each = np.arange(len(gram))
    other[each, :, each, :] = 0
    found = np.einsum("...a,...b,aibj->...ij", weights, weights, other, optimize=True)
    pairs = weights.sum(-1) ** 2 - (weights**2).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = found / pairs[..., None, None]
    return np.asarray((mean + np.swapaxes(mean, -1, -2)) / 2)


def share(gram: Gram) -> Float64[np.ndarray, "k"]:
    """Share of the squared length of a single batch's gradient that is the expected gradient: 1 without noise, about 0 without signal.

    It may lie below 0 by chance; NaN where all gradients are zero.
    """
    single = np.einsum("aiai->i", gram) / len(gram)
    own = np.diagonal(between(gram))
    return np.asarray(np.divide(own, single, out=np.full(len(own), np.nan), where=single > 0))


def cosines(products: Float64[np.ndarray, "*r k k"]) -> Cosines:
    """Cosines from inner products, held in [-1, 1]; NaN where a squared norm is not above zero."""
    own = np.diagonal(products, axis1=-2, axis2=-1)
    length = np.sqrt(np.where(own > 0, own, np.nan))
    found: Cosines = np.clip(products / (length[..., :, None] * length[..., None, :]), -1, 1)
    return found


def naive_cosines(gram: Gram) -> Cosines:
    """Cosines within single batches of independent draws, averaged over batches: what is usually reported, and mostly noise.

    Batches are shifted against each other by one, since losses on one batch share its noise.
    """
    b, k = gram.shape[:2]
    each, following = np.arange(b), (np.arange(b) + 1) % b
    length = np.sqrt(np.einsum("aiai->ai", gram))
    found = gram[each, :, following, :] / (length[each][:, :, None] * length[following][:, None, :])
    mean = found.mean(0)
    mean = (mean + mean.T) / 2
    mean[np.arange(k), np.arange(k)] = 1
    return np.asarray(mean)


def mean_pairwise(c: Cosines) -> Numbers:
    """D2: mean of ``1 - cos`` over pairs, in [0, 2]; opposed gradients count as diverse. NaN for one loss."""
    return _over_pairs(1 - c)


def conflict(c: Cosines) -> Numbers:
    """D4: mean of ``max(0, -cos)`` over pairs, in [0, 1]; NaN for one loss."""
    return _over_pairs(np.maximum(0, -c))


def vendi(c: Cosines, weights: Float64[np.ndarray, "k"] | None = None) -> Numbers:
    """D3: effective number of losses, in [1, K]: exponential of the entropy of the eigenvalues of ``C / K``.

    Blind for the sign: a loss and its opposite count as one. Eigenvalues below zero, which estimated cosines may have, count as zero.

    Args:
        c: cosines.
        weights: of the losses, as a learned combiner's slopes; their absolute values count. Equal when not given.

    Raises:
        ValueError: weights that are all zero.
    """
    p = np.full(c.shape[-1], 1.0) if weights is None else np.abs(weights)
    if not p.sum() > 0:
        raise ValueError("effective diversity wants a weight other than 0")
    root = np.sqrt(p / p.sum())
    scaled = c * root[:, None] * root[None, :]
    broken = ~np.isfinite(scaled).all((-2, -1))
    values = np.linalg.eigvalsh(np.where(broken[..., None, None], np.eye(len(p)), scaled))
    values = np.maximum(values, 0)
    values = values / values.sum(-1, keepdims=True)
    entropy = -(values * np.log(np.where(values > 0, values, 1))).sum(-1)
    return np.where(broken, np.nan, np.exp(entropy))


def normalised(effective: Numbers | float, losses: int) -> Numbers:
    """``(D3 - 1) / (K - 1)``, in [0, 1]: without the number of losses; NaN for one."""
    return (
        np.asarray((np.asarray(effective) - 1) / (losses - 1))
        if losses > 1
        else np.full_like(effective, np.nan)
    )


def novelty(c: Cosines, of: Sequence[int] | None = None) -> Numbers:
    """D5: ``1 - max R^2`` of a loss's gradient on those of all others: what the least new loss adds, in [0, 1].

    Args:
        c: cosines, the primary task's among them.
        of: losses of which the largest ``R^2`` is taken; all when not given.
    """
    size = c.shape[-1]
    if size < 2:
        return np.full(c.shape[:-2], np.nan)
    explained = []
    for one in range(size) if of is None else of:
        rest = [other for other in range(size) if other != one]
        inner = c[..., rest, :][..., :, rest]
        broken = ~np.isfinite(inner).all((-2, -1)) | ~np.isfinite(c[..., one, :]).all(-1)
        inverse = np.linalg.pinv(
            np.where(broken[..., None, None], np.eye(size - 1), inner), rcond=1e-6, hermitian=True
        )
        along = np.where(broken[..., None], 0, c[..., one, :][..., rest])
        found = np.einsum("...i,...ij,...j->...", along, inverse, along)
        explained.append(np.where(broken, np.nan, np.clip(found, 0, 1)))
    return np.asarray(1 - np.max(explained, axis=0))


def category_entropy(categories: Sequence[Hashable]) -> float:
    """D1: entropy (nats) of the categories that losses fall into: 0 for one category, ``ln K`` for all different.

    Raises:
        ValueError: no loss.
    """
    if not categories:
        raise ValueError("an entropy of no losses")
    shares = [number / len(categories) for number in Counter(categories).values()]
    return abs(sum(one * math.log(one) for one in shares))


def rao(axes: Sequence[Hashable], kinds: Sequence[Hashable]) -> float:
    """D1 as Rao's quadratic entropy: mean over pairs of half a point for another axis and half for another kind, in [0, 1]; NaN for one.

    Args:
        axes: what each loss looks at (spatial, temporal, both).
        kinds: how (contrastive or not).
    """
    pairs = [(i, j) for i in range(len(axes)) for j in range(i)]
    if not pairs:
        return math.nan
    return sum(0.5 * (axes[i] != axes[j]) + 0.5 * (kinds[i] != kinds[j]) for i, j in pairs) / len(pairs)


def functional(similarity: Float64[np.ndarray, "k k"]) -> float:
    """D6: mean of ``1 - similarity`` (CKA) over pairs of networks trained with one loss each; NaN for one."""
    return float(_over_pairs(1 - np.asarray(similarity, np.float64)))


def _over_pairs(values: Cosines) -> Numbers:
    earlier, later = np.triu_indices(values.shape[-1], 1)
    if not len(earlier):
        return np.full(values.shape[:-2], np.nan)
    return np.asarray(values[..., earlier, later].mean(-1))
