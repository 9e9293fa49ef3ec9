"""Tables of robustness: scores of the arms, by category, controls, order of frames, seeds of the noise."""

import math
from collections.abc import Mapping

from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import Interval
from muybridge.report.gather.collect import BASELINE, Gathered
from muybridge.report.scores.robust import Perturbed, Robust, suspects
from muybridge.report.tables.accuracy_tables import (
    arm_cell,
    cautions,
    data_words,
    gain_cell,
    intervals_of,
    legend_of,
    runs_cell,
    slugged,
)
from muybridge.report.tables.altered_tables import altered_table, suspected, suspected_words
from muybridge.report.tables.table import Cell, Column, Table, capital, missing, percent, points, span, text
from muybridge.runs.records import Run

MAIN = {
    "types": ("over types, %", "mPC: accuracy, mean over severities, then over types"),
    "categories": ("over categories, %", "accuracy, mean over severities, types, then over categories"),
    "relative": ("relative, %", "rPC: perturbed / clean, mean over types"),
    "corrected": ("chance-corrected, %", "(perturbed \N{MINUS SIGN} chance) / (clean \N{MINUS SIGN} chance)"),
    "mce": ("mCE, %", "errors over those of the reference, mean over types; lower is better"),
}
MORE = {
    "absolute": ("absolute, points", "100 \N{MINUS SIGN} (clean \N{MINUS SIGN} perturbed)"),
    "relative_categories": ("relative over categories, %", "perturbed / clean, mean over categories"),
    "changed": (
        "changed answers, %",
        "videos with another answer than without perturbation, mean over types",
    ),
    "lost": ("right to wrong, %", "videos right without perturbation and wrong with it, mean over types"),
    "relative_mce": (
        "relative mCE, %",
        "errors beyond the clean ones over those of the reference; lower is better",
    ),
}
OTHERS = {
    "balanced": ("balanced, %", "mean of the per-class accuracies, mean over types"),
    "top5": ("top\N{NON-BREAKING HYPHEN}5, %", "mean over types"),
}


def robustness_tables(one: Perturbed, all_of: Gathered) -> list[Table]:
    """All tables of an experiment but its heat maps; the main one first."""
    tables = [
        _scores(one, all_of), altered_table(one.scored, one.design, all_of), _by_category(one, all_of),
        _by_severity(one, all_of), _more(one, all_of), _order(one), _noise(one, all_of), _controls(one, all_of),
    ]  # fmt: skip
    return [table for table in tables if table is not None]


def slug_of(one: Perturbed, kind: str, *more: str) -> str:
    """Anchor of a table of an experiment."""
    experiment = one.scored.experiment
    return slugged(kind, experiment.protocol, experiment.data, experiment.details, *more)


def legend_on(one: Perturbed, what: str, *names: str) -> str:
    """What a caption needs to stand alone: what stands in the cells, with its unit; data, seeds, intervals of some arms, or of all."""
    arms = [arm for name, arm in one.scored.arms.items() if not names or name in names]
    if not arms:
        return f"{what}, on {one.scored.experiment.data}; nothing is measured yet."
    return f"{what}, on {data_words(arms, one.scored.experiment.data)}; {intervals_of(arms)}."


def _scores(one: Perturbed, all_of: Gathered) -> Table:
    """One row per arm: clean and mean perturbed accuracy, gain over the baseline, scores, remarks."""
    against = BASELINE if BASELINE in one.arms else one.scored.ranked()[-1] if one.arms else BASELINE
    shown = _present(one, MAIN)
    columns = [
        Column("arm"),
        Column("clean, %", True, "accuracy without perturbation"),
        *(Column(*_head(MAIN[name])) for name in shown),
        Column(f"over types above {against}, points", True, "paired on the same videos"),
        Column("remarks"),
        Column("runs"),
    ]
    rows = []
    for name in one.scored.experiment.arms:
        if name not in one.arms:
            rows.append([arm_cell(name, all_of), missing(), *[missing("")] * (len(columns) - 2)])
            continue
        arm, gain = one.arms[name], one.between(name, against)
        rows.append([
            arm_cell(name, all_of), score_cell(arm.clean), *(_mean_cell(one, arm, score) for score in shown),
            gain_cell(gain, name == against), _remarks(one, arm), runs_cell(one.scored.arms[name].runs),
        ])  # fmt: skip
    return Table(
        slug_of(one, "robustness"),
        f"{one.scored.experiment.name}: robustness",
        columns,
        rows,
        _notes(one),
        legend=legend_of(one.scored, "Accuracy, without perturbation and mean over severities and types,"),
    )


