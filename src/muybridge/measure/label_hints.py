"""Whether a few numbers about a file tell its label: a cross-validated classifier so simple that nothing has to be trained.

Each property is cut at quantiles of the training videos, and the classes of a bin are counted (naive Bayes over bins, one added to each
count). It finds what single properties tell, or several that need not be read together; a label that hangs on a combination of them alone
(an exclusive or) escapes it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from muybridge.measure.estimate import Estimate
from muybridge.measure.intervals import resample_groups

BINS = 6
"""Bins of a property, at most; equal values are never parted."""
FEWEST_VIDEOS, FEWEST_GROUPS = 12, 6
"""Below these nothing is said: fewer groups separate nothing at 5 %."""


@dataclass(frozen=True)
class Hint:
    """How well properties tell the label of videos of other groups.

    Attributes:
        accuracy: of videos that were held out, group by group.
        usual: share of the most frequent class: what always saying that one gets.
        above: how far the accuracy is above it.
    """

    accuracy: Estimate
    usual: float
    above: Estimate


def hint(
    columns: Float64[np.ndarray, "n d"],
    labels: Int64[np.ndarray, "n"],
    groups: np.ndarray,
    folds: Int64[np.ndarray, "n"],
) -> Hint:
    """Answer for the videos of each fold from those of all others.

    Args:
        columns: properties of each video.
        labels: class of each.
        groups: source group of each.
        folds: fold of each; a group is in one.

    Raises:
        ValueError: no videos.
    """
    if not len(labels):
        raise ValueError("no videos: nothing can be told of their labels")
    _, own = np.unique(labels, return_inverse=True)
    right = np.zeros(len(own))
    for fold in np.unique(folds):
        held = folds == fold
        if not held.all():
            right[held] = answers(columns[~held], own[~held], columns[held]) == own[held]
    names, group = np.unique(groups, return_inverse=True)
    marks, total = (np.zeros((len(names), 1)) for _ in range(2))
    np.add.at(marks[:, 0], group, right)
    np.add.at(total[:, 0], group, 1)
    accuracy = Estimate(float(right.mean()), resample_groups(marks, total)[:, 0], len(names))
    usual = float(np.bincount(own).max() / len(own))
    return Hint(accuracy, usual, accuracy.above(usual))


def answers(
    train: Float64[np.ndarray, "n d"], labels: Int64[np.ndarray, "n"], asked: Float64[np.ndarray, "m d"]
) -> Int64[np.ndarray, "m"]:
    """Most likely class of each row; of equal ones the first.

    Args:
        train: properties of videos whose class is known.
        labels: from 0.
        asked: properties of the others.
    """
    classes = int(labels.max()) + 1
    prior = np.bincount(labels, minlength=classes) + 1.0
    score = np.tile(np.log(prior / prior.sum()), (len(asked), 1))
    for column, values in zip(train.T, asked.T, strict=True):
        edges = np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1]))
        counts = np.ones((len(edges) + 1, classes))
        np.add.at(counts, (np.searchsorted(edges, column, "left"), labels), 1)
        score += np.log(counts / counts.sum(axis=0))[np.searchsorted(edges, values, "left")]
    found: np.ndarray = score.argmax(axis=1)
    return found
