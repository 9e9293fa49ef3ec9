"""Pretraining: what every arm was given, how it learnt, and how healthy its features stayed."""

from collections.abc import Sequence

from muybridge.report.figures.charts import pretraining_panels
from muybridge.report.figures.health_charts import health
from muybridge.report.formats.tidy import health_rows
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.page_blocks import Block, Heading, Note, Panels, Sentences, legend
from muybridge.report.sections.section import Finding, Section
from muybridge.report.tables.run_tables import budget_table, budget_words, tuning_words


def shows(gathered: Gathered) -> Sequence[Block]:
    """Budgets, then curves."""
    budget, curves, looked = budget_table(gathered), pretraining_panels(gathered), health(gathered)
    blocks: list[Block] = [budget] if budget else []
    if curves:
        blocks += [Heading("Training curves"), Note("One thin line per seed. The dashed line is chance.")]
        blocks += [Panels(row) for row in curves]
    if looked:
        words = "Looked at during pretraining on test videos: features that lose their spread or rank have collapsed."
        blocks += [Heading("Health of the features"), Note(words), legend(gathered), Panels(looked.panels)]
        blocks += [Sentences(looked.words)] if looked.words else []
    return blocks


def findings(gathered: Gathered) -> list[Finding]:
    """Whether the budgets of the arms are equal."""
    return [Finding("Budget", " ".join([budget_words(gathered), *tuning_words(gathered)]), limits=True)]


PRETRAINING = Section(
    "pretraining", "Pretraining", shows, ("pretrain",), findings=findings, rows={"health": health_rows}
)
