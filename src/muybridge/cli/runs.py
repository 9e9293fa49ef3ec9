"""``muybridge runs``: list, show, compare, delete and export the runs of a folder. Imports no torch."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from muybridge.cli.words import Words
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text import terminal
from muybridge.core.text.terminal import Column
from muybridge.runs.discard import check_discard, discard
from muybridge.runs.mirror import working_copy
from muybridge.runs.query import HIGHER_FIRST, chosen, dependents, find, ordered
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow

USAGE = """usage: muybridge runs ACTION [OPTIONS]

  ls        list runs: --stage probe --where backbone=r2plus1d-tiny --sort accuracy
  show      all about one run: what it is, what it starts from, what rests on it, the command that makes it again
  best      the best arm, folds joined and seeds averaged, with its interval, and which others cannot be separated from it
  rm        delete runs; refuses those on which others rest
  export    write rows as .csv, .jsonl or .parquet, or one run with its inputs as .zip

A run is named by the first letters of its signature. `muybridge runs ACTION --help` shows the options.
"""


def run(words: list[str]) -> int:
    """Run one action; returns the exit code.

    Raises:
        UsageError: unknown action or option, no such run.
    """
    if not words or words[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    if words[0] not in ACTIONS:
        raise UsageError(
            f"runs has no {words[0]!r}.{suggestion(words[0], ACTIONS)} Known: {', '.join(ACTIONS)}."
        )
    add, act = ACTIONS[words[0]]
    parser = Words(prog=f"muybridge runs {words[0]}", description=act.__doc__)
    add(parser)
    parser.add_argument(
        "--out", default="muybridge-out", help="folder or URL of the results (default: muybridge-out)"
    )
    options = parser.parse_args(words[1:])
    out = working_copy(options.out)
    if not (out / "runs").is_dir():
        raise UsageError(
            f"--out {options.out}: holds no runs. Give what a study or a stage wrote to (its --out)."
        )
    return act(options, Index(out))


def _say(text: str) -> None:
    """Print what run folders say, which may come from anybody."""
    print(terminal.visible(text))


def _selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", help="runs of this stage")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="and NAME!=VALUE, NAME>NUMBER, ...; all must hold",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _select(options: Any, index: Index) -> list[RunRow]:
    """The rows asked for; accuracies are computed only where they are shown or asked for."""
    from muybridge.measure.headline import headline

    rows = index.rows()
    if any(name in condition for condition in options.where for name in (*HIGHER_FIRST, "loss")):
        return chosen(index.measured(rows, headline), options.stage, options.where)
    return index.measured(chosen(rows, options.stage, options.where), headline)


def _ls_options(parser: argparse.ArgumentParser) -> None:
    _selection(parser)
    parser.add_argument(
        "--sort", metavar="NAME", help="order by a fact or a number; accuracies from the highest"
    )
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument("--limit", type=int, metavar="N", help="show the first N")


def ls(options: Any, index: Index) -> int:
    """List runs; the columns fit the terminal, and signatures are as short as tells them apart."""
    rows = ordered(_select(options, index), options.sort, options.reverse)
    shown = rows[: options.limit]
    if options.json:
        terminal.print_json([row.flat() | {"path": str(index.run(row).path)} for row in shown])
        return 0
    if shown:
        print("\n".join(terminal.lines(columns(shown), terminal.width())))
    left = f", {len(rows) - len(shown)} more not shown" if len(shown) < len(rows) else ""
    print(f"{len(rows)} run{'s' * (len(rows) != 1)} in {index.folder}{left}")
    return 0


def columns(rows: Sequence[RunRow]) -> list[Column]:
    """The columns of a list, the most telling first in rank."""
    told = [row.flat() for row in rows]

    def words(head: str, rank: int, least: int = 8, name: str = "") -> Column:
        return Column(
            head,
            ["" if row.get(name or head) is None else str(row[name or head]) for row in told],
            rank,
            False,
            least,
        )

    def number(head: str, rank: int, form: Callable[[Any], str]) -> Column:
        return Column(head, ["" if row.get(head) is None else form(row[head]) for row in told], rank, True)

    length = _telling([row.signature for row in rows])
    status = [row.status if row.status != "done" or not row.limited else "limited" for row in rows]
    return [
        Column("run", [row.signature[:length] for row in rows], 0, least=length),
        words("stage", 1, 10),
        words("arm", 2, 10),
        words("data", 4, 16),
        words("protocol", 8, 22),
        words("backbone", 9, 14),
        number("seed", 6, str),
        number("fold", 7, str),
        *(number(name, 3 if place == 0 else 5, _percent) for place, name in enumerate(HIGHER_FIRST)),
        number("loss", 12, "{:.3f}".format),
        number("seconds", 10, "{:,.0f}".format),
        Column("status", status if set(status) != {"done"} else [""] * len(rows), 3),
        Column("started", [row.started[:16].replace("T", " ") for row in rows], 11, least=16),
        Column("notes", [str(len(row.notes)) if row.notes else "" for row in rows], 13, True),
    ]


def _telling(signatures: Sequence[str]) -> int:
    """Letters that tell the signatures apart, at least six."""
    return next((n for n in range(6, 16) if len({one[:n] for one in signatures}) == len(set(signatures))), 16)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="first letters of its signature, or STAGE/SIGNATURE")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def show(options: Any, index: Index) -> int:
    """All about one run."""
    from muybridge.measure.headline import headline

    rows = index.rows()
    [row] = index.measured([find(rows, options.run)], headline)
    path, rest = index.run(row).path, dependents(rows, row)
    if options.json:
        told = vars(row) | {"path": str(path), "dependents": [one.name for one in rest]}
        terminal.print_json(told)
        return 0
    states = {one.name: one.status for one in rows}
    _say(f"{row.name}  {row.status}{' (limited run)' if row.limited else ''}")
    for name, value in _facts(row).items():
        _say(f"  {name:<11}{value}")
    for name, source in row.inputs.items():
        _say(f"  {name:<11}{source} ({states.get(source, 'not in this folder')})")
    for one in rest:
        _say(f"  dependent  {one.name} ({one.status})  {one.summary}")
    for note in row.notes:
        _say(f"  note       {note}")
    _say(f"  folder     {path}")
    _say(f"  command    {row.command or 'not told'}")
    return 0


def _facts(row: RunRow) -> dict[str, str]:
    """What is said of a run, one line each."""
    facets = ", ".join(f"{name} {value}" for name, value in row.facets.items() if value not in (None, ""))
    numbers = ", ".join(
        f"{name} {value:.4g}" if name == "loss" else f"{name} {_percent(value)}"
        for name, value in (row.numbers or {}).items()
    )
    budget = ", ".join(
        f"{name} {value:,}"
        for name, value in row.budget.items()
        if isinstance(value, int | float) and name != "kept"
    )
    told = {
        "reason": row.reason,
        "what": row.summary,
        "facets": facets,
        "numbers": numbers,
        "budget": budget,
        "started": row.started,
    }
    return {name: value for name, value in told.items() if value}


def _best_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("metric", nargs="?", default="accuracy", help="accuracy (default) or perturbed")
    _selection(parser)


def best(options: Any, index: Index) -> int:
    """The best arm on one data set, folds joined and seeds averaged, with its interval, and which others cannot be separated from it."""
    from muybridge.report.compare import best as report

    if options.metric not in report.METRICS:
        raise UsageError(
            f"best has no {options.metric!r}.{suggestion(options.metric, report.METRICS)} Known: {', '.join(report.METRICS)}."
        )
    # The clean accuracy of a robustness run is that of its model, which is a run of its own.
    rows = [
        row for row in _select(options, index) if options.metric != "accuracy" or "model" not in row.inputs
    ]
    rows = [row for row in rows if row.status == "done" and options.metric in (row.numbers or {})]
    found = report.best([index.run(row) for row in rows], options.metric)
    if options.json:
        terminal.print_json(report.as_dict(found))
    else:
        _say("\n".join(report.lines(found)))
    return 0


def _rm_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="+", help="first letters of signatures, or STAGE/SIGNATURE")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--force", action="store_true", help="delete runs on which others rest, too")


def rm(options: Any, index: Index) -> int:
    """Delete runs: asks before, and refuses runs on which others rest."""
    rows = index.rows()
    doomed = {row.name: row for row in (find(rows, words) for words in options.run)}.values()
    check_discard(index, list(doomed), options.force)
    for row in doomed:
        _say(f"{row.name}  {row.status}  {row.summary or row.reason}")
    if not options.yes and not _agreed(len(doomed)):
        print("nothing deleted")
        return 1
    freed = discard(index, doomed, options.force)
    print(f"deleted {len(doomed)} run{'s' * (len(doomed) != 1)}, {freed / 1e6:,.1f} MB")
    return 0


def _agreed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("rm asks before it deletes, and nobody can answer here. Give --yes.")
    return input(f"Delete {number} run{'s' * (number != 1)} for good? [y/N] ").strip().lower() in ("y", "yes")


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, help="FILE.csv, .jsonl or .parquet for rows; FILE.zip for one run with its inputs"
    )
    parser.add_argument("--run", help="the run of a .zip: first letters of its signature")
    _selection(parser)


def export(options: Any, index: Index) -> int:
    """Write rows of the index, or one run with all it starts from in a portable archive."""
    from muybridge.runs import export as write

    if options.file.suffix == ".zip":
        if not options.run:
            raise UsageError(f"{options.file}: a .zip holds one run; say which with --run SIGNATURE.")
        rows = index.rows()
        names = write.archive(options.file, index, find(rows, options.run), rows)
        print(f"{len(names)} files; {options.file.resolve()}")
        return 0
    rows = ordered(_select(options, index))
    write.table(options.file, [row.flat() for row in rows])
    print(f"{len(rows)} rows; {options.file.resolve()}")
    return 0


ACTIONS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Callable[[Any, Index], int]]] = {
    "ls": (_ls_options, ls),
    "show": (_one, show),
    "best": (_best_options, best),
    "rm": (_rm_options, rm),
    "export": (_export_options, export),
}
