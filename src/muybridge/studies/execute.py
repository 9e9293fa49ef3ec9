"""Run the cells of a study on this machine: each once, several at a time, failures kept and never in the way of others."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from os import getpid
from typing import Any

from muybridge.core.processes import spawning
from muybridge.core.records import atomic
from muybridge.core.screen import Screen
from muybridge.studies.plan import Cell
from muybridge.studies.worker import serve


@dataclass
class Outcome:
    """How a study ended: signatures of the finished cells, message per failed one."""

    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


class _Worker:
    """A process, its pipe and the cell it works on."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, getpid()), daemon=True)
        with spawning():
            self.process.start()
        theirs.close()
        self.cell: Cell | None = None
        self.began = 0.0

    def start(self, cell: Cell) -> None:
        self.cell, self.began = cell, time.monotonic()
        self.pipe.send(cell.job.config)

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(5)


def run_cells(cells: Sequence[Cell], workers: int, screen: Screen) -> Outcome:
    """Finish what is missing; finished runs are not touched.

    A worker that dies (killed, out of memory) fails its cell only.
    """
    outcome = Outcome({cell.job.signature for cell in cells if cell.run.done})
    waiting = [cell for cell in cells if not cell.run.done]
    if len(waiting) < len(cells):
        screen.say(f"{len(cells) - len(waiting)} of {len(cells)} runs exist already")
    pool: list[_Worker] = []
    try:
        while waiting or any(worker.cell for worker in pool):
            waiting = _drop_hopeless(waiting, outcome)
            _hand_out(waiting, pool, workers, outcome)
            busy = {worker.pipe: worker for worker in pool if worker.cell}
            for pipe in connection.wait(list(busy), timeout=1):
                _listen(busy[pipe], pool, outcome, len(cells), screen)  # type: ignore[index]
            screen.update("study", len(outcome.done), len(cells))
    finally:
        for worker in pool:
            worker.stop()
        screen.finish("study")
    return outcome


def _hand_out(waiting: list[Cell], pool: list[_Worker], workers: int, outcome: Outcome) -> None:
    """Give ready cells to idle workers, in the order of the study."""
    for cell in [cell for cell in waiting if cell.needs <= outcome.done]:
        idle = next((worker for worker in pool if worker.cell is None), None)
        if idle is None and len(pool) < workers:
            idle = _Worker()
            pool.append(idle)
        if idle is None:
            return
        idle.start(cell)
        waiting.remove(cell)


def _drop_hopeless(waiting: list[Cell], outcome: Outcome) -> list[Cell]:
    """Fail the cells whose input failed."""
    for cell in waiting:
        lost = cell.needs & outcome.failed.keys()
        if lost:
            outcome.failed[cell.job.signature] = f"not run: its input {sorted(lost)[0]} failed"
    return [cell for cell in waiting if cell.job.signature not in outcome.failed]


def _listen(worker: _Worker, pool: list[_Worker], outcome: Outcome, total: int, screen: Screen) -> None:
    cell = worker.cell
    assert cell is not None
    try:
        message: tuple[Any, ...] = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join(5)
        pool.remove(worker)
        message = ("failed", f"its process died (exit code {worker.process.exitcode})", "")
    if message[0] == "progress":
        screen.update(cell.name, *message[1:])
        return
    worker.cell = None
    seconds = time.monotonic() - worker.began
    if message[0] == "done":
        outcome.done.add(cell.job.signature)
        screen.finish(
            cell.name, f"[{len(outcome.done):>{len(str(total))}}/{total}] {title(cell)}: {seconds:.1f} s"
        )
    else:
        outcome.failed[cell.job.signature] = message[1]
        with atomic(cell.run.path / "error.log") as file:
            file.write(f"{message[1]}\n\n{message[2]}")
        screen.finish(cell.name, f"FAILED {cell.name}: {message[1]}")


def title(cell: Cell) -> str:
    """Summary of a finished cell."""
    fold = cell.run.result["facets"]["fold"]
    return str(cell.run.result["summary"]) + ("" if fold is None else f", fold {fold}")
