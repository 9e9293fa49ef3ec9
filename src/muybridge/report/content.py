"""The content of a report, computed once and shared by HTML, Markdown and CSV."""

from dataclasses import dataclass, field

import muybridge
from muybridge.report.accuracy_tables import (
    accuracy_table,
    arm_cell,
    confusion_table,
    per_class_table,
)
from muybridge.report.charts import Drawn, pretraining_panels, transfer_panels
from muybridge.report.collect import Collected
from muybridge.report.findings import Finding, Perturbed, findings
from muybridge.report.recall import recall_tables
from muybridge.report.robust import perturbed_comparisons, robust
from muybridge.report.robust_tables import robustness_grid, robustness_summary
from muybridge.report.run_tables import (
    broken_table,
    budget_table,
    data_table,
    environment_table,
    missing_table,
    runs_table,
)
from muybridge.report.score import Scored, score
from muybridge.report.strips import Gallery, NeighbourRows, galleries, neighbours
from muybridge.report.table import Cell, Table, grouped, listed


@dataclass(frozen=True)
class Block:
    """One experiment: its main table and details; ``opened`` names the details shown at once."""

    title: str
    main: Table
    details: list[Table] = field(default_factory=list)
    opened: str = ""


@dataclass(frozen=True)
class Content:
    """Everything a report shows."""

    all_of: Collected
    scored: list[Scored]
    robust: list[Scored]
    title: str
    summary: str
    findings: list[Finding]
    legend: list[Cell]
    data: list[Table]
    budget: Table | None
    pretraining: list[list[Drawn]]
    transfer: list[Drawn]
    accuracy: list[Block]
    robustness: list[Block]
    galleries: list[Gallery]
    recall: list[Table]
    neighbours: list[NeighbourRows]
    missing: Table | None
    runs: Table
    environment: Table
    version: str = muybridge.__version__


def content(all_of: Collected) -> Content:
    """Compute a report from collected runs."""
    scored = [score(one) for one in all_of.of("probe", "finetune")]
    perturbed = [score(one) for one in all_of.of("robustness")]
    found = [
        Perturbed(one, {name: robust(one, name) for name in one.arms}, perturbed_comparisons(one))
        for one in perturbed
    ]
    broken = broken_table(all_of)
    return Content(
        all_of=all_of,
        scored=scored,
        robust=perturbed,
        title=all_of.title,
        summary=_summary(all_of),
        findings=findings(all_of, scored, found),
        legend=[arm_cell(arm, all_of) for arm in all_of.arms],
        data=[data_table(all_of), *([broken] if broken else [])],
        budget=budget_table(all_of),
        pretraining=pretraining_panels(all_of),
        transfer=transfer_panels(all_of),
        accuracy=[_accuracy_block(one, all_of) for one in scored],
        robustness=[_robustness_block(one, all_of) for one in found],
        galleries=galleries(all_of),
        recall=recall_tables(all_of),
        neighbours=neighbours(all_of),
        missing=missing_table(all_of),
        runs=runs_table(all_of),
        environment=environment_table(all_of),
    )


def _summary(all_of: Collected) -> str:
    data = sorted({one.data for one in all_of.of("probe", "finetune", "robustness", "neighbours")})
    arms = f"{len(all_of.arms)} arm{'s' * (len(all_of.arms) != 1)} ({listed(all_of.arms)})"
    return f"{grouped(len(all_of.runs))} finished runs, {arms}, tested on {listed(data) or 'nothing yet'}."


def _accuracy_block(scored: Scored, all_of: Collected) -> Block:
    ranked = scored.ranked()
    details = [per_class_table(scored, all_of), *(confusion_table(scored, name) for name in ranked)]
    best = details[1].slug if scored.experiment.stage == "finetune" else ""
    return Block(scored.experiment.name, accuracy_table(scored, all_of), details, best)


def _robustness_block(one: Perturbed, all_of: Collected) -> Block:
    grids = [robustness_grid(one.scored, arm) for arm in one.arms.values()]
    main = robustness_summary(one.scored, one.arms, one.pairs, all_of)
    return Block(one.scored.experiment.name, main, grids)
