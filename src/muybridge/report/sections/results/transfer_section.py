"""What lies across experiments: protocols, official splits, sources by targets, numbers of labels."""

from collections.abc import Iterator, Sequence

from muybridge.report.figures.label_curves import label_panel
from muybridge.report.formats.tidy import Row
from muybridge.report.formats.tidy_transfer import crossed_rows, label_rows, split_rows
from muybridge.report.gather.across import by_labels, crossed, splits
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.experiments import scored_experiments
from muybridge.report.sections.page_blocks import Block, Heading, Note, Panels, legend
from muybridge.report.sections.section import Section
from muybridge.report.tables.protocol_table import protocol_table
from muybridge.report.tables.table import Table
from muybridge.report.tables.transfer_tables import crossed_table, labels_table, split_table

WANTS = ("probe", "knn", "finetune", "retrieval")


def shows(gathered: Gathered) -> Sequence[Block]:
    """Tables, then curves over labels."""
    scored = scored_experiments(gathered)
    few, protocols = by_labels(scored), protocol_table(gathered, WANTS)
    tables: list[Table] = [
        *([protocols] if protocols else []),
        *(split_table(one, gathered) for one in splits(scored) if len(one.by_number) > 1),
        *(crossed_table(one, gathered) for one in crossed(scored)),
        *(labels_table(one, gathered) for one in few),
    ]
    blocks: list[Block] = (
        [Note("Every table holds one protocol and one backbone."), *tables] if tables else []
    )
    if few:
        note = Note("Bands are 95 % intervals. The dashed line is chance.")
        panels = Panels([label_panel(one, gathered) for one in few])
        blocks += [Heading("Label efficiency"), note, legend(gathered), panels]
    return blocks


def _splits(gathered: Gathered) -> Iterator[Row]:
    return split_rows(splits(scored_experiments(gathered)))


def _crossed(gathered: Gathered) -> Iterator[Row]:
    return crossed_rows(crossed(scored_experiments(gathered)), gathered)


def _labels(gathered: Gathered) -> Iterator[Row]:
    return label_rows(by_labels(scored_experiments(gathered)))


TRANSFER = Section(
    "transfer",
    "Transfer",
    shows,
    WANTS,
    rows={"splits": _splits, "source_target": _crossed, "label_efficiency": _labels},
)
