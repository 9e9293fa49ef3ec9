"""How far a study is, read from its run folders alone: whoever computes them, on whatever machine."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import first_line
from muybridge.runs.metrics import CURVE, read_metrics
from muybridge.runs.mirror import place_of
from muybridge.runs.run_index import Index
from muybridge.store import generations
from muybridge.store.lease import beating
from muybridge.store.storage import store_of
from muybridge.studies.plan import Cell

Word = Literal["done", "running", "failed", "waiting"]
WORDS: tuple[Word, ...] = ("done", "running", "failed", "waiting")


@dataclass(frozen=True)
class State:
    """What a cell's folder says.

    Attributes:
        word: ``done``, ``running`` (a worker holds it and its heart beats), ``failed`` or ``waiting``.
        detail: progress of a running cell, reason of a failed one.
        age: seconds since the last heartbeat of a running cell.
    """

    cell: Cell
    word: Word
    detail: str = ""
    age: float = 0.0


def finished(cells: Sequence[Cell]) -> set[str]:
    """Signatures of the cells that have a sound result: one look at the index, not one at each cell."""
    ended = results(cells)
    return {cell.job.signature for cell in cells if ended.get((cell.job.stage, cell.job.signature)) == ""}


def results(cells: Sequence[Cell]) -> dict[tuple[str, str], str]:
    """What is wrong with each result in the folder of some cells, by stage and signature; empty where nothing is."""
    rows = Index(cells[0].job.config.out).rows() if cells else []
    return {(row.stage, row.signature): row.reason for row in rows if row.status in ("done", "damaged")}


def states(cells: Sequence[Cell]) -> list[State]:
    """The state of every cell, in their order."""
    out: Path = cells[0].job.config.out
    ended, held = results(cells), _held(out)
    names = {stage: _names(out, stage) for stage in {cell.job.stage for cell in cells}}
    found = []
    for cell in cells:
        stage, name = cell.job.stage, cell.job.signature
        wrong = ended.get((stage, name))
        if wrong == "":
            found.append(State(cell, "done"))
        elif wrong:
            found.append(State(cell, "waiting", f"its result is not what was written: {wrong}"))
        elif name in names[stage] or (stage, name) in held:
            found.append(_begun(cell))
        else:
            found.append(State(cell, "waiting"))
    return found


def count(found: Iterable[State]) -> dict[Word, int]:
    """Number of cells in each state."""
    numbers = Counter(state.word for state in found)
    return {word: numbers[word] for word in WORDS}


def to_retry(cells: Sequence[Cell]) -> list[Cell]:
    """Failed cells, what was not run because they failed, and all that is done; cells nobody has tried yet are left out."""
    words = {state.cell.job.signature: state.word for state in states(cells)}
    chosen: set[str] = set()
    for cell in cells:
        if words[cell.job.signature] == "failed" or cell.needs & chosen:
            chosen.add(cell.job.signature)
    return [cell for cell in cells if cell.job.signature in chosen or words[cell.job.signature] == "done"]


def _begun(cell: Cell) -> State:
    """State of a cell that has a folder and no result."""
    age = beating(place_of(cell.run))
    if age is not None:
        return State(cell, "running", _progress(cell), age)
    log = cell.run.path / "error.log"
    if log.is_file():
        return State(cell, "failed", first_line(log) or "no words left")
    return State(cell, "waiting", f"begun; {_progress(cell)}" if (cell.run.path / "state").is_dir() else "")


def _progress(cell: Cell) -> str:
    """How far its training curve goes."""
    try:
        rows = [
            row
            for row in read_metrics(cell.run.path / "metrics.jsonl", CURVE)
            if row.get("clips") is not None
        ]
    except (MuybridgeError, OSError):
        return "its curve cannot be read"
    if not rows:
        return "no curve yet"
    config = vars(cell.job.config)
    known = config.get("budget_unit") == "clips"
    return f"step {rows[-1]['step']:,}" + (f", {rows[-1]['clips'] / config['budget']:.0%}" if known else "")


def _names(out: Path, stage: str) -> set[str]:
    try:
        return {entry.name for entry in os.scandir(out / "runs" / stage)}
    except FileNotFoundError:
        return set()


def _held(out: Path) -> set[tuple[str, str]]:
    """Stage and signature of the runs that workers on other machines hold, where the results lie in a store."""
    store = store_of(out)
    if store is None:
        return set()
    paths = (Path(path).parts for path in store.find("runs/*/*/.lease.*"))
    return {(parts[-3], parts[-2]) for parts in paths if generations.held(parts[-1])}
