"""Accuracy by class: a table, which classes are worst and best, and a chart where there are many."""

from dataclasses import dataclass

import numpy as np

from muybridge.core.text.plurals import listed
from muybridge.report.figures.charts import Tick
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.score import Scored
from muybridge.report.tables.accuracy_tables import (
    MOST_CLASSES,
    arm_index,
    class_name,
    legend_of,
    slugged,
    width_of,
)
from muybridge.report.tables.table import Cell, Column, Table, count, missing, points, span, text

NAMED = 5
"""Worst and best classes that are named."""
WIDTH, LEFT, RIGHT, TOP, LINE = 760, 230, 16, 8, 15
LETTERS = 34


@dataclass(frozen=True)
class Dot:
    """Accuracy of one arm in one class: places along the axis, and what is told on hover."""

    arm: int
    x: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class ClassChart:
    """One line per class, best class first, one dot per arm; the interval is that of the best arm."""

    title: str
    lines: list[tuple[str, str, float, list[Dot]]]
    ticks: list[Tick]
    chance: float | None
    height: float
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP


def per_class_table(scored: Scored, all_of: Gathered) -> Table:
    """One row per class, one column per arm; mean over seeds, with its interval."""
    counts = _class_counts(scored)
    columns = [Column("class"), Column("videos", True), *(Column(f"{name}, %", True) for name in scored.arms)]
    rows = []
    for index in range(width_of(scored)):
        shown = [_heat(scored, name, index) for name in scored.arms]
        rows.append([text(class_name(scored, index)), count(int(counts[index])), *shown])
    one = scored.experiment
    slug = f"classes-{slugged(one.stage, one.protocol, one.data, one.details)}"
    return Table(
        slug, f"{one.name}: accuracy by class", columns, rows, extremes(scored), "heat",
        legend_of(scored, "Accuracy in each class,", compared=False),
    )  # fmt: skip


def _heat(scored: Scored, name: str, index: int) -> Cell:
    one = scored.arms[name].classes.each[index]
    if np.isnan(one.value):
        return missing("none")
    return Cell(
        points(one.value, 0), sort=100 * one.value, small=span(one), heat=one.value, title=one.caution
    )


def extremes(scored: Scored) -> list[str]:
    """Sentences that name the worst and the best classes of the best arm; none for ten classes or fewer."""
    if not scored.arms or width_of(scored) <= 2 * NAMED:
        return []
    best = scored.ranked()[0]
    order = _ordered(scored, best)
    sides = {"Worst": order[::-1][:NAMED], "Best": order[:NAMED]}
    return [
        f"{side} classes of {best}: {listed([_told(scored, best, i) for i in few])}."
        for side, few in sides.items()
    ]


def _told(scored: Scored, arm: str, index: int) -> str:
    one = scored.arms[arm].classes.each[index]
    return f"{class_name(scored, index)} {points(one.value)} % ({span(one)})"


def _ordered(scored: Scored, arm: str) -> list[int]:
    """Classes with videos from the best of an arm down; equal ones by name."""
    each = scored.arms[arm].classes.each
    known = [index for index, one in enumerate(each) if not np.isnan(one.value)]
    return sorted(known, key=lambda index: (-each[index].value, class_name(scored, index)))


def class_chart(scored: Scored, all_of: Gathered) -> ClassChart | None:
    """All classes in the order of the best arm; None where a table is short enough."""
    if not scored.arms or width_of(scored) <= MOST_CLASSES:
        return None
    best, chance = scored.ranked()[0], scored.experiment.chance
    lines = []
    for row, index in enumerate(_ordered(scored, best)):
        dots = [_dot(scored, name, index, name == best, all_of) for name in scored.ranked()[::-1]]
        whole = class_name(scored, index)
        short = whole if len(whole) <= LETTERS else whole[: LETTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
        lines.append((short, whole, TOP + (row + 0.5) * LINE, [dot for dot in dots if dot]))
    ticks = [Tick(_across(share), f"{100 * share:.0f}") for share in (0, 0.25, 0.5, 0.75, 1)]
    title = f"{scored.experiment.name}: accuracy by class, %, ordered by {best}"
    place = None if np.isnan(chance) else _across(chance)
    return ClassChart(title, lines, ticks, place, TOP + len(lines) * LINE + 30)


def _dot(scored: Scored, name: str, index: int, drawn: bool, all_of: Gathered) -> Dot | None:
    one = scored.arms[name].classes.each[index]
    if np.isnan(one.value):
        return None
    x = _across(one.value)
    ends = (_across(one.low), _across(one.high)) if drawn and not np.isnan(one.low) else (x, x)
    words = f"{name}, {class_name(scored, index)}: {points(one.value)} % ({span(one)})"
    return Dot(arm_index(name, all_of), x, *ends, words)


def _across(share: float) -> float:
    return round(LEFT + share * (WIDTH - RIGHT - LEFT), 1)


def _class_counts(scored: Scored) -> np.ndarray:
    rows = next(iter(scored.arms.values())).clean()[0]
    return np.bincount(rows.label, minlength=rows.scores.shape[1])
