"""What is wrong with a table of results of others, as far as it tells itself: copies, renamed tasks, impossible and chance values."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from muybridge.core.reference.result_tables import Outside

CLASSES: Mapping[str, int] = {
    **{"ucf101": 101, "hmdb51": 51, "kinetics400": 400, "kinetics600": 600},
    **{"kinetics700": 700, "ssv2": 174, "diving48": 48},
}
"""Classes of data sets as they were published."""
ACCURACY, VIDEOS = "accuracy", "videos"
APART = 0.1
"""Two values of one model on one data set that differ by more are told."""
Z = 1.959964


@dataclass(frozen=True)
class Ill:
    """One finding.

    Attributes:
        kind: ``copies``, ``renamed task``, ``unit``, ``impossible value``, ``chance``, ``labels seen``, ``contradiction`` or
            ``not separable``.
        words: what was found, with its numbers.
    """

    kind: str
    words: str


def examine(rows: Sequence[Outside], elsewhere: Sequence[Mapping[str, object]] = ()) -> list[Ill]:
    """Every finding on a table.

    Args:
        rows: of one source.
        elsewhere: other values of some models on some tasks, each with ``model``, ``task``, ``value`` and ``source``.
    """
    found = [
        *_copies(rows),
        *_renamed(rows),
        *_impossible(rows),
        *_chance(rows),
        *_seen(rows),
        *_contradicted(rows, elsewhere),
    ]
    return [*found, *_close(rows)]


def half_width(value: float, n: int) -> float:
    """Half of the 95 % interval of a share of n independent answers (normal approximation); no clustering is known from outside."""
    return Z * math.sqrt(max(value * (1 - value), 0.0) / n)


def _copies(rows: Sequence[Outside]) -> Iterator[Ill]:
    """Models that agree in every value of two tasks or more: one network listed again."""
    vectors: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        vectors[row.model][row.task] = row.value
    names, told = sorted(vectors), set()
    for place, first in enumerate(names):
        same = [first]
        for other in names[place + 1 :]:
            shared = vectors[first].keys() & vectors[other].keys()
            if len(shared) > 1 and all(vectors[first][task] == vectors[other][task] for task in shared):
                same.append(other)
        if len(same) > 1 and first not in told:
            told |= set(same)
            shared = set.intersection(*(set(vectors[name]) for name in same))
            yield Ill(
                "copies",
                f"{', '.join(same)}: equal to the last digit on {len(shared)} tasks; one network listed {len(same)} times",
            )


def _renamed(rows: Sequence[Outside]) -> Iterator[Ill]:
    """Tasks that carry the name of a data set and count other classes, or other things than videos."""
    for task, data, classes, unit, n in sorted({(r.task, r.data, r.classes, r.unit, r.n) for r in rows}):
        official = CLASSES.get(data)
        if official and classes != official:
            yield Ill(
                "renamed task",
                f"{task} is called {data} and counts {classes} of its {official} classes (n = {n:,})",
            )
        if unit != VIDEOS:
            yield Ill("unit", f"{task} counts {n:,} {unit} as independent samples, not videos")


def _impossible(rows: Sequence[Outside]) -> Iterator[Ill]:
    """Values outside 0 to 1, and accuracies that are no whole number of n."""
    for row in rows:
        if not row.metric.startswith(ACCURACY):
            continue
        if not 0 <= row.value <= 1:
            yield Ill("impossible value", f"{row.model} on {row.task}: {row.value}; wanted a fraction")
            continue
        if row.metric != ACCURACY:  # a mean of folds need be no whole number of n
            continue
        right = row.value * row.n
        digits = len(repr(row.value).partition(".")[2])
        if abs(right - round(right)) > max(row.n * 0.5 * 10.0**-digits, 1e-6) + 1e-9:
            yield Ill(
                "impossible value",
                f"{row.model} on {row.task}: {row.value} of {row.n:,} is {right:.2f} right answers, no whole number",
            )


def _chance(rows: Sequence[Outside]) -> Iterator[Ill]:
    """Accuracies that guessing explains."""
    by_task: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        guess = 1 / row.classes
        if row.metric.startswith(ACCURACY) and abs(row.value - guess) <= 3 * math.sqrt(
            guess * (1 - guess) / row.n
        ):
            by_task[row.task].append(f"{row.model} ({100 * row.value:.1f} %)")
    for task, models in sorted(by_task.items()):
        yield Ill("chance", f"{task}: within three standard errors of guessing: {', '.join(sorted(models))}")


def _seen(rows: Sequence[Outside]) -> Iterator[Ill]:
    """Zero-shot numbers on a data set whose labels the model was trained on."""
    for row in rows:
        if row.data in row.trained_on.split() and "zero-shot" in row.protocol.lower():
            yield Ill(
                "labels seen",
                f"{row.model} on {row.task}: trained on the labels of {row.data}, so {100 * row.value:.1f} % is not zero-shot",
            )


def _contradicted(rows: Sequence[Outside], elsewhere: Sequence[Mapping[str, Any]]) -> Iterator[Ill]:
    """Values that another place gives otherwise."""
    for other in elsewhere:
        for row in rows:
            if row.task == other.get("task") and str(other.get("model")) == row.model:
                value = float(other["value"])
                if abs(value - row.value) > APART:
                    said = f"{row.model} on {row.task}: {100 * row.value:.1f} % here, {100 * value:.1f} % in {other.get('source')}"
                    yield Ill(
                        "contradiction", f"{said}{'; ' + str(other['note']) if other.get('note') else ''}"
                    )


def _close(rows: Sequence[Outside]) -> Iterator[Ill]:
    """How many neighbours in the order of a task cannot be told apart: unpaired, since no answers by video are known."""
    by_task: dict[str, list[Outside]] = defaultdict(list)
    for row in rows:
        if row.metric.startswith(ACCURACY) and row.unit == VIDEOS and 0 <= row.value <= 1:
            by_task[row.task].append(row)
    for task, kept in sorted(by_task.items()):
        ranked = sorted(kept, key=lambda row: row.value)
        pairs = list(pairwise(ranked))
        alike = sum(
            b.value - a.value < math.hypot(half_width(a.value, a.n), half_width(b.value, b.n))
            for a, b in pairs
        )
        if alike:
            yield Ill(
                "not separable",
                f"{task}: {alike} of {len(pairs)} neighbours in its order cannot be told apart (unpaired, 95 %)",
            )
