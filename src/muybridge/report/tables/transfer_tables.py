"""Tables across experiments: mean over official splits, sources by targets, last and best-validation weights, few labels."""

from collections.abc import Iterable

import numpy as np

from muybridge.core.text.plurals import listed
from muybridge.report.gather.across import (
    Crossed,
    Frame,
    Labels,
    Splits,
    TwoWeights,
    best_epochs,
    frame_words,
    kinds,
    two_weights,
)
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.score import Scored
from muybridge.report.tables.accuracy_tables import (
    arm_cell,
    cautions,
    data_words,
    intervals_of,
    legend_of,
    runs_cell,
    slugged,
    spanned,
)
from muybridge.report.tables.table import Cell, Column, Table, missing, points, span, text

MOTION = {"appearance": "appearance-based", "temporal": "temporal-based"}


def split_table(one: Splits, all_of: Gathered) -> Table:
    """One row per arm: accuracy on each official split, their mean with its interval, and their spread."""
    numbers = list(one.by_number)
    columns = [
        Column("arm"),
        *(Column(f"split {number}, %", True) for number in numbers),
        Column(
            f"mean of {len(numbers)}, %",
            True,
            "mean over splits and seeds; groups of all splits redrawn together",
        ),
        Column("SD, points", True, "standard deviation over splits"),
    ]
    rows = [_split_row(one, name, all_of) for name in one.arms]
    notes = (
        []
        if len(numbers) == one.of
        else [f"{len(numbers)} of {one.of} official splits are there: {_lacking(one)}."]
    )
    shown = {name: mean for name in one.arms if (mean := one.mean(name))}
    caption = f"{one.family}: {frame_words(one.frame)}, mean over {len(numbers)} of {one.of} official splits"
    return Table(
        f"splits-{_slug(one.frame, one.family)}", caption, columns, rows, notes + cautions(shown),
        legend=_legend(one.by_number.values(), "Top-1 accuracy in percent, and its standard deviation over splits in percentage points"),
    )  # fmt: skip


def _legend(found: Iterable[Scored], what: str) -> str:
    """What a caption over several experiments needs to stand alone."""
    some = [one for one in found if one.arms]
    arms = [arm for one in some for arm in one.arms.values()]
    data = listed(list(dict.fromkeys(one.experiment.data for one in some)))
    return (
        f"{what}, on {data_words(arms, data)}; {intervals_of(arms)}."
        if arms
        else f"{what}; nothing is measured yet."
    )


def _lacking(one: Splits) -> str:
    absent = [str(number) for number in range(1, one.of + 1) if number not in one.by_number]
    return (
        f"split {listed(absent)} has no results"
        if len(absent) == 1
        else f"splits {listed(absent)} have no results"
    )


def _split_row(one: Splits, name: str, all_of: Gathered) -> list[Cell]:
    arms = [scored.arms.get(name) for scored in one.by_number.values()]
    mean = one.mean(name)
    values = [arm.accuracy().value for arm in arms if arm]
    spread = float(np.std(values, ddof=1)) if mean and len(values) > 1 else None
    return [
        arm_cell(name, all_of),
        *(spanned(arm.accuracy()) if arm else missing() for arm in arms),
        spanned(mean) if mean else missing("missing", "not every split has this arm under one seed"),
        Cell(points(spread), sort=100 * spread) if spread is not None else missing("not told"),
    ]


def crossed_table(one: Crossed, all_of: Gathered) -> Table:
    """One row per task and pretraining data, one column per target; both say what tells their classes apart."""
    told = kinds(all_of)
    columns = [Column("arm"), Column("pretrained on")]
    columns += [Column(", ".join((*_motion(name, told), "%")), True) for name in one.targets]
    rows = []
    for name, (_, source) in one.rows.items():
        cells = [
            spanned(scored.arms[name].accuracy()) if name in scored.arms else missing()
            for scored in one.targets.values()
        ]
        kind = MOTION.get(told.get(source, ""), "")
        rows.append([arm_cell(name, all_of), Cell(source or "nothing", sort=source, small=kind), *cells])
    notes = ["Compare down a column: data sets differ in difficulty and chance."]
    return Table(
        f"crossed-{_slug(one.frame)}", f"{frame_words(one.frame)}: source by target", columns, rows, notes,
        legend=_legend(one.targets.values(), "Top-1 accuracy in percent, by data of the pretraining (rows) and of the test (columns)"),
    )  # fmt: skip


def _motion(name: str, told: dict[str, str]) -> tuple[str, ...]:
    """A data set and what tells its classes apart, where that is known."""
    return (name, MOTION[told[name]]) if told.get(name) in MOTION else (name,)


def weights_table(scored: Scored, all_of: Gathered) -> Table | None:
    """Last and best-validation weights of every arm that has both; None without."""
    found = two_weights(scored, all_of)
    if not found:
        return None
    columns = [
        Column("arm"), Column("last epoch, %", True), Column("best validation, %", True),
        Column("change, points", True, "best validation minus last, paired on the same videos"),
        Column("best epoch", True, "passes over the training videos, by seed and fold"), Column("handed on"), Column("runs"),
    ]  # fmt: skip
    one = scored.experiment
    slug = f"weights-{slugged(one.stage, one.protocol, one.data, one.details)}"
    notes = ["The best epoch has the lowest loss on held-out training videos; test videos choose nothing."]
    return Table(
        slug,
        f"{one.name}: last epoch and best validation",
        columns,
        [_weights_row(w, all_of) for w in found],
        notes,
        legend=legend_of(scored),
    )


def _weights_row(one: TwoWeights, all_of: Gathered) -> list[Cell]:
    change, epochs = one.change.interval, best_epochs(one.runs)
    kept = {str(run.result.get("config", {}).get("keep", "last")) for run in one.runs}
    return [
        arm_cell(one.name, all_of), spanned(one.last), spanned(one.best),
        Cell(points(change.value, sign=True), sort=100 * change.value, small=span(change, sign=True)),
        Cell(" \N{MIDDLE DOT} ".join(f"{epoch:g}" for epoch in epochs), sort=float(np.mean(epochs))),
        text(listed(sorted(kept))), runs_cell(one.runs),
    ]  # fmt: skip


def labels_table(one: Labels, all_of: Gathered) -> Table:
    """One row per arm, one column per number of labels."""
    arms = list(dict.fromkeys(name for _, _, scored in one.points for name in scored.arms))
    columns = [Column("arm"), *(Column(f"{words} a class, %", True) for _, words, _ in one.points)]
    rows = [
        [
            arm_cell(name, all_of),
            *(
                spanned(scored.arms[name].accuracy()) if name in scored.arms else missing()
                for _, _, scored in one.points
            ),
        ]
        for name in arms
    ]
    notes = [f"Labels per class{_about_all(one)}; the smaller sets lie inside the larger ones."]
    return Table(
        f"labels-{slugged(one.words)}", f"{one.words}: accuracy by labels per class", columns, rows, notes,
        legend=_legend([scored for _, _, scored in one.points], "Top-1 accuracy in percent, by labelled training videos per class"),
    )  # fmt: skip


def _about_all(one: Labels) -> str:
    told = [at for at, words, _ in one.points if words == "all"]
    return f" (all: {told[0]:.0f} on average)" if told else ""


def _slug(frame: Frame, *more: str) -> str:
    return slugged(frame.stage, *more, frame.protocol, *frame.variant)
