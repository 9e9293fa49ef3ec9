"""Retrieval: nearest neighbours by cosine similarity, recall at k and mean average precision."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

BLOCK = 512
"""Most queries compared at once."""
CELLS = 1 << 23
"""Most similarities held at once (32 MiB; ten times that while they are ranked): larger galleries get fewer queries a block."""


def nearest(
    features: Float32[np.ndarray, "n d"], groups: np.ndarray, number: int
) -> tuple[Int64[np.ndarray, "n number"], Float32[np.ndarray, "n number"]]:
    """Rows with the highest cosine similarity to each row, best first, rows of the same group left out.

    Returns:
        Indices and similarities; index -1 and similarity NaN where no other group is left or a feature is NaN. Ties go to the
        smaller index.
    """
    member = np.unique(groups, return_inverse=True)[1]
    return _nearest(features, features, number, member)


def nearest_in(
    queries: Float32[np.ndarray, "q d"], gallery: Float32[np.ndarray, "n d"], number: int
) -> tuple[Int64[np.ndarray, "q number"], Float32[np.ndarray, "q number"]]:
    """Rows of a gallery with the highest cosine similarity to each query, best first; as ``nearest``, which see."""
    return _nearest(queries, gallery, number)


def average_precision(
    queries: Float32[np.ndarray, "q d"],
    gallery: Float32[np.ndarray, "n d"],
    labels: Int64[np.ndarray, "q"],
    gallery_labels: Int64[np.ndarray, "n"],
) -> Float64[np.ndarray, "q"]:
    """Average precision of each query over the whole gallery, ranked by cosine similarity; NaN where no row has its class.

    The mean, over the gallery rows of the query's class, of the share of that class among the rows up to and with that one (the
    non-interpolated average precision of TREC). Ties go to the smaller index.
    """
    places = np.arange(1, len(gallery) + 1)
    found = np.full(len(queries), np.nan)
    for rows, similarity in _blocks(queries, gallery):
        order = np.argsort(-similarity, axis=1, kind="stable")
        same = gallery_labels[order] == labels[rows, None]
        precision = np.where(same, np.cumsum(same, axis=1) / places, 0.0)
        total = same.sum(axis=1)
        found[rows] = np.divide(
            precision.sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0
        )
    return found


def hits(
    order: Int64[np.ndarray, "q k"],
    labels: Int64[np.ndarray, "q"],
    ks: Sequence[int],
    gallery_labels: Int64[np.ndarray, "n"] | None = None,
) -> dict[int, Bool[np.ndarray, "q"]]:
    """Whether each row has a neighbour of its class among the first k; False for rows without a label.

    Ks beyond the neighbours at hand are left out. Neighbours are among the rows themselves where no labels of a gallery are given.
    """
    known = labels if gallery_labels is None else gallery_labels
    same = (np.append(known, -2)[order] == labels[:, None]) & (labels >= 0)[:, None]
    return {k: same[:, :k].any(1) for k in ks if k <= order.shape[1]}


def _nearest(
    queries: np.ndarray, gallery: np.ndarray, number: int, member: Int64[np.ndarray, "n"] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The highest similarities; ``member`` says which rows belong together, where the gallery is the queries."""
    number = min(number, len(gallery))
    order = np.empty((len(queries), number), np.int64)
    best = np.empty((len(queries), number), np.float32)
    for rows, similarity in _blocks(queries, gallery):
        apart = False if member is None else member[rows, None] == member
        similarity[apart | np.isnan(similarity)] = -np.inf
        order[rows] = _highest(similarity, number)
        best[rows] = np.take_along_axis(similarity, order[rows], axis=1)
    missing = np.isneginf(best)
    return np.where(missing, -1, order), np.where(missing, np.float32(np.nan), best)


def _blocks(queries: np.ndarray, gallery: np.ndarray) -> Iterator[tuple[slice, Float32[np.ndarray, "b n"]]]:
    """Cosine similarities to the whole gallery, some queries at a time."""
    step = max(1, min(BLOCK, CELLS // max(1, len(gallery))))
    bank = _unit(gallery)
    asked = bank if queries is gallery else _unit(queries)
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        yield rows, asked[rows] @ bank.T


def _unit(rows: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


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
