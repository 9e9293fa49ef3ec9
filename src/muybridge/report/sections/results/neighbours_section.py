"""Nearest neighbours: recall in numbers, and the videos themselves."""

from collections.abc import Sequence

from muybridge.report.figures.film_strips import neighbours
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.recall import TITLES, recall_tables
from muybridge.report.sections.page_blocks import Block, Grid, Note
from muybridge.report.sections.section import Section

NOTE = (
    "Each row: a query, then its nearest videos with their similarity. A tick and a solid frame mark the query’s own class, a cross and a "
    "dashed frame another one."
)


def shows(gathered: Gathered) -> Sequence[Block]:
    """Recall, then rows of pictures."""
    blocks: list[Block] = [*recall_tables(gathered)]
    rows = neighbours(gathered)
    return [*blocks, Note(NOTE), Grid(rows)] if rows else blocks


NEIGHBOURS = Section("neighbours", "Nearest neighbours", shows, tuple(TITLES), "Neighbours")