def _more(one: Perturbed, all_of: Gathered) -> Table:
    """Further scores of the same arms."""
    shown = _present(one, MORE)
    others = [name for name in OTHERS if any(name in arm.others for arm in one.arms.values())]
    if max((len(one.scored.experiment.classes), _width(one)), default=0) < 10:
        others = [name for name in others if name != "top5"]
    columns = [Column("arm"), *(Column(*_head(MORE[name])) for name in shown)]
    columns += [Column(*_head(OTHERS[name])) for name in others]
    rows = [
        [
            arm_cell(name, all_of),
            *(_mean_cell(one, arm, score) for score in shown),
            *(percent(arm.others[score]) if score in arm.others else missing("") for score in others),
        ]
        for name, arm in one.arms.items()
    ]
    measure = (
        "Scores under perturbation, means over severities and types: absolute in percentage points, others"
    )
    return Table(
        slug_of(one, "scores"), f"{one.scored.experiment.name}: further scores", columns, rows,
        legend=legend_of(one.scored, measure, compared=False),
    )  # fmt: skip


def _by_category(one: Perturbed, all_of: Gathered) -> Table | None:
    """Mean accuracy by category."""
    names = list(one.design.by_category) if one.design.categories else []
    if not names:
        return None
    columns = [Column("arm"), Column("clean, %", True)]
    columns += [
        Column(f"{name}, %", True, f"mean over {listed(one.design.by_category[name])}") for name in names
    ]
    rows = [
        [
            arm_cell(name, all_of),
            score_cell(arm.clean),
            *(score_cell(arm.categories.get(kind)) for kind in names),
        ]
        for name, arm in one.arms.items()
    ]
    told = "; ".join(f"{kind}: {listed(types)}" for kind, types in one.design.by_category.items())
    return Table(
        slug_of(one, "categories"), f"{one.scored.experiment.name}: accuracy by category", columns, rows, [capital(told) + "."],
        legend=legend_of(one.scored, "Accuracy, clean and mean over the severities and types of a category,", compared=False),
    )  # fmt: skip


def _by_severity(one: Perturbed, all_of: Gathered) -> Table | None:
    """What each category leaves of the clean accuracy, and how much more every severity takes."""
    design = one.design
    if not design.categories or not design.by_category:
        return None
    columns = [Column("arm"), Column("category"), Column("relative, %", True, "perturbed / clean")]
    columns += [
        Column(
            "fall with every severity, points",
            True,
            "least-squares slope over the severities, mean over types",
        )
    ]
    rows = [
        [
            arm_cell(name, all_of),
            text(kind),
            score_cell(arm.kept.get(kind)),
            score_cell(arm.falls.get(kind))
            if kind in design.graded or not arm.means
            else missing("one severity"),
        ]
        for name, arm in one.arms.items()
        for kind in design.by_category
    ]
    notes = [
        "Severities are steps of a ladder that is not the same for any two types: a steeper fall is one along these ladders."
        f" The clean accuracy is no point of the line. Severities: {listed([str(one) for one in design.severities])}."
    ]
    return Table(
        slug_of(one, "slopes"), f"{one.scored.experiment.name}: relative robustness and fall by category", columns, rows, notes,
        legend=legend_on(one, "Accuracy left in percent of the clean one, and its fall with every severity in percentage points"),
    )  # fmt: skip


