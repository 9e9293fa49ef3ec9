"""Loss weighting: what several tasks on one backbone were worth at the end, how their terms were weighted, and what that cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from muybridge.report.figures.charts import Drawn, Line, logged, panel
from muybridge.report.formats.tidy import term_rows
from muybridge.report.gather.collect import Experiment, Gathered
from muybridge.report.sections.page_blocks import Block, Fold, Heading, Legend, Note, Panels, Sentences
from muybridge.report.sections.section import Section
from muybridge.report.tables.accuracy_tables import arm_cell
from muybridge.report.tables.table import Cell, Column, Table, capital, count, missing, percent, text
from muybridge.runs.contents.result_fields import Gate, WeightingFields
from muybridge.runs.records import Run

WANTS = ("pretrain", "finetune")
PREFIX = "weight."
NOTE = "Derivative of what was descended in each term, or the weight of its gradient; one line per term and seed, coloured by task."


@dataclass(frozen=True)
class Weighting:
    """Tables, and panels by experiment: effective weights and loss terms of every arm; ``legend`` names the tasks' colours."""

    tables: list[Table]
    weights: list[Drawn]
    losses: list[Drawn]
    legend: list[Cell]
    words: list[str]


def weighting(all_of: Gathered) -> Weighting | None:
    """Everything on runs with auxiliary tasks or a weighting; None where there is none."""
    found = list(_weighted(all_of))
    if not found:
        return None
    tasks = list(dict.fromkeys(task for _, _, runs in found for run in runs for task in _tasks(run)))
    tables = []
    for number, experiment in enumerate(dict.fromkeys(id(one) for one, _, _ in found)):
        own = [(one, arm, runs) for one, arm, runs in found if id(one) == experiment]
        tables += [_arms(own, all_of, number), *_gates(own, all_of, number)]
    panels: dict[str, list[Drawn]] = {PREFIX: [], "": []}
    for experiment_, arm, runs in found:
        for prefix, words in ((PREFIX, "effective weight"), ("", "loss")):
            lines = list(_lines(runs, prefix, tasks))
            constant = prefix == PREFIX and _weighting(runs[0]).get("name") == "fixed"
            if lines and not constant:
                title = f"{arm}, {experiment_.data}: {words} of each term"
                panels[prefix].append(panel(title, lines, share=False, y_label=words))
    legend = [Cell(task, arm=place % 8) for place, task in enumerate(tasks)]
    said = [
        f"{arm}, seed {_seed(run)}: {words}" for _, arm, runs in found for run in runs for words in _said(run)
    ]
    return Weighting(tables, panels[PREFIX], panels[""], legend, said)


def _weighted(all_of: Gathered) -> Iterator[tuple[Experiment, str, list[Run]]]:
    """Experiments and arms with runs that say how their terms were weighted."""
    for experiment in all_of.of(*WANTS):
        for arm, seeds in experiment.arms.items():
            runs = [run for kept in seeds.values() for run in kept if run.result.get("weighting")]
            if runs:
                yield experiment, arm, runs


def _weighting(run: Run) -> WeightingFields:
    return run.result["weighting"] or {}


def _terms(run: Run) -> list[str]:
    return [str(one) for one in _weighting(run).get("terms", [])]


def _tasks(run: Run) -> list[str]:
    """Tasks of a run, the primary one first."""
    return list(dict.fromkeys(term.partition(".")[0] for term in _terms(run)))


def _lines(runs: Sequence[Run], prefix: str, tasks: Sequence[str]) -> Iterator[Line]:
    """One line per term and run, coloured by task."""
    for run in runs:
        for term in _terms(run):
            xs, ys = logged(run, prefix + term)
            if len(xs) > 1:
                task = term.partition(".")[0]
                yield Line(f"{term}, seed {_seed(run)}", tasks.index(task) % 8, xs, ys)


def _seed(run: Run) -> object:
    return run.result.get("facets", {}).get("seed", 0)


def _arms(found: Sequence[tuple[Experiment, str, list[Run]]], all_of: Gathered, number: int) -> Table:
    """One row per arm: how it weighted at the end, what it cost and which tasks stayed at chance."""
    columns = [
        Column("arm"), Column("weighting"), Column("runs", True), Column("encoded clips", True),
        Column("of the primary task, %", True), Column("meta step, times an ordinary one", True, "floating-point operations"),
        Column("final weights over the primary one"), Column("inactive tasks"),
    ]  # fmt: skip
    rows = []
    for _, arm, runs in found:
        spent = runs[0].result.get("budget", {})
        shares, meta = spent.get("shares") or {}, spent.get("meta")
        own = shares.get(_tasks(runs[0])[0] if _tasks(runs[0]) else "", None)
        flops = meta.get("flops") if meta else None
        rows.append([
            arm_cell(arm, all_of),
            text(_weighting(runs[0]).get("name", "")),
            count(len(runs)),
            count(spent.get("clips")),
            percent(float(own)) if own is not None else missing(),
            Cell(f"{flops:.1f}", sort=flops) if flops else text("none"),
            text(_final(runs)),
            text(_inactive(runs)),
        ])  # fmt: skip
    title = capital(found[0][0].name)
    notes = [
        "Final weights: means over the last tenth of the training, over that of the primary task if it has one term; medians of the runs.",
        "Inactive: accuracy over the last tenth of the training not three standard errors above chance; in how many of the runs.",
    ]
    legend = f"Trained on {found[0][0].data}; clips and shares (percent) of the first run of an arm, weights over all its training seeds."
    return Table(
        f"loss-weighting-{number}",
        f"{title}: weightings of the loss terms",
        columns,
        rows,
        notes,
        legend=legend,
    )


