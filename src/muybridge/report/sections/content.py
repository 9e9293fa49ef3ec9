"""The content of a report, computed once and shared by HTML, Markdown and CSV."""

from dataclasses import dataclass, field

import muybridge
from muybridge.core.reference.result_tables import stored
from muybridge.report.claims.study_claims import CLAIMS
from muybridge.report.claims.user_claims import claims_of
from muybridge.report.claims.verdicts import Judged, judge, world_of
from muybridge.report.figures.charts import Drawn, pretraining_panels, transfer_panels
from muybridge.report.figures.film_strips import Gallery, NeighbourRows, galleries, neighbours
from muybridge.report.figures.health_charts import Health, health
from muybridge.report.figures.heat import accuracy_map, fall_map
from muybridge.report.figures.label_curves import label_panel
from muybridge.report.figures.robust_charts import scatter, severity_panels
from muybridge.report.gather.across import Crossed, Labels, Splits, by_labels, crossed, splits
from muybridge.report.gather.collect import TRANSFER, Gathered
from muybridge.report.gather.map_groups import Similarity, similarity
from muybridge.report.gather.published_beside import Beside, beside, published_tables
from muybridge.report.scores.recall import knn_table, recall_tables
from muybridge.report.scores.robust import Perturbed, perturbed
from muybridge.report.scores.score import Scored, score
from muybridge.report.sections.findings import Finding, findings
from muybridge.report.sections.results.zeroshot_section import regimes, zeroshot_table
from muybridge.report.sections.study.weighting_section import Weighting, weighting
from muybridge.report.tables.accuracy_tables import (
    accuracy_table,
    arm_cell,
    confusion_table,
)
from muybridge.report.tables.claim_tables import claim_tables
from muybridge.report.tables.class_tables import ClassChart, class_chart, per_class_table
from muybridge.report.tables.diversity_tables import diversity_tables
from muybridge.report.tables.outside_tables import outside_tables
from muybridge.report.tables.protocol_table import protocol_table
from muybridge.report.tables.robust_tables import robustness_tables
from muybridge.report.tables.run_tables import (
    broken_table,
    budget_table,
    damaged_table,
    data_table,
    environment_table,
    missing_table,
    runs_table,
)
from muybridge.report.tables.table import Cell, Table, grouped, listed
from muybridge.report.tables.transfer_tables import crossed_table, labels_table, split_table, weights_table


@dataclass(frozen=True)
class Block:
    """One experiment: its main table and details; ``opened`` names the details shown at once."""

    title: str
    main: Table
    details: list[Table] = field(default_factory=list)
    opened: str = ""
    weights: Table | None = None
    classes: ClassChart | None = None


@dataclass(frozen=True)
class Across:
    """What lies across experiments: numbers, and their tables and panels."""

    splits: list[Splits]
    crossed: list[Crossed]
    labels: list[Labels]
    tables: list[Table]
    panels: list[Drawn]


@dataclass(frozen=True)
class Robustness:
    """One robustness experiment: its tables (the main one first), heat maps of every arm, and pictures."""

    title: str
    tables: list[Table]
    falls: list[Table]
    accuracies: list[Table]
    legend: list[Cell]
    curves: list[Drawn]
    scatter: Drawn | None


@dataclass(frozen=True)
class Content:
    """Everything a report shows."""

    all_of: Gathered
    scored: list[Scored]
    robust: list[Perturbed]
    title: str
    summary: str
    findings: list[Finding]
    claims: list[Judged]
    claimed: list[Table]
    published: list[Beside]
    legend: list[Cell]
    data: list[Table]
    budget: Table | None
    pretraining: list[list[Drawn]]
    health: Health | None
    transfer: list[Drawn]
    weighting: Weighting | None
    accuracy: list[Block]
    across: Across
    robustness: list[Robustness]
    galleries: list[Gallery]
    similarity: Similarity | None
    zeroshot: list[Table]
    outside: list[Table]
    diversity: list[Table]
    recall: list[Table]
    neighbours: list[NeighbourRows]
    damaged: Table | None
    missing: Table | None
    runs: Table
    environment: Table
    version: str = muybridge.__version__


