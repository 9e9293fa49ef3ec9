"""Numbers that others measured, kept apart from ours."""

from collections.abc import Sequence

from muybridge.core.reference.result_tables import stored
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.page_blocks import Block, Note
from muybridge.report.sections.section import Section
from muybridge.report.tables.outside_tables import outside_tables

NOTE = "Numbers that others measured, on a ground of their own. They stand in no ranking with ours."


def shows(gathered: Gathered) -> Sequence[Block]:
    """The tables that a folder holds."""
    tables = outside_tables(stored(gathered.folder))
    return [Note(NOTE), *tables] if tables else []


ELSEWHERE = Section("elsewhere", "Published elsewhere", shows)
