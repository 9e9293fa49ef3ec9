"""Numbers for what is read off maps of layer similarity by eye: how alike distant layers are, and how that falls with their distance.

The benchmark (Kumar et al., arXiv 2306.06010) calls bright squares off the diagonal a sign of saturation and defines no number; these are
ours. Layers stand in the order in which they first fire, those that never fire are left out.
"""

import numpy as np
from jaxtyping import Bool, Float64

Means = Float64[np.ndarray, "*r"] | np.float64
"""A number for every map; a scalar of NumPy for a single one."""
APART, ABOVE = 10, 0.9
"""Layers further apart than this count as distant, a similarity above this as bright."""


def distances(shape: tuple[int, ...]) -> Float64[np.ndarray, "l l2"]:
    """How many layers lie between two, of networks of one depth or scaled to that of the first."""
    rows, columns = shape
    scale = (rows - 1) / max(columns - 1, 1) if rows != columns else 1.0
    found: np.ndarray = np.abs(np.arange(rows)[:, None] - scale * np.arange(columns))
    return found


def mean_off_diagonal(value: Float64[np.ndarray, "*r l l2"]) -> Means:
    """Mean over pairs of layers in different places; NaN where there are none."""
    return _mean(value, distances(value.shape[-2:]) >= 1)


def block_score(value: Float64[np.ndarray, "*r l l2"]) -> Means:
    """Share of the pairs further apart than ``APART`` layers whose similarity is above ``ABOVE``; NaN where there are none."""
    known = ~np.isnan(value)
    bright = np.where(known, (value > ABOVE).astype(np.float64), np.nan)
    return _mean(bright, distances(value.shape[-2:]) > APART)


def diagonal_profile(value: Float64[np.ndarray, "l l2"]) -> Float64[np.ndarray, "d"]:
    """Mean similarity by distance, whole layers from 0; NaN where no pair is known."""
    apart = np.rint(distances(value.shape)).astype(int)
    means = [_mean(value, apart == distance) for distance in range(int(apart.max()) + 1)]
    return np.array(means, dtype=np.float64)


def inside(
    value: Float64[np.ndarray, "l l2"], low: Float64[np.ndarray, "l l2"], high: Float64[np.ndarray, "l l2"]
) -> Bool[np.ndarray, "l l2"]:
    """Whether a value lies within its null band: nothing tells the layers from layers of unpaired clips."""
    found: np.ndarray = (low <= value) & (value <= high)
    return found


def _mean(value: Float64[np.ndarray, "*r l l2"], chosen: Bool[np.ndarray, "l l2"]) -> Means:
    """Mean over chosen pairs that are known."""
    known = chosen & ~np.isnan(value)
    number = known.sum(axis=(-2, -1))
    total = np.where(known, value, 0.0).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = total / number
    return found