def content(all_of: Gathered) -> Content:
    """Compute a report from collected runs."""
    scored = [score(one, all_of.rows) for one in all_of.of(*TRANSFER)]
    found = [perturbed(score(one, all_of.rows), all_of) for one in all_of.of("robustness")]
    zero = regimes(all_of)
    broken = broken_table(all_of)
    world = world_of(scored, found, all_of)
    reference = beside(world)
    judged = judge([*CLAIMS.get(str(all_of.study.get("name")), ()), *claims_of(all_of.study)], world)
    return Content(
        all_of=all_of,
        scored=scored,
        robust=found,
        title=all_of.title,
        summary=_summary(all_of),
        findings=findings(all_of, scored, found, zero),
        claims=judged,
        claimed=[*claim_tables(judged), *published_tables(reference)],
        published=reference,
        legend=[arm_cell(arm, all_of) for arm in all_of.arms],
        data=[data_table(all_of), *([broken] if broken else [])],
        budget=budget_table(all_of),
        pretraining=pretraining_panels(all_of),
        health=health(all_of),
        transfer=transfer_panels(all_of),
        weighting=weighting(all_of),
        accuracy=[_accuracy_block(one, all_of) for one in scored],
        across=_across(scored, all_of),
        robustness=[_robustness_block(one, all_of) for one in found],
        galleries=galleries(all_of),
        similarity=similarity(all_of),
        zeroshot=[zeroshot_table(one, all_of) for one in zero],
        outside=outside_tables(stored(all_of.folder)),
        diversity=diversity_tables(all_of),
        recall=recall_tables(all_of),
        neighbours=neighbours(all_of),
        damaged=damaged_table(all_of),
        missing=missing_table(all_of),
        runs=runs_table(all_of),
        environment=environment_table(all_of),
    )


def _summary(all_of: Gathered) -> str:
    data = sorted(
        {one.data for one in all_of.of(*TRANSFER, "zeroshot", "robustness", "retrieval", "neighbours")}
    )
    arms = f"{len(all_of.arms)} arm{'s' * (len(all_of.arms) != 1)} ({listed(all_of.arms)})"
    return f"{grouped(len(all_of.runs))} finished runs, {arms}, tested on {listed(data) or 'nothing yet'}."


def _accuracy_block(scored: Scored, all_of: Gathered) -> Block:
    ranked = scored.ranked()
    details = [per_class_table(scored, all_of), *(confusion_table(scored, name) for name in ranked)]
    best = details[1].slug if scored.experiment.stage == "finetune" else ""
    counted = knn_table(scored.experiment, all_of)
    if counted:
        details, best = [counted, *details], counted.slug
    main, weights = accuracy_table(scored, all_of), weights_table(scored, all_of)
    return Block(scored.experiment.name, main, details, best, weights, class_chart(scored, all_of))


def _across(scored: list[Scored], all_of: Gathered) -> Across:
    by_split, by_source, few = splits(scored), crossed(scored), by_labels(scored)
    protocols = protocol_table(all_of)
    tables = [
        *([protocols] if protocols else []),
        *(split_table(one, all_of) for one in by_split if len(one.by_number) > 1),
        *(crossed_table(one, all_of) for one in by_source),
        *(labels_table(one, all_of) for one in few),
    ]
    return Across(by_split, by_source, few, tables, [label_panel(one, all_of) for one in few])


def _robustness_block(one: Perturbed, all_of: Gathered) -> Robustness:
    arms = list(one.arms.values())
    return Robustness(
        one.scored.experiment.name,
        robustness_tables(one, all_of),
        [fall_map(one, arm) for arm in arms],
        [accuracy_map(one, arm) for arm in arms],
        [arm_cell(name, all_of) for name in one.arms],
        severity_panels(one, all_of),
        scatter(one, all_of),
    )


def tables_of(content: Content) -> dict[str, list[Table]]:
    """Every table of a report by section, for Markdown and LaTeX."""
    sections = {
        "Claims": content.claimed,
        "Missing": [table for table in (content.damaged, content.missing) if table],
        "Data": content.data,
        "Budget": [content.budget] if content.budget else [],
        "Accuracy": [
            table
            for block in content.accuracy
            for table in (block.main, *([block.weights] if block.weights else []), *block.details)
        ],
        "Diversity": content.diversity,
        "Zero-shot": content.zeroshot,
        "Published elsewhere": content.outside,
        "Loss weighting": content.weighting.tables if content.weighting else [],
        "Transfer": content.across.tables,
        "Robustness": [
            table
            for block in content.robustness
            for table in (*block.tables, *block.falls, *block.accuracies)
        ],
        "Layers": [one.table for one in content.similarity.shown] if content.similarity else [],
        "Neighbours": content.recall,
        "Provenance": [content.runs, content.environment],
    }
    return {heading: tables for heading, tables in sections.items() if tables}