def _final(runs: Sequence[Run]) -> str:
    """Median final weight of every auxiliary term."""
    found: dict[str, list[float]] = {}
    for run in runs:
        own = {term: _last(run, PREFIX + term) for term in _terms(run)}
        first = [
            value
            for term, value in own.items()
            if value is not None and term.startswith(_tasks(run)[0] + ".")
        ]
        base = first[0] if len(first) == 1 and first[0] else 1.0
        for term, value in own.items():
            if value is not None and not term.startswith(_tasks(run)[0] + "."):
                found.setdefault(term, []).append(value / base)
    return ", ".join(f"{_short(term)} {median(values):.2g}" for term, values in found.items())


def _short(term: str) -> str:
    """``vcop`` for ``vcop.vcop``."""
    task, _, name = term.partition(".")
    return task if task == name else term


def _last(run: Run, key: str) -> float | None:
    """Mean over the last tenth of a curve."""
    _, ys = logged(run, key)
    kept = ys[-max(1, len(ys) // 10) :]
    return sum(kept) / len(kept) if kept else None


def _inactive(runs: Sequence[Run]) -> str:
    counted: dict[str, int] = {}
    for run in runs:
        for task, told in (run.result.get("tasks") or {}).items():
            if told.get("active") is False:
                counted[task] = counted.get(task, 0) + 1
    return ", ".join(f"{task} ({number} of {len(runs)})" for task, number in counted.items()) or "none"


def _gates(
    found: Sequence[tuple[Experiment, str, list[Run]]], all_of: Gathered, number: int
) -> Iterator[Table]:
    """Accuracy of every auxiliary task by arm, beside chance; empty where none counts answers."""
    told = {arm: [run.result.get("tasks") or {} for run in runs] for _, arm, runs in found}
    tasks = list(
        dict.fromkeys(
            t for kept in told.values() for one in kept for t, gate in one.items() if "accuracy" in gate
        )
    )
    if not tasks:
        return
    rows = []
    for arm, kept in told.items():
        cells = [_gate([one[task] for one in kept if "accuracy" in one.get(task, {})]) for task in tasks]
        rows.append([arm_cell(arm, all_of), *cells])
    columns = [Column("arm"), *(Column(f"{task}, %", True) for task in tasks)]
    caption = f"{capital(found[0][0].name)}: accuracy of the auxiliary tasks at the end"
    notes = [
        "Training accuracy, mean over runs; chance below it. A task at chance had nothing to give, whatever its weight."
    ]
    legend = f"Training accuracy in percent on clips of {found[0][0].data}, mean over training seeds, chance below it."
    yield Table(f"auxiliary-tasks-{number}", caption, columns, rows, notes, legend=legend)


def _gate(gates: Sequence[Gate]) -> Cell:
    if not gates:
        return missing("not asked")
    accuracy = sum(one["accuracy"] for one in gates) / len(gates)
    chance = sum(one["chance"] for one in gates) / len(gates)
    idle = not any(one.get("active") for one in gates)
    return Cell(
        f"{100 * accuracy:.1f}",
        sort=accuracy,
        small=f"chance {100 * chance:.1f}",
        kind="warn" if idle else "",
    )


def _said(run: Run) -> list[str]:
    """Notes on weighting: failures of MELTR."""
    return [str(one) for one in run.result.get("notes", []) if str(one).startswith("meltr:")]


def shows(gathered: Gathered) -> Sequence[Block]:
    """Tables, what went wrong, then effective weights and losses over the training."""
    found = weighting(gathered)
    if found is None:
        return []
    legend = Legend(found.legend)
    blocks: list[Block] = [*found.tables, *([Sentences(found.words)] if found.words else [])]
    if found.weights:
        blocks += [Heading("Effective weights"), Note(NOTE), legend, Panels(found.weights)]
    if found.losses:
        blocks.append(Fold("Loss of each term", [legend, Panels(found.losses)]))
    return blocks


WEIGHTING = Section("loss-weighting", "Loss weighting", shows, WANTS, rows={"terms": term_rows})