def _noise(one: Perturbed, all_of: Gathered) -> Table | None:
    """How much the noise of the perturbations alone moves the mean, beside the interval over videos."""
    columns = [
        Column("arm"), Column("run"), Column("noise seeds"), Column("over types by noise seed, %"),
        Column("SD over noise seeds, points", True, "spread over the noise of the perturbations, same videos"),
        Column("95 % interval over videos, points", True, "of the arm, for comparison"),
    ]  # fmt: skip
    rows = []
    for found in one.noise:
        means = one.arms[found.arm].means.get("types")
        rows.append([
            arm_cell(found.arm, all_of), runs_cell([found.run]), text(", ".join(map(str, found.by_seed))),
            text(" \N{MIDDLE DOT} ".join(points(value) for value in found.by_seed.values())),
            Cell(points(found.spread, 2), sort=100 * found.spread),
            missing() if means is None else Cell(f"\N{PLUS-MINUS SIGN}{points((means.high - means.low) / 2)}"),
        ])  # fmt: skip
    notes = ["Everything else in this report rests on the lowest noise seed; the spread is in no interval."]
    caption = f"{one.scored.experiment.name}: other noise, same videos"
    what = "Accuracy in percent, mean over severities and types, by seed of the perturbations' noise, and its spread in percentage points"
    return (
        Table(slug_of(one, "noise"), caption, columns, rows, notes, legend=legend_on(one, what))
        if rows
        else None
    )


def _order(one: Perturbed) -> Table | None:
    """What is left of the order of frames under temporal perturbations, beside the accuracies."""
    told = {
        (name, int(severity)): found
        for run in one.scored.experiment.runs
        for name, severities in (run.result.get("order") or {}).items()
        for severity, found in severities.items()
    }
    columns = [
        Column("perturbation"), Column("severity", True),
        Column("Kendall tau", True, "rank correlation of frame numbers and time; 1 is untouched, \N{MINUS SIGN}1 reversed"),
        Column("distinct frames", True, "mean over videos"),
        *(Column(f"{name}, %", True) for name in one.arms),
    ]  # fmt: skip
    rows = [
        [
            text(name), Cell(str(severity), sort=severity), _number(found.get("tau")), _number(found.get("distinct")),
            *(score_cell(arm.cells.get((name, severity))) for arm in one.arms.values()),
        ]
        for (name, severity), found in sorted(told.items())
    ]  # fmt: skip
    caption = f"{one.scored.experiment.name}: order of frames and accuracy"
    blind = [
        f"{name}: this model cannot see order. Permutations of its frames change no score; what else differs here, other frames do."
        for name, arm in one.scored.arms.items()
        if any(run.result.get("order_free") for run in arm.runs)
    ]
    what = "Rank correlation of frames with time, distinct frames of a clip, and accuracy in percent"
    return (
        Table(slug_of(one, "order"), caption, columns, rows, blind, legend=legend_on(one, what))
        if rows
        else None
    )


def _controls(one: Perturbed, all_of: Gathered) -> Table | None:
    """Cells that must change nothing: the identity, and lossless round trips through the codecs."""
    columns = [Column("arm"), Column("run"), Column("identity cell"), Column("lossless round trip")]
    rows = [
        [
            arm_cell(name, all_of), runs_cell([run]),
            _identity(run), text(_told(run.result.get("lossless") or "not told")),
        ]
        for name, arm in one.scored.arms.items()
        for run in arm.runs
        if run.result.get("identity") or run.result.get("lossless")
    ]  # fmt: skip
    caption = f"{one.scored.experiment.name}: controls"
    data = one.scored.experiment.data
    legend = f"Conditions that change no pixel or hardly any, and must change no answer, by run, on the test videos of {data}."
    return Table(slug_of(one, "controls"), caption, columns, rows, legend=legend) if rows else None


def _identity(run: Run) -> Cell:
    told = run.result.get("identity") or {}
    if "equal" not in told:
        return missing("not told")
    return (
        text("equal to the clean run") if told["equal"] else Cell("NOT equal to the clean run", kind="warn")
    )


