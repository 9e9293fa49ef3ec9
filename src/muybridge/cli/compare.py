"""``muybridge compare A B``: two robustness runs side by side on the terminal. Imports no torch."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from muybridge.cli.flags import Options, Single, Words
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import print_json, visible

if TYPE_CHECKING:
    from muybridge.report.compare.compare import Compared, Line


@dataclass(frozen=True, kw_only=True)
class Compare(Options):
    """Two robustness runs of the same data, profile and protocol side by side.

    Accuracy clean and under every perturbation, differences paired on the same videos with 95 % intervals, and verdicts in words,
    corrected by Holm.
    """

    runs: Annotated[Words, tyro.conf.arg(metavar="A B")] = ()
    """folders OUT/runs/robustness/SIGNATURE, or an OUT that holds exactly one robustness run"""
    out: Path | None = None
    """also write OUT/compare.html, OUT/compare.md, OUT/tables/compare.csv and .tex"""
    json: bool = False
    """print everything as JSON"""

    def run(self) -> int:
        """Compare and print.

        Raises:
            UsageError: not two folders, or runs that cannot be compared.
        """
        if len(self.runs) != 2:
            raise UsageError(
                f"compare takes two folders, got {len(self.runs)}. `muybridge compare --help` says which."
            )
        from muybridge import api
        from muybridge.report.compare.compare import as_dict
        from muybridge.report.compare.compare_page import write_comparison

        found = api.compare(*self.runs)
        paths = write_comparison(found, self.out) if self.out else []
        if self.json:
            print_json(as_dict(found))
            return 0
        show(found)
        if paths:
            print(f"\n{paths[0].resolve()}")
        return 0


COMPARE = Single("compare", Compare)


def show(found: "Compared") -> None:
    """Print a comparison; the widths follow the terminal."""
    from muybridge.report.compare.compare_page import sentences

    console = Console(highlight=False, soft_wrap=False)
    experiment = found.perturbed.scored.experiment
    for letter, name, run in zip("AB", found.names, found.runs, strict=True):
        console.print(visible(f"{letter}  {name}  {run.path}"), markup=False, soft_wrap=True)
    console.print(
        visible(f"on {experiment.data}, profile {experiment.profile or 'not told'}\n"), markup=False
    )
    console.print(_table(found))
    console.print()
    for one in sentences(found):
        console.print(visible(one), markup=False)


def _table(found: "Compared") -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("accuracy, %", overflow="fold")
    for head in ("A", "B", "A \N{MINUS SIGN} B"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    kind = "clean"
    for line in found.lines:
        if line.kind != kind:
            table.add_section()
            table.add_row()
            kind = line.kind
        table.add_row(*(Text(visible(part)) for part in _cells(line)))
    return table


def _cells(line: "Line") -> list[str]:
    from muybridge.report.tables.table import points, span

    name = f"{line.name} ({line.remark})" if line.remark else line.name
    one = line.comparison.difference.interval
    if math.isnan(one.value):
        return [
            name,
            *(("undefined" if math.isnan(side.value) else points(side.value)) for side in (line.a, line.b)),
            "",
            "",
            "undefined",
        ]
    return [
        name,
        points(line.a.value),
        points(line.b.value),
        points(one.value, sign=True),
        span(one, sign=True),
        line.verdict,
    ]
