"""Data sets, and videos of them that could not be decoded."""

from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.section import Section
from muybridge.report.tables.run_tables import broken_table, data_table
from muybridge.report.tables.table import Table


def shows(gathered: Gathered) -> list[Table]:
    """The data; the broken videos where there are any."""
    broken = broken_table(gathered)
    return [data_table(gathered), *([broken] if broken else [])]


DATA = Section("data-used", "Data", shows)
