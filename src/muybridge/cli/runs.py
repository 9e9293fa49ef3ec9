"""``muybridge runs``: list, show, compare, delete and export the runs of a folder. Imports no torch."""

import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from muybridge.cli.flags import Each, Group, Options, Word, Words
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text import terminal
from muybridge.core.text.plurals import counted
from muybridge.core.text.terminal import Column
from muybridge.runs.discard import check_discard, discard
from muybridge.runs.mirror import working_copy
from muybridge.runs.query import HIGHER_FIRST, chosen, dependents, find, ordered
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow

ABOUT = """
What lies in a folder of results. A run is named by the first letters of its signature, or by STAGE/SIGNATURE.

  muybridge runs ls --stage probe --where backbone=r2plus1d-tiny --sort accuracy
"""


@dataclass(frozen=True, kw_only=True)
class OfFolder(Options):
    """What every command has that looks at runs."""

    out: str = "muybridge-out"
    """folder or URL of the results"""

    def run(self) -> int:
        """Open the folder and act.

        Raises:
            UsageError: it holds no runs.
        """
        out = working_copy(self.out)
        if not (out / "runs").is_dir():
            raise UsageError(
                f"--out {self.out}: holds no runs. Give what a study or a stage wrote to (its --out)."
            )
        return self.act(Index(out))

    @abstractmethod
    def act(self, index: Index) -> int:
        """Do it on the runs of the folder."""


@dataclass(frozen=True, kw_only=True)
class Selection(OfFolder):
    """Which runs."""

    stage: str | None = None
    """runs of this stage"""
    where: Each = ()
    """NAME=VALUE, and NAME!=VALUE, NAME>NUMBER, ...; all of several must hold"""
    json: bool = False
    """print everything as JSON"""


def _say(text: str) -> None:
    """Print what run folders say, which may come from anybody."""
    print(terminal.visible(text))


def _select(options: Selection, index: Index) -> list[RunRow]:
    """The rows asked for; accuracies are computed only where they are shown or asked for."""
    from muybridge.measure.headline import headline

    rows = index.rows()
    if any(name in condition for condition in options.where for name in (*HIGHER_FIRST, "loss")):
        return chosen(index.measured(rows, headline), options.stage, options.where)
    return index.measured(chosen(rows, options.stage, options.where), headline)


@dataclass(frozen=True, kw_only=True)
class Ls(Selection):
    """List runs; the columns fit the terminal, and signatures are as short as tells them apart."""

    sort: str | None = None
    """order by a fact or a number; accuracies from the highest"""
    reverse: bool = False
    """the other way round"""
    limit: int | None = None
    """show the first so many"""

    def act(self, index: Index) -> int:
        """Print the list."""
        rows = ordered(_select(self, index), self.sort, self.reverse)
        shown = rows[: self.limit]
        if self.json:
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


@dataclass(frozen=True, kw_only=True)
class Show(OfFolder):
    """All about one run: what it is, what it starts from, what rests on it, the command that makes it again."""

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """first letters of its signature, or STAGE/SIGNATURE"""
    json: bool = False
    """print everything as JSON"""

    def act(self, index: Index) -> int:
        """Print it."""
        from muybridge.measure.headline import headline

        rows = index.rows()
        [row] = index.measured([find(rows, self.name)], headline)
        path, rest = index.run(row).path, dependents(rows, row)
        if self.json:
            terminal.print_json(vars(row) | {"path": str(path), "dependents": [one.name for one in rest]})
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
        if isinstance(value, int)
        else f"{name} {value:,.4g}"
        if value < 1e4
        else f"{name} {value:,.0f}"
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


@dataclass(frozen=True, kw_only=True)
class Best(Selection):
    """The best arm on one data set, folds joined and seeds averaged, with its interval, and which others cannot be separated from it."""

    metric: Word = "accuracy"
    """accuracy, or perturbed"""

    def act(self, index: Index) -> int:
        """Print them."""
        from muybridge.report.compare import best as report

        if self.metric not in report.METRICS:
            raise UsageError(
                f"best has no {self.metric!r}.{suggestion(self.metric, report.METRICS)} Known: {', '.join(report.METRICS)}."
            )
        # The clean accuracy of a robustness run is that of its model, which is a run of its own.
        rows = [row for row in _select(self, index) if self.metric != "accuracy" or "model" not in row.inputs]
        rows = [row for row in rows if row.status == "done" and self.metric in (row.numbers or {})]
        found = report.best([index.run(row) for row in rows], self.metric)
        if self.json:
            terminal.print_json(report.as_dict(found))
        else:
            _say("\n".join(report.lines(found)))
        return 0


@dataclass(frozen=True, kw_only=True)
class Rm(OfFolder):
    """Delete runs: asks before, and refuses runs on which others rest."""

    names: Annotated[Words, tyro.conf.arg(metavar="RUN...")] = ()
    """first letters of signatures, or STAGE/SIGNATURE"""
    yes: bool = False
    """do not ask"""
    force: bool = False
    """delete runs on which others rest, too"""

    def act(self, index: Index) -> int:
        """Delete them."""
        if not self.names:
            raise UsageError("runs rm: required: RUN, the first letters of the signature of what to delete.")
        rows = index.rows()
        doomed = {row.name: row for row in (find(rows, words) for words in self.names)}.values()
        check_discard(index, list(doomed), self.force)
        for row in doomed:
            _say(f"{row.name}  {row.status}  {row.summary or row.reason}")
        if not self.yes and not _agreed(len(doomed)):
            print("nothing deleted")
            return 1
        freed = discard(index, doomed, self.force)
        print(f"deleted {len(doomed)} run{'s' * (len(doomed) != 1)}, {freed / 1e6:,.1f} MB")
        return 0


def _agreed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("rm asks before it deletes, and nobody can answer here. Give --yes.")
    return input(f"Delete {number} run{'s' * (number != 1)} for good? [y/N] ").strip().lower() in ("y", "yes")


@dataclass(frozen=True, kw_only=True)
class Export(Selection):
    """Write rows of the index, or one run with all it starts from in a portable archive (networks: `muybridge export`)."""

    file: Annotated[Path, tyro.conf.Positional]
    """FILE.csv, .jsonl or .parquet for rows; FILE.zip for one run with its inputs"""
    run_: Annotated[str | None, tyro.conf.arg(name="run")] = None
    """the run of a .zip: first letters of its signature"""

    def act(self, index: Index) -> int:
        """Write the file."""
        from muybridge.runs import export as write

        if self.file.suffix == ".zip":
            if not self.run_:
                raise UsageError(f"{self.file}: a .zip holds one run; say which with --run SIGNATURE.")
            rows = index.rows()
            names = write.archive(self.file, index, find(rows, self.run_), rows)
            print(f"{counted(len(names), 'file')}; {self.file.resolve()}")
            return 0
        rows = ordered(_select(self, index))
        write.table(self.file, [row.flat() for row in rows])
        print(f"{counted(len(rows), 'row')}; {self.file.resolve()}")
        return 0


RUNS = Group("runs", ABOUT, {"ls": Ls, "show": Show, "best": Best, "rm": Rm, "export": Export})
