"""Heat maps of one arm: perturbations by severity, the fall in accuracy and the accuracy itself."""

import math

from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN
from muybridge.measure.robustness.robustness_scores import relative
from muybridge.report.scores.robust import Perturbed, Robust
from muybridge.report.scores.shares import Score, VideoShares, estimate
from muybridge.report.tables.robust_tables import legend_on, slug_of
from muybridge.report.tables.table import Cell, Column, Table, missing, points, span, text


def fall_map(one: Perturbed, arm: Robust) -> Table:
    """Fall in points (same videos, perturbed minus clean), coloured by the share of the clean accuracy that is lost."""
    right = one.scored.arms[arm.arm].right
    rows = []
    for name, has in one.design.types.items():
        cells = [
            _fall(right, lambda cells, at=(name, severity): cells[at])
            if (name, severity) in arm.cells
            else missing() if severity in has else Cell("")
            for severity in one.design.severities
        ]  # fmt: skip
        mean = _fall(right, one.design.type_mean(name)) if name in arm.types else missing()
        rows.append([*_labels(one, name), *cells, mean])
    notes = [
        f"Clean accuracy {points(arm.clean.value)} % ({span(arm.clean)}). Below each fall: the share of it that is kept. "
        "Intervals stand in the table of accuracies."
    ]
    caption = f"{arm.arm}: fall in accuracy by severity, points"
    what = "Fall in accuracy in percentage points, perturbed less clean on the same videos, and the percent of the clean one that is kept"
    legend = legend_on(one, what, arm.arm)
    return Table(slug_of(one, "fall", arm.arm), caption, _columns(one), rows, notes, "heat drop", legend)


def _fall(right: VideoShares, of: Score) -> Cell:
    """A fall; colour from none lost to all lost."""
    fall = estimate(lambda cells: of(cells) - cells[CLEAN], right).interval()
    kept = estimate(lambda cells: relative(cells[CLEAN], of(cells)), right).interval()
    lost = 1 - kept.value
    title = f"95 % interval: fall {span(fall, sign=True)} points, kept {span(kept)} %"
    small = "" if math.isnan(lost) else f"{points(kept.value, 0)} %"
    heat = 0.0 if math.isnan(lost) else min(1.0, max(0.0, lost))
    return Cell(points(fall.value, sign=True), sort=100 * fall.value, small=small, title=title, heat=heat)


def accuracy_map(one: Perturbed, arm: Robust) -> Table:
    """Accuracy in percent, interval below, coloured from chance up."""
    chance = one.design.chance
    empty = [Cell("")] * len(one.design.severities)
    rows = [
        [*([Cell("")] if one.design.categories else []), text(CLEAN[0]), *empty, _heat(arm.clean, chance)]
    ]
    for name, has in one.design.types.items():
        cells = [_accuracy(arm, name, severity, has, chance) for severity in one.design.severities]
        mean = _heat(arm.types[name], chance) if name in arm.types else missing()
        rows.append([*_labels(one, name), *cells, mean])
    caption = f"{arm.arm}: accuracy by severity, %"
    legend = legend_on(one, "Accuracy in percent by perturbation (rows) and severity (columns)", arm.arm)
    return Table(slug_of(one, "grid", arm.arm), caption, _columns(one), rows, style="heat", legend=legend)


def _columns(one: Perturbed) -> list[Column]:
    columns = [Column("category")] if one.design.categories else []
    columns += [
        Column("perturbation"),
        *(Column(str(s), True, f"severity {s}") for s in one.design.severities),
    ]
    return [*columns, Column("mean", True, "over severities")]


def _labels(one: Perturbed, name: str) -> list[Cell]:
    """Category (shown at its first type, there for sorting at the others) and name, with why it is in no mean."""
    changes, seen = name in one.design.changing, one.design.seen.get(name)
    why = [*(["changes the label"] if changes else []), *(["seen in training"] if seen else [])]
    label = Cell(name, sort=name, small=", ".join(why), title=f"by {', '.join(seen)}" if seen else "")
    if not one.design.categories:
        return [label]
    category = one.design.categories[name]
    order = list(dict.fromkeys(one.design.categories.values()))
    first = next(other for other in one.design.types if one.design.categories[other] == category) == name
    return [Cell(category, sort=f"{order.index(category)} {category}", kind="" if first else "repeat"), label]


def _accuracy(arm: Robust, name: str, severity: int, has: list[int], chance: float) -> Cell:
    if severity not in has:
        return Cell("")
    return _heat(arm.cells[name, severity], chance) if (name, severity) in arm.cells else missing()


def _heat(one: Interval, chance: float) -> Cell:
    """Colour from none at chance or below to full at 1."""
    floor = 0.0 if math.isnan(chance) else chance
    heat = min(1.0, max(0.0, (one.value - floor) / (1 - floor)))
    return Cell(points(one.value), sort=100 * one.value, small=span(one), title=one.caution, heat=heat)
