"""Results of others in tables of their own: another colour, no common order with ours, and what a reader must know of each table."""

from collections.abc import Mapping, Sequence

from muybridge.core.reference.result_tables import Outside, Taken
from muybridge.measure.results_doctor import examine, half_width
from muybridge.report.tables.accuracy_tables import slugged
from muybridge.report.tables.table import Cell, Column, Table, capital, grouped, points, text


def outside_tables(found: Mapping[str, Taken], data: Sequence[str] = ()) -> list[Table]:
    """One table per task, and one of findings per source.

    Args:
        found: tables by name.
        data: data sets that are wanted; all when none is named.
    """
    tables = []
    for name, taken in found.items():
        kept = [row for row in taken.rows if not data or row.data in data]
        tasks = dict.fromkeys(row.task for row in kept)
        tables += [_table(name, [row for row in kept if row.task == task]) for task in tasks]
        ills = examine(taken.rows, taken.elsewhere)
        if kept and ills:
            columns = [Column("what"), Column("found")]
            cells = [[text(one.kind), text(one.words)] for one in ills]
            tables.append(
                Table(
                    f"published-{slugged(name)}-doctor",
                    f"{name}: what the doctor found in this table",
                    columns,
                    cells,
                    legend="What disagrees within the table, or with other tables of the same numbers.",
                )
            )
    return tables


def _table(name: str, rows: Sequence[Outside]) -> Table:
    one = rows[0]
    columns = [
        Column("model, measured by others"),
        Column(f"{one.metric}, %", True),
        Column("95 % interval", True, "binomial: their videos are taken as independent"),
        Column("trained on labels of"),
    ]
    cells = []
    for row in sorted(rows, key=lambda row: (-row.value, row.model)):
        reach = half_width(row.value, row.n)
        seen = row.data in row.trained_on.split() and "zero-shot" in row.protocol.lower()
        cells.append(
            [
                Cell(row.model, sort=row.model, title=row.path),
                Cell(
                    points(row.value),
                    sort=100 * row.value,
                    mark="not zero-shot" if seen else "",
                    kind="warn" if seen else "",
                ),
                text(_span(row, reach)),
                text(row.trained_on or "not told"),
            ]
        )
    notes = [
        f"{one.protocol}; {one.classes} classes, n = {grouped(one.n)} {one.unit}.",
        f"Source: {one.source} at {one.commit}{', ' + one.licence if one.licence else ''}. Not measured here, never ranked with our runs,"
        " and comparable with them only where classes, videos and protocol are the same.",
    ]
    return Table(
        f"published-{slugged(name, one.task)}",
        f"Published elsewhere: {one.task} ({one.data})",
        columns,
        cells,
        notes,
        "outside",
        f"{capital(one.metric)} in percent of {grouped(one.n)} {one.unit} of {one.data}, measured by others; 95 % intervals are binomial,"
        " their videos taken as independent.",
    )


def _span(row: Outside, reach: float) -> str:
    """The interval; of frames there is none, since those of one video are right or wrong together."""
    if row.unit != "videos":
        return f"{row.unit} are not independent"
    return f"{points(max(0.0, row.value - reach))}–{points(min(1.0, row.value + reach))}"
