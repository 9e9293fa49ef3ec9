"""Accuracy from prediction rows: top-k, per class, balanced, confusion matrix; of views or of videos.

Rows whose scores are NaN (videos that could not be decoded) always count as wrong. All accuracies are
fractions in [0, 1].
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64, Int64, Integer

from muybridge.runs.contents.predictions import Decisions, Predictions


def video_level(rows: Predictions) -> Predictions:
    """One row per video and condition: the mean of the logits over its views.

    A video with one view that could not be decoded has no scores at all: it counts as wrong rather than as
    easier.

    Args:
        rows: any number of views of any number of videos under any number of conditions.

    Returns:
        Rows sorted by perturbation, severity and video, all with ``view`` 0; rows that are so already are not copied.

    Raises:
        ValueError: no rows, or the views of a video disagree on its label or group.
    """
    _refuse_empty(rows)
    if not rows.view.any() and _ascends(rows):
        return rows
    rows = rows.where(np.lexsort((rows.view, rows.video, rows.severity, rows.perturbation)))
    starts = np.flatnonzero(_differs(rows.video) | _differs(rows.severity) | _differs(rows.perturbation))
    if len(starts) == len(rows):
        return replace(rows, view=np.zeros(len(rows), np.int64))
    lengths = np.diff(np.append(starts, len(rows)))
    first = rows.where(starts)
    for name in ("label", "group"):
        if (np.repeat(getattr(first, name), lengths) != getattr(rows, name)).any():
            raise ValueError(f"the rows of one video and condition disagree on its {name}")
    means = np.add.reduceat(rows.scores.astype(np.float64), starts) / lengths[:, None]
    return replace(first, view=np.zeros(len(first), np.int64), scores=means.astype(np.float32))


def hits(rows: Decisions, k: int = 1) -> Bool[np.ndarray, "n"]:
    """Whether the label is among the ``k`` highest scores; of equal scores the lower class comes first.

    Raises:
        ValueError: no rows, ``k`` below 1, or a label that is no column of the scores.
    """
    _refuse_empty(rows)
    classes = rows.classes
    if k < 1:
        raise ValueError(f"top-k accuracy wants k of at least 1, got {k}")
    if rows.label.min() < 0 or rows.label.max() >= classes:
        raise ValueError(
            f"labels reach {rows.label.min()} to {rows.label.max()} but there are {classes} classes"
        )
    result: np.ndarray = rows.rank < min(k, classes)
    return result


def top_k(rows: Decisions, k: int = 1) -> float:
    """Share of rows whose label is among the ``k`` highest scores (``hits``)."""
    return float(hits(rows, k).mean())


def per_class(rows: Decisions) -> Float64[np.ndarray, "k"]:
    """Top-1 accuracy of each class; NaN for a class without rows."""
    counts = confusion(rows)
    total = counts.sum(axis=1)
    right = np.diagonal(counts).astype(np.float64)
    result: np.ndarray = np.divide(right, total, out=np.full(len(total), np.nan), where=total > 0)
    return result


def by_group(
    rows: Decisions, k: int = 5
) -> tuple[Float64[np.ndarray, "g k_and_top"], Float64[np.ndarray, "g k_and_top"]]:
    """Counts by source group (sorted) from which class accuracies can be redrawn.

    Args:
        rows: one per video.
        k: of the top-k accuracy.

    Returns:
        Videos answered right and videos asked, a column for each class, and a last one for the top-k answers of all.

    Raises:
        ValueError: as ``hits``.
    """
    _refuse_empty(rows)
    groups, group = np.unique(rows.group, return_inverse=True)
    right, total = (np.zeros((len(groups), rows.classes + 1)) for _ in range(2))
    np.add.at(right, (group, rows.label), rows.correct)
    np.add.at(total, (group, rows.label), 1)
    np.add.at(right[:, -1], group, hits(rows, k))
    np.add.at(total[:, -1], group, 1)
    return right, total


def balanced(rows: Decisions) -> float:
    """Mean of the per-class accuracies over the classes that have rows (also called macro accuracy)."""
    return float(np.nanmean(per_class(rows)))


def confusion(rows: Decisions) -> Int64[np.ndarray, "k k_and_none"]:
    """Counts of true class (row) by predicted class (column); the last column counts rows without scores.

    Raises:
        ValueError: no rows.
    """
    _refuse_empty(rows)
    return cross(rows.label, rows.predicted, rows.classes)


def cross(
    labels: Int64[np.ndarray, "n"], answers: Integer[np.ndarray, "n"], classes: int
) -> Int64[np.ndarray, "{classes} {classes}+1"]:
    """Counts of true class (row) by answer (column); the last column counts rows without an answer (-1)."""
    counts = np.zeros((classes, classes + 1), dtype=np.int64)
    np.add.at(counts, (labels, answers), 1)  # -1 is the last column
    return counts


def _ascends(rows: Predictions) -> bool:
    """Whether every row stands after the one before by perturbation, severity and video: no sort is needed, which costs far more."""
    after, equal = np.zeros(len(rows) - 1, bool), np.ones(len(rows) - 1, bool)
    for column in (rows.perturbation, rows.severity, rows.video):
        after |= equal & (column[1:] > column[:-1])
        equal &= column[1:] == column[:-1]
    return bool(after.all())


def _differs(column: np.ndarray) -> Bool[np.ndarray, "n"]:
    """Where a column differs from the row before; the first row always does."""
    return np.concatenate([[True], column[1:] != column[:-1]])


def _refuse_empty(rows: Decisions) -> None:
    if len(rows) == 0:
        raise ValueError("no prediction rows: accuracy of nothing is undefined")
