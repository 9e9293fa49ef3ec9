"""What is not in the rest: damaged runs, and planned cells without a result."""

from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.section import Section
from muybridge.report.tables.run_tables import damaged_table, missing_table
from muybridge.report.tables.table import Table


def shows(gathered: Gathered) -> list[Table]:
    """One table of each."""
    return [table for table in (damaged_table(gathered), missing_table(gathered)) if table]


MISSING_CELLS = Section("missing-cells", "Missing cells", shows, short="Missing")
