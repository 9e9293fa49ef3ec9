"""Tables of robustness: one summary of the arms and one heat map per arm."""

import math

from muybridge.measure.intervals import CLEAN, Interval
from muybridge.report.accuracy_tables import arm_cell, cautions, gain_cell, runs_cell, slugged
from muybridge.report.collect import BASELINE, Collected
from muybridge.report.robust import Robust, label_changing, suspects, wanted
from muybridge.report.score import Comparison, Scored, between
from muybridge.report.table import Cell, Column, Table, capital, listed, missing, percent, points, span, text


def robustness_summary(
    scored: Scored, found: dict[str, Robust], pairs: list[Comparison], all_of: Collected
) -> Table:
    """One row per arm: clean and mean perturbed accuracy, gain over the baseline, and the three scores."""
    against = BASELINE if BASELINE in found else scored.ranked()[-1]
    columns = [
        Column("arm"),
        Column("clean, %", True, "accuracy without perturbation"),
        Column("perturbed, %", True, "mean over severities, then over perturbations"),
        Column(f"perturbed above {against}, points", True, "paired on the same videos"),
        Column("absolute", True, "100 \N{MINUS SIGN} (clean \N{MINUS SIGN} perturbed), in points"),
        Column("relative, %", True, "perturbed / clean"),
        Column(
            "chance-corrected, %", True, "(perturbed \N{MINUS SIGN} chance) / (clean \N{MINUS SIGN} chance)"
        ),
        Column("remarks"),
        Column("runs"),
    ]
    rows = []
    for name in scored.experiment.arms:
        if name in found:
            gain = between(pairs, name, against)
            rows.append(_summary_row(scored, found[name], gain, name == against, all_of))
        else:
            rows.append([arm_cell(name, all_of), missing(), *[missing("")] * (len(columns) - 2)])
    slug = f"robustness-{slugged(scored.experiment.protocol, scored.experiment.data)}"
    return Table(slug, f"{scored.experiment.name}: robustness", columns, rows, _notes(scored, found))


def _summary_row(
    scored: Scored, one: Robust, gain: Comparison | None, is_baseline: bool, all_of: Collected
) -> list[Cell]:
    return [
        arm_cell(one.arm, all_of),
        _score_cell(one.clean),
        _score_cell(one.perturbed),
        gain_cell(gain, is_baseline),
        *(_score_cell(value) for value in (one.absolute, one.relative, one.corrected)),
        _remarks(one),
        runs_cell(scored.arms[one.arm].runs),
    ]


def robustness_grid(scored: Scored, one: Robust) -> Table:
    """Perturbations by severity for one arm: accuracy in percent, interval below, coloured from chance up."""
    types, chance = wanted(scored), scored.experiment.chance
    severities = sorted({severity for column in types.values() for severity in column})
    columns = [Column("perturbation"), *(Column(f"severity {severity}", True) for severity in severities)]
    columns.append(Column("mean", True, "over severities"))
    excluded = label_changing(scored.experiment)
    rows = [[text(CLEAN[0]), *[Cell("")] * len(severities), _heat(one.clean, chance)]]
    for name, has in types.items():
        label = Cell(name, sort=name, small="changes the label" if name in excluded else "")
        cells = [_grid_cell(one, name, severity, has, chance) for severity in severities]
        rows.append([label, *cells, _heat(one.types[name], chance) if name in one.types else missing()])
    slug = f"grid-{slugged(scored.experiment.protocol, scored.experiment.data, one.arm)}"
    return Table(slug, f"{one.arm}: accuracy under perturbation, %", columns, rows, style="heat")


def _grid_cell(one: Robust, name: str, severity: int, has: list[int], chance: float) -> Cell:
    if severity not in has:
        return Cell("")
    return _heat(one.cells[name, severity], chance) if (name, severity) in one.cells else missing()


def _heat(one: Interval, chance: float) -> Cell:
    """Colour from none at chance or below to full at 1."""
    floor = 0.0 if math.isnan(chance) else chance
    heat = min(1.0, max(0.0, (one.value - floor) / (1 - floor)))
    return Cell(points(one.value), sort=100 * one.value, small=span(one), title=one.caution, heat=heat)


def _score_cell(one: Interval | None) -> Cell:
    if one is None:
        return missing("missing cells")
    if math.isnan(one.value):
        return percent(one.value)
    return Cell(points(one.value), sort=100 * one.value, small=span(one), title=one.caution)


def _remarks(one: Robust) -> Cell:
    remarks = ["near chance: the scores say nothing"] if one.near_chance else []
    if one.gaps:
        remarks.append(f"missing or incomplete: {listed(one.gaps)}")
    return Cell("; ".join(remarks), sort="; ".join(remarks), kind="warn" if remarks else "")


def _notes(scored: Scored, found: dict[str, Robust]) -> list[str]:
    types = wanted(scored)
    excluded = [name for name in label_changing(scored.experiment) if name in types]
    kept = [name for name in types if name not in excluded]
    what = "perturbation" if len(kept) == 1 else "perturbations"
    which = f": {listed(kept)}" if len(kept) <= 6 else ""
    notes = [
        f"Means are over severities, then over {len(kept)} {what}{which}. Higher is better.",
        "Absolute scores flatter weak models, relative ones guessing models: read them beside clean ones.",
    ]
    if excluded:
        notes.append(f"Kept out of the means, because they change the label: {listed(excluded)}.")
    lacking = [f"{name} lacks {', '.join(places)}." for name, places in scored.experiment.holes().items()]
    said = cautions({name: one.clean for name, one in found.items()})
    below = suspects(scored, found)
    if below:
        notes.append(
            f"Below chance, so possibly changing the label, yet counted in the means: {listed(below)}."
        )
    notes += scored.problems
    return notes + [capital(words.removeprefix("* ")) for words in said] + lacking