def _told(value: object) -> str:
    """A nested fact in one line: ``"mpeg2: equal yes, psnr 99"``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        nested = any(isinstance(inner, Mapping) for inner in value.values())
        parts = [
            f"{key}{':' if isinstance(inner, Mapping) else ''} {_told(inner)}" for key, inner in value.items()
        ]
        return ("; " if nested else ", ").join(parts)
    return ", ".join(map(_told, value)) if isinstance(value, list) else str(value)


def _number(value: float | None) -> Cell:
    if value is None:
        return missing("not told")
    return Cell(f"{value:.2f}".replace("-", "\N{MINUS SIGN}"), sort=value)


def _width(one: Perturbed) -> int:
    return max((rows.classes for arm in one.scored.arms.values() for rows in arm.rows.values()), default=0)


def _present(one: Perturbed, heads: Mapping[str, tuple[str, str]]) -> list[str]:
    """Scores that some arm has; those without a reference or categories have no column."""
    found = {name for arm in one.arms.values() for name in arm.means}
    always = {"types", "relative", "corrected", "absolute", "changed", "lost"}
    return [name for name in heads if name in found or name in always]


def _head(words: tuple[str, str]) -> tuple[str, bool, str]:
    return words[0], True, words[1]


def _mean_cell(one: Perturbed, arm: Robust, name: str) -> Cell:
    if arm.arm == one.reference and name in arm.means and name in ("mce", "relative_mce"):
        return Cell(points(arm.means[name].value), sort=100 * arm.means[name].value, small="reference")
    return score_cell(arm.means.get(name))


def score_cell(one: Interval | None) -> Cell:
    """A share in percent with its interval below."""
    if one is None:
        return missing("missing cells")
    if math.isnan(one.value):
        return percent(one.value)
    return Cell(points(one.value), sort=100 * one.value, small=span(one), title=one.caution)


def _remarks(one: Perturbed, arm: Robust) -> Cell:
    remarks = ["not told from chance: relative scores say nothing"] if arm.near_chance else []
    if arm.gaps:
        remarks.append(f"missing or incomplete: {listed(arm.gaps)}")
    seen = [name for name, arms in one.design.seen.items() if arm.arm in arms]
    if seen:
        remarks.append(f"trained on {listed(seen)}")
    if any((run.result.get("identity") or {}).get("equal") is False for run in one.scored.arms[arm.arm].runs):
        remarks.append("the identity cell differs from the clean run")
    if arm.undefined:
        remarks.append(f"no corruption error, the reference makes none: {listed(arm.undefined)}")
    return Cell("; ".join(remarks), sort="; ".join(remarks), kind="warn" if remarks else "")


def _notes(one: Perturbed) -> list[str]:
    design = one.design
    what = "perturbation" if len(design.kept) == 1 else "perturbations"
    which = f": {listed(design.kept)}" if len(design.kept) <= 6 else ""
    notes = [
        f"Means are over severities, then over {len(design.kept)} {what}{which}. Higher is better.",
        "Absolute scores flatter weak models, relative ones guessing models: read them beside clean ones.",
    ]
    if design.categories:
        counts = ", ".join(f"{name} {len(types)}" for name, types in design.by_category.items())
        notes.append(
            f"The mean over types (mPC) counts each type once, the mean over categories each category ({counts})."
        )
    if one.reference:
        notes.append(
            f"Corruption errors (mCE) are relative to {one.reference}, 100 % is as many errors; lower is better."
        )
    notes += _left_out(one)
    undefined = [name for name, arm in one.arms.items() if arm.clean.value == 0]
    if undefined:
        notes.append(
            f"Nothing right without perturbation, so no relative score: {counted(len(undefined), 'arm')} ({listed(undefined)})."
        )
    said = cautions({name: arm.clean for name, arm in one.arms.items()})
    lacking = [f"{name} lacks {', '.join(places)}." for name, places in one.scored.experiment.holes.items()]
    return notes + one.scored.problems + [capital(words.removeprefix("* ")) for words in said] + lacking


def _left_out(one: Perturbed) -> list[str]:
    design, notes = one.design, []
    if design.types and not design.kept:
        notes.append("No means: every perturbation was seen in training or changes the label.")
    changing = [name for name in design.changing if name in design.types]
    if changing:
        notes.append(f"Kept out of the means, because they change the label: {listed(changing)}.")
    seen = [name for name in design.seen if name in design.types]
    if seen:
        arms = listed(list(dict.fromkeys(arm for name in seen for arm in design.seen[name])))
        notes.append(
            f"Kept out of the means of all arms, because {arms} saw them in training: {listed(seen)}."
        )
    below = suspects(design, one.arms)
    if below:
        notes.append(
            f"Below chance, so possibly changing the label, yet counted in the means: {listed(below)}."
        )
    taken = suspected(one.scored, design)
    if taken:
        notes.append(
            f"Possibly changing the label of single classes, yet counted in the means: {suspected_words(taken)}."
        )
    return notes
