"""Retrieval: nearest neighbours by cosine similarity and recall at k."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int64

BLOCK = 512
"""Queries compared at once: the memory needed is BLOCK times the number of rows."""


def nearest(
    features: Float32[np.ndarray, "n d"], groups: np.ndarray, number: int
) -> tuple[Int64[np.ndarray, "n number"], Float32[np.ndarray, "n number"]]:
    """Rows with the highest cosine similarity to each row, best first, rows of the same group left out.

    Returns:
        Indices and similarities; index -1 and similarity NaN where no other group is left or a feature is NaN. Ties go to the
        smaller index.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    member = np.unique(groups, return_inverse=True)[1]
    number = min(number, len(features))
    order = np.empty((len(features), number), np.int64)
    best = np.empty((len(features), number), np.float32)
    for start in range(0, len(features), BLOCK):
        rows = slice(start, start + BLOCK)
        similarity = unit[rows] @ unit.T
        similarity[(member[rows, None] == member) | np.isnan(similarity)] = -np.inf
        order[rows] = _highest(similarity, number)
        best[rows] = np.take_along_axis(similarity, order[rows], axis=1)
    missing = np.isneginf(best)
    return np.where(missing, -1, order), np.where(missing, np.float32(np.nan), best)


def _highest(scores: Float32[np.ndarray, "q n"], number: int) -> Int64[np.ndarray, "q number"]:
    """Places of the highest scores of each row, best first; ties go to the smaller place."""
    if number == 0:
        return np.empty((len(scores), 0), np.int64)
    least = -np.partition(-scores, number - 1, axis=1)[:, number - 1, None]
    order = np.empty((len(scores), number), np.int64)
    for row, (line, bound) in enumerate(zip(scores, least, strict=True)):
        candidates = np.flatnonzero(line >= bound)
        order[row] = candidates[np.argsort(-line[candidates], kind="stable")[:number]]
    return order


def hits(
    order: Int64[np.ndarray, "n k"], labels: Int64[np.ndarray, "n"], ks: Sequence[int]
) -> dict[int, Bool[np.ndarray, "n"]]:
    """Whether each row has a neighbour of its class among the first k; False for rows without a label.

    Ks beyond the neighbours at hand are left out.
    """
    same = (np.append(labels, -2)[order] == labels[:, None]) & (labels >= 0)[:, None]
    return {k: same[:, :k].any(1) for k in ks if k <= order.shape[1]}


def recall(
    order: Int64[np.ndarray, "n k"], labels: Int64[np.ndarray, "n"], ks: Sequence[int]
) -> dict[int, float]:
    """Share of labelled rows with a neighbour of their class among the first k."""
    known = labels >= 0
    return {k: float(found[known].mean()) for k, found in hits(order, labels, ks).items() if known.any()}
