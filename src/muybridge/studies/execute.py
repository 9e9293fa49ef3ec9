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

    A worker that dies (killed, out of memory) costs a second try of its cell; dying again fails that cell only.
    """
    run = _Execution(cells, workers, screen)
    try:
        while run.waiting or run.busy():
            run.drop_hopeless()
            run.hand_out()
            busy = run.busy()
            for pipe in connection.wait(list(busy), timeout=1):
                run.listen(busy[pipe])
            screen.update("study", len(run.outcome.done), len(cells))
    finally:
        for worker in run.pool:
            worker.stop()
        screen.finish("study")
    return run.outcome


class _Execution:
    """The state of ``run_cells``."""

    def __init__(self, cells: Sequence[Cell], workers: int, screen: Screen) -> None:
        self.total, self.workers, self.screen = len(cells), workers, screen
        self.outcome = Outcome({cell.job.signature for cell in cells if cell.run.done})
        self.waiting = [cell for cell in cells if not cell.run.done]
        self.pool: list[_Worker] = []
        self.tried: set[str] = set()
        if len(self.waiting) < len(cells):
            screen.say(f"{len(cells) - len(self.waiting)} of {len(cells)} runs exist already")

    def busy(self) -> dict[Any, _Worker]:
        """Workers at work, by their pipes."""
        return {worker.pipe: worker for worker in self.pool if worker.cell}

    def hand_out(self) -> None:
        """Give ready cells to idle workers, in the order of the study."""
        for cell in [cell for cell in self.waiting if cell.needs <= self.outcome.done]:
            idle = next((worker for worker in self.pool if worker.cell is None), None)
            if idle is None and len(self.pool) < self.workers:
                idle = _Worker()
                self.pool.append(idle)
            if idle is None:
                return
            try:
                idle.start(cell)
            except OSError:  # it died while it had nothing to do
                self.pool.remove(idle)
                idle.stop()
                return
            self.waiting.remove(cell)

    def drop_hopeless(self) -> None:
        """Fail the cells whose input failed."""
        for cell in self.waiting:
            lost = cell.needs & self.outcome.failed.keys()
            if lost:
                self.outcome.failed[cell.job.signature] = f"not run: its input {sorted(lost)[0]} failed"
        self.waiting = [cell for cell in self.waiting if cell.job.signature not in self.outcome.failed]

    def listen(self, worker: _Worker) -> None:
        """Take one message of a worker at work."""
        cell = worker.cell
        assert cell is not None
        try:
            message: tuple[Any, ...] = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker, cell)
            return
        if message[0] == "progress":
            self.screen.update(cell.name, *message[1:])
            return
        worker.cell = None
        if message[0] == "failed":
            self._fail(cell, *message[1:])
            return
        self.outcome.done.add(cell.job.signature)
        count = f"[{len(self.outcome.done):>{len(str(self.total))}}/{self.total}]"
        self.screen.finish(cell.name, f"{count} {title(cell)}: {time.monotonic() - worker.began:.1f} s")

    def _bury(self, worker: _Worker, cell: Cell) -> None:
        worker.process.join(5)
        self.pool.remove(worker)
        if cell.job.signature not in self.tried:
            self.tried.add(cell.job.signature)
            self.waiting.insert(0, cell)
            self.screen.finish(cell.name, f"{cell.name}: its process died; tried once more")
            return
        self._fail(
            cell,
            f"its process died twice (exit code {worker.process.exitcode}), most likely for lack of memory; try fewer --workers.",
            "",
        )

    def _fail(self, cell: Cell, message: str, trace: str) -> None:
        self.outcome.failed[cell.job.signature] = message
        with atomic(cell.run.path / "error.log") as file:
            file.write(f"{message}\n\n{trace}")
        self.screen.finish(cell.name, f"FAILED {cell.name}: {message}")


def title(cell: Cell) -> str:
    """Summary of a finished cell."""
    fold = cell.run.result["facets"]["fold"]
    return str(cell.run.result["summary"]) + ("" if fold is None else f", fold {fold}")
