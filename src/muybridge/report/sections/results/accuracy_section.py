"""Accuracy of every arm on test videos, by class and by mistake."""

from collections.abc import Sequence

from muybridge.report.figures.charts import transfer_panels
from muybridge.report.figures.figure_files import Figure
from muybridge.report.figures.paper_figures import arms_in_tasks, flops_figures
from muybridge.report.formats.tidy import accuracy_rows, comparison_rows, confusion_rows, per_class_rows
from muybridge.report.formats.tidy_transfer import weights_rows
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.recall import knn_table
from muybridge.report.scores.score import Scored
from muybridge.report.sections.experiments import PLAIN, scored_experiments
from muybridge.report.sections.findings import transfer_words
from muybridge.report.sections.first_screen import plain_answers, plain_tasks
from muybridge.report.sections.page_blocks import Bare, Block, Fold, Heading, Note, Panels, folded, legend
from muybridge.report.sections.section import Finding, Section
from muybridge.report.tables.accuracy_tables import accuracy_table, confusion_table
from muybridge.report.tables.altered_tables import direction_table
from muybridge.report.tables.class_tables import class_chart, per_class_table
from muybridge.report.tables.table import capital
from muybridge.report.tables.transfer_tables import weights_table

CHART = (
    "Best class first. The line is the 95 % interval of the arm that orders the classes; the dashed line is chance. Hover for names and "
    "numbers; the table below has them all."
)


def shows(gathered: Gathered) -> Sequence[Block]:
    """One heading per experiment, then how the fine-tuned ones learnt."""
    blocks = [block for one in scored_experiments(gathered) for block in _experiment(one, gathered)]
    curves = transfer_panels(gathered)
    return [*blocks, Heading("Fine-tuning curves"), legend(gathered), Panels(curves)] if curves else blocks


def _experiment(scored: Scored, gathered: Gathered) -> Sequence[Block]:
    """The main table in sight; of its details that one which says most."""
    ranked = scored.ranked()
    ordered = direction_table(scored, gathered)
    details = [
        *([ordered] if ordered else []),
        per_class_table(scored, gathered),
        *(confusion_table(scored, name) for name in ranked),
    ]
    opened = details[-len(ranked)].slug if scored.experiment.stage == "finetune" else ""
    counted = knn_table(scored.experiment, gathered)
    if counted:
        details, opened = [counted, *details], counted.slug
    weights, chart = weights_table(scored, gathered), class_chart(scored, gathered)
    return [
        Heading(capital(scored.experiment.name)),
        Bare(accuracy_table(scored, gathered)),
        *([weights] if weights else []),
        *([Fold(chart.title, [Note(CHART), legend(gathered), chart])] if chart else []),
        *(folded(table, table.slug == opened) for table in details),
    ]


def findings(gathered: Gathered) -> list[Finding]:
    """What pretraining brings, by experiment."""
    scored = scored_experiments(gathered)
    return [Finding(capital(one.experiment.name), transfer_words(one)) for one in scored]


def figures(gathered: Gathered) -> list[Figure]:
    """Arms in tasks, and accuracy against FLOPs."""
    scored = scored_experiments(gathered)
    tasks = [(one.name, one.chance, one.drawn) for one in plain_tasks(scored, gathered)]
    return [*arms_in_tasks("accuracy", tasks, "Every arm in every task"), *flops_figures(scored, gathered)]


ACCURACY = Section(
    "accuracy",
    "Accuracy",
    shows,
    PLAIN,
    figures=figures,
    findings=findings,
    answers=lambda gathered: plain_answers(scored_experiments(gathered)),
    tasks=lambda gathered: plain_tasks(scored_experiments(gathered), gathered),
    rows={
        "accuracy": lambda gathered: accuracy_rows(scored_experiments(gathered)),
        "comparisons": lambda gathered: comparison_rows(scored_experiments(gathered), []),
        "per_class": lambda gathered: per_class_rows(scored_experiments(gathered)),
        "confusion": lambda gathered: confusion_rows(scored_experiments(gathered)),
        "weights": lambda gathered: weights_rows(scored_experiments(gathered), gathered),
    },
)
