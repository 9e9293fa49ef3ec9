"""Answers where a perturbation changes labels: what keeps its label apart from what becomes another class, and never one mean over both.

Also which of two classes that turn into one another is named, whatever else is (``which_of_two``), and which perturbations look as if they
turned one class into another though nobody said so (``taken_for``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from muybridge.core.label_changes import Becomes
from muybridge.measure.accuracy import cross
from muybridge.measure.counts import counts_of, share
from muybridge.measure.intervals import Outcomes, tally
from muybridge.runs.contents.predictions import Decisions, Predictions

KEPT, PARTNER, OLD = "kept", "partner", "old"
"""Right where the label holds; the partner named where the clip has become it; the old label named where it holds no more."""
MOST = 0.5
"""Share of a class that must go to one other class to look like a change of label."""
MORE = 0.02
"""By how much, as a share of the other videos, the name may be given more often than without perturbation."""
FEWEST = 5
"""Source groups of a class below which nothing is suspected of it."""


def shown(becomes: Becomes, classes: Sequence[str]) -> Int64[np.ndarray, "k"]:
    """Index of the class that clips of each class show: its own where the label holds, -1 for none."""
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place.get(becomes.get(name, name), -1) for name in classes], np.int64)


def by_kind(rows: Decisions, becomes: Becomes, classes: Sequence[str]) -> dict[str, Outcomes]:
    """Marks of the rows of one condition, by ``KEPT``, ``PARTNER`` and ``OLD``; a kind without rows is not there.

    Args:
        rows: one per video, under one perturbation and severity.
        becomes: what it makes of the classes.
        classes: names by index.
    """
    target, predicted = shown(becomes, classes)[rows.label], rows.predicted
    masks: dict[str, tuple[Bool[np.ndarray, "n"], Bool[np.ndarray, "n"]]] = {
        KEPT: (target == rows.label, predicted == rows.label),
        PARTNER: ((target >= 0) & (target != rows.label), predicted == target),
        OLD: (target != rows.label, predicted == rows.label),
    }
    return {kind: tally(rows.where(mask), right[mask]) for kind, (mask, right) in masks.items() if mask.any()}


def pairs_of(partners: Mapping[str, str], classes: Sequence[str]) -> Int64[np.ndarray, "k"]:
    """Index of the partner of each class; -1 where it has none among the classes."""
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place.get(partners.get(name, ""), -1) for name in classes], np.int64)


def which_pair(rows: Decisions, pairs: Int64[np.ndarray, "k"]) -> Outcomes | None:
    """Marks of rows with a partner: whether the answer is the class or its partner; None where no row has one."""
    other = pairs[rows.label]
    has = other >= 0
    predicted = rows.predicted
    right = (predicted == rows.label) | (predicted == other)
    return tally(rows.where(has), right[has]) if has.any() else None


def which_of_two(rows: Predictions, pairs: Int64[np.ndarray, "k"]) -> Outcomes | None:
    """Marks of rows with a partner: whether the class has a higher score than its partner, whatever else has a higher one.

    Equal scores count one half, rows without scores as wrong. A reader that cannot see the order of frames gives a clip and its reverse the
    same scores, so that it is right in exactly one of the two: 50 % of clips that come with their reverse.
    """
    other = pairs[rows.label]
    has = other >= 0
    if not has.any():
        return None
    some, at = rows.where(has), np.arange(int(has.sum()))
    own, its = some.scores[at, some.label], some.scores[at, other[has]]
    return tally(some, (own > its) + 0.5 * (own == its))


@dataclass(frozen=True)
class Taken:
    """A class that is called another one under a perturbation.

    Attributes:
        share: of its videos that are, a fraction.
    """

    perturbation: str
    severity: int
    name: str
    called: str
    share: float


def taken_for(clean: Decisions, rows: Decisions, classes: Sequence[str]) -> list[Taken]:
    """Classes that a network knows and that, under one condition, it calls one other class.

    The 95 % interval over source groups of the share that goes there lies above one half, of at least five groups of videos that were right
    without perturbation; and that class is not what the network answers to everything: no third class goes there half as often, and for all
    the rest together it is named hardly more often than without perturbation. Noise sends many classes to a few names; a change of labels
    sends one to one.

    Args:
        clean: rows without perturbation, one per video.
        rows: of the same videos under one condition.
        classes: names by index.
    """
    answer = dict(zip(clean.video.tolist(), clean.predicted.tolist(), strict=True))
    predicted, width = rows.predicted, rows.classes
    before = np.array([answer.get(video, -1) for video in rows.video.tolist()], np.int64)
    known = (before == rows.label) & (before >= 0)
    was, now = (cross(rows.label, answers, width) for answers in (before, predicted))
    of_known, total = cross(rows.label[known], predicted[known], width), now.sum(axis=1)
    found = []
    for label in np.flatnonzero(of_known.sum(axis=1)):
        own, others = known & (rows.label == label), total.sum() - total[label]
        wrong = of_known[label, :-1].copy()
        wrong[label] = 0
        if not wrong.any() or not others or len(set(rows.group[own].tolist())) < FEWEST:
            continue
        called = int(wrong.argmax())
        goes = wrong[called] / own.sum()
        rest, rest_before = ((table[:, called].sum() - table[label, called]) / others for table in (now, was))
        if goes <= MOST or rest > goes / 2 or rest > rest_before + MORE:
            continue
        elsewhere = now[:, called] / np.maximum(total, 1)
        elsewhere[[label, called]] = 0
        if (elsewhere > goes / 2).any():
            continue  # before groups are redrawn, which costs
        told = share(counts_of(predicted[own] == called, rows.group[own]))
        if told.low > MOST:
            name, severity = str(rows.perturbation[0]), int(rows.severity[0])
            found.append(
                Taken(name, severity, _named(classes, int(label)), _named(classes, called), told.value)
            )
    return found


def _named(classes: Sequence[str], index: int) -> str:
    return classes[index] if index < len(classes) else f"class {index}"
