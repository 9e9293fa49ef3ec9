"""``muybridge compare A B``: two robustness runs side by side on the terminal. Imports no torch."""

import math
from pathlib import Path
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import print_json, visible

HELP = """usage: muybridge compare A B [--out DIR] [--json]

Compare two robustness runs of the same data, profile and protocol: accuracy clean and under every perturbation,
differences paired on the same videos with 95 % intervals, and verdicts in words, corrected by Holm.

A, B       folders OUT/runs/robustness/SIGNATURE, or an OUT that holds exactly one robustness run
--out DIR  also write DIR/compare.html, DIR/compare.md, DIR/tables/compare.csv and .tex
--json     print everything as JSON
"""


def run(words: list[str]) -> int:
    """Run the command; returns the exit code."""
    if "-h" in words or "--help" in words:
        print(HELP, end="")
        return 0
    folders, out, as_json = _parse(words)
    from muybridge import api
    from muybridge.report.compare.compare import as_dict
    from muybridge.report.compare.compare_page import write_comparison

    found = api.compare(*folders)
    paths = write_comparison(found, Path(out)) if out else []
    if as_json:
        print_json(as_dict(found))
        return 0
    show(found)
    if paths:
        print(f"\n{paths[0].resolve()}")
    return 0


def _parse(words: list[str]) -> tuple[list[str], str | None, bool]:
    folders: list[str] = []
    out, as_json, rest = None, False, list(words)
    while rest:
        word = rest.pop(0)
        if word == "--json":
            as_json = True
        elif word == "--out" or word.startswith("--out="):
            out = word[6:] if "=" in word else rest.pop(0) if rest else ""
            if not out:
                raise UsageError("--out wants a folder.")
        elif word.startswith("-"):
            raise UsageError(
                f"compare has no {word!r}.{suggestion(word, ('--out', '--json'))} Known: --out DIR, --json."
            )
        else:
            folders.append(word)
    if len(folders) != 2:
        raise UsageError(
            f"compare takes two folders, got {len(folders)}. `muybridge compare --help` says which."
        )
    return folders, out, as_json


def show(found: Any) -> None:
    """Print a comparison; the widths follow the terminal."""
    from rich.console import Console

    from muybridge.report.compare.compare_page import sentences

    console = Console(highlight=False, soft_wrap=False)
    experiment = found.perturbed.scored.experiment
    for letter, name, one in zip("AB", found.names, found.runs, strict=True):
        console.print(visible(f"{letter}  {name}  {one.path}"), markup=False, soft_wrap=True)
    console.print(
        visible(f"on {experiment.data}, profile {experiment.profile or 'not told'}\n"), markup=False
    )
    console.print(_table(found))
    console.print()
    for one in sentences(found):
        console.print(visible(one), markup=False)


def _table(found: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

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


def _cells(line: Any) -> list[str]:
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
