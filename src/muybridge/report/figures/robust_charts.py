"""Pictures of robustness: accuracy by severity for each category, and clean against perturbed accuracy of several arms."""

from dataclasses import replace
from functools import partial

import numpy as np

from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN
from muybridge.report.figures.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Cross,
    Drawn,
    Tick,
    joined,
    scale,
    steps,
)
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.robust import Perturbed
from muybridge.report.scores.score import Arm
from muybridge.report.scores.shares import Cells, estimate
from muybridge.report.tables.accuracy_tables import arm_index
from muybridge.report.tables.table import capital, points, span

TALL = 300
LETTER, LINE = 6.6, 14.0  # pixels of a letter and a line of a name


def severity_panels(one: Perturbed, all_of: Gathered) -> list[Drawn]:
    """One panel per category: accuracy, mean over its types, from clean to the highest severity, with 95 % bands."""
    return [
        _panel(one, capital(category), types, all_of) for category, types in one.design.by_category.items()
    ] if one.arms else []  # fmt: skip


def _panel(one: Perturbed, title: str, types: list[str], all_of: Gathered) -> Drawn:
    severities = [s for s in one.design.severities if all(s in one.design.types[name] for name in types)]
    across = scale(0.0, float(max(severities, default=1)), float(LEFT), float(WIDTH - RIGHT))
    up = scale(0.0, 1.0, float(HEIGHT - BOTTOM), float(TOP))
    lines, bands = [], []
    for name in one.arms:
        found = _curve(one.scored.arms[name], types, severities)
        xs = [across(severity) for severity in found]
        color = arm_index(name, all_of)
        lines.append((name, color, joined(xs, [up(at.value) for at in found.values()])))
        edge = [up(at.high) for at in found.values()] + [up(at.low) for at in reversed(found.values())]
        bands.append((color, joined(xs + xs[::-1], edge)))
    ticks = [Tick(across(severity), str(severity) if severity else "clean") for severity in [0, *severities]]
    rises = [Tick(up(y), f"{100 * y:g}") for y in steps(0.0, 1.0)]
    chance = up(one.design.chance) if np.isfinite(one.design.chance) else None
    return Drawn(title, lines, ticks, rises, "severity", "accuracy, %", chance, bands=bands)


def _curve(arm: Arm, types: list[str], severities: list[int]) -> dict[int, Interval]:
    """Accuracy by severity, 0 for clean; severities that some type lacks are left out."""
    have = set(arm.right.conditions)
    whole = [s for s in severities if all((name, s) in have for name in types)]
    found = {0: arm.right.share(CLEAN)}
    for severity in whole:
        found[severity] = estimate(partial(_mean_at, types, severity), arm.right).interval(of_accuracy=True)
    return found


def _mean_at(types: list[str], severity: int, cells: Cells) -> np.ndarray:
    return np.mean([cells[name, severity] for name in types], axis=0)  # type: ignore[no-any-return]


def scatter(one: Perturbed, all_of: Gathered) -> Drawn | None:
    """Clean against mean perturbed accuracy, intervals in both directions; None for fewer than two arms."""
    found = {name: arm for name, arm in one.arms.items() if arm.means}
    if len(found) < 2:
        return None
    xs, ys = [arm.clean for arm in found.values()], [arm.means["types"] for arm in found.values()]
    x_ticks, y_ticks = _axis(xs), _axis(ys)
    across = scale(x_ticks[0], x_ticks[-1], float(LEFT), float(WIDTH - RIGHT))
    up = scale(y_ticks[0], y_ticks[-1], float(TALL - BOTTOM), float(TOP))
    low, high = max(x_ticks[0], y_ticks[0]), min(x_ticks[-1], y_ticks[-1])
    crosses: list[Cross] = []
    for name, x, y in zip(found, xs, ys, strict=True):
        words = f"{name}: clean {points(x.value)} % ({span(x)}), perturbed {points(y.value)} % ({span(y)})"
        ends = across(x.low), across(x.high), up(y.low), up(y.high)
        crosses.append(Cross(name, arm_index(name, all_of), across(x.value), up(y.value), *ends, words))
    return Drawn(
        "Accuracy over types by clean accuracy, %", [],
        [Tick(across(x), f"{100 * x:g}") for x in x_ticks], [Tick(up(y), f"{100 * y:g}") for y in y_ticks],
        "clean accuracy, %", "accuracy over types, %", None, WIDTH, TALL, bottom=TALL - BOTTOM, crosses=named(crosses),
        diagonal=(across(low), up(low), across(high), up(high)) if low < high else None,
    )  # fmt: skip


def _axis(shown: list[Interval]) -> list[float]:
    """Round marks around intervals, within 0 to 1."""
    marks = steps(min(one.low for one in shown), max(one.high for one in shown))
    return [mark for mark in marks if -1e-9 <= mark <= 1 + 1e-9]


def named(crosses: list[Cross]) -> list[Cross]:
    """Give each point a place for its name where it hides the fewest other names and points."""
    taken: list[tuple[float, float, float, float]] = [(c.left, c.y - 3, c.right, c.y + 3) for c in crosses]
    placed = []
    for cross in crosses:
        width = LETTER * len(cross.name)
        boxes = [
            (x, y, x + width, y + LINE)
            for y in (cross.y - LINE - 5, cross.y + 5)
            for x in (cross.x + 6, cross.x - 6 - width)
        ]
        best = min(boxes, key=lambda box: (_outside(box), sum(_touch(box, other) for other in taken)))
        taken.append(best)
        placed.append(replace(cross, text=(best[0], best[3] - 3)))
    return placed


def _touch(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _outside(box: tuple[float, ...]) -> bool:
    return box[0] < LEFT or box[2] > WIDTH - RIGHT + 8 or box[1] < 0 or box[3] > TALL - BOTTOM
