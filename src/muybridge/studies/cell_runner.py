"""Run the cells of a study, each once, wherever there is room; failures are kept and never in the way of others."""

import contextlib
import heapq
import os
import platform
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from muybridge.core.catalogue import pick
from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic
from muybridge.core.text.redact import redacted
from muybridge.core.text.screen import Screen
from muybridge.runs.mirror import fetch
from muybridge.runs.out import MARKER
from muybridge.store.lease import life
from muybridge.studies.executors import EXECUTORS, Executor
from muybridge.studies.executors.messages import Busy, Died, Done, Failed, Message, Progress
from muybridge.studies.plan import Cell
from muybridge.studies.state import results

LOOK_AHEAD = 16
"""Cells behind one that found no room which are tried too: they may want another device or less memory."""
PAUSE = 2.0
"""Seconds after which a cell that someone else computes is looked at again; doubled each time, up to half the life of a lease."""


@dataclass
class Outcome:
    """How a study ended: signatures of the finished cells, message per failed one."""

    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


def run_cells(
    cells: Sequence[Cell], workers: int, screen: Screen, executor: str = "local", address: str | None = None
) -> Outcome:
    """Finish what is missing; sound runs are not touched, damaged ones are computed again.

    A worker that dies (killed, out of memory) costs a second try of its cell; dying again fails that cell only. Cells that someone else
    computes are left for later.

    Args:
        cells: of a plan, inputs first.
        workers: cells at a time; 0 lets Ray and Slurm take all at once.
        screen: shows how far it is.
        executor: a name of ``executors.EXECUTORS``.
        address: where it runs them (``--address``).

    Raises:
        UsageError: unknown executor, or none at that address.
        MuybridgeError: the folder of the results has vanished.
    """
    schedule = _Schedule(cells, screen)
    if not schedule.is_open():
        return schedule.outcome
    place: Executor = pick("executors", EXECUTORS, executor)(workers, address)
    try:
        place.recall([cell for cell in cells if cell.job.signature in schedule.outcome.done])
        while schedule.is_open():
            schedule.hand_out(place)
            for cell, message in place.listen(min(1.0, PAUSE)):
                schedule.take(cell, message)
            screen.update("study", len(schedule.outcome.done), len(cells))
    finally:
        place.close()
        screen.finish("study")
    return schedule.outcome


class _Schedule:
    """What is done, ready, running, left for later or waiting for its inputs."""

    def __init__(self, cells: Sequence[Cell], screen: Screen) -> None:
        self.cells, self.screen = list(cells), screen
        self.outcome = Outcome()
        self.place = {cell.job.signature: place for place, cell in enumerate(cells)}
        self.ready: list[int] = []
        self.later: list[tuple[float, int]] = []
        self.began: dict[str, float] = {}
        self.tried: set[str] = set()
        self.busy: dict[str, int] = {}
        self.crowded = False
        self.random = Random(f"{platform.node()} {os.getpid()}")
        self.missing: dict[str, set[str]] = {}
        self.followers: dict[str, list[Cell]] = defaultdict(list)
        self.marker = cells[0].job.config.out / MARKER if cells else None
        self.marked = self.marker is not None and self.marker.exists()
        self._sort()

    def _sort(self) -> None:
        ended = results(self.cells)
        self.outcome.done = {cell.job.signature for cell in self.cells if self._exists(cell, ended)}
        if self.outcome.done:
            self.screen.say(
                f"{len(self.outcome.done)} of {len(self.cells)} runs were finished before and are not computed again"
            )
        for cell in self.cells:
            name = cell.job.signature
            if name in self.outcome.done:
                continue
            self.missing[name] = {need for need in cell.needs if need in self.place} - self.outcome.done
            for need in self.missing[name]:
                self.followers[need].append(cell)
            if not self.missing[name]:
                self._queue(cell)

    def _exists(self, cell: Cell, ended: Mapping[tuple[str, str], str]) -> bool:
        wrong = ended.get((cell.job.stage, cell.job.signature))
        if wrong:
            self.screen.say(f"{cell.name}: its result is not what was written; it is computed again. {wrong}")
        return wrong == ""

    def _queue(self, cell: Cell) -> None:
        heapq.heappush(self.ready, self.place[cell.job.signature])

    def is_open(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.ready or self.later or self.began)

    def hand_out(self, place: Executor) -> None:
        """Start ready cells while there is room, in the order of the study."""
        self._still_there()
        while self.later and self.later[0][0] <= time.monotonic():
            heapq.heappush(self.ready, heapq.heappop(self.later)[1])
        refused: list[int] = []
        while self.ready and len(refused) < LOOK_AHEAD:
            number = self._next()
            cell = self.cells[number]
            if place.start(cell):
                self.began[cell.job.signature] = time.monotonic()
            else:
                refused.append(number)
        for number in refused:
            heapq.heappush(self.ready, number)

    def _next(self) -> int:
        """The first ready cell; a random one after meeting someone else's, for others take them in the same order."""
        if not self.crowded:
            return heapq.heappop(self.ready)
        self.crowded = False
        number = self.ready.pop(self.random.randrange(len(self.ready)))
        heapq.heapify(self.ready)
        return number

    def _still_there(self) -> None:
        if self.marked and self.marker is not None and not self.marker.exists():
            raise MuybridgeError(
                f"--out {self.marker.parent}: vanished while the study ran (deleted, or its disk is gone). Bring it back and run the same "
                "command; what was finished there is kept."
            )

    def take(self, cell: Cell, message: Message) -> None:
        """Take one message of a started cell."""
        if isinstance(message, Progress):
            self.screen.update(cell.name, message.done, message.total, message.detail)
            return
        seconds = time.monotonic() - self.began.pop(cell.job.signature)
        if isinstance(message, Failed):
            self._fail(cell, message.text, message.trace)
        elif isinstance(message, Died):
            self._bury(cell, message)
        elif isinstance(message, Busy):
            self._postpone(cell, message)
        else:
            self._finish(cell, message, message.seconds or seconds)

    def _finish(self, cell: Cell, message: Done, seconds: float) -> None:
        name = cell.job.signature
        if message.signature != name:
            self._fail(
                cell, f"its worker signed it as {message.signature}: other data or another version there.", ""
            )
            return
        try:
            fetch(cell.run, weights=False)
            said = title(cell)
        except FileNotFoundError:
            self._fail(
                cell, f"finished, but {cell.run.path} is not there; --out must be a folder or URL that all machines share.", ""
            )  # fmt: skip
            return
        except MuybridgeError as error:
            self._fail(cell, f"finished, but its result cannot be read: {error}", "")
            return
        self.outcome.done.add(name)
        for follower in self.followers.pop(name, ()):
            self.missing[follower.job.signature].discard(name)
            if not self.missing[follower.job.signature] and follower.job.signature not in self.outcome.failed:
                self._queue(follower)
        count = f"[{len(self.outcome.done):>{len(str(len(self.cells)))}}/{len(self.cells)}]"
        self.screen.finish(cell.name, f"{count} {said}: {seconds:.1f} s")

    def _postpone(self, cell: Cell, message: Busy) -> None:
        name = cell.job.signature
        met = self.busy.get(name, 0)
        self.busy[name], self.crowded = met + 1, True
        pause = min(PAUSE * 2**met, max(PAUSE, life() / 2))
        heapq.heappush(self.later, (time.monotonic() + pause, self.place[name]))
        self.screen.finish(cell.name, "" if met else f"{cell.name}: {message.text} Others first.")

    def _bury(self, cell: Cell, message: Died) -> None:
        if cell.job.signature not in self.tried:
            self.tried.add(cell.job.signature)
            self._queue(cell)
            self.screen.finish(cell.name, f"{cell.name}: its process died; tried once more")
            return
        self._fail(
            cell, f"its process died twice ({message.text}), most likely for lack of memory; try fewer --workers.", ""
        )  # fmt: skip

    def _fail(self, cell: Cell, text: str, trace: str) -> None:
        """Keep a failure with its log, and fail what hangs on it."""
        text = redacted(text)
        self.outcome.failed[cell.job.signature] = text
        with contextlib.suppress(OSError), atomic(cell.run.path / "error.log") as file:
            file.write(redacted(f"{text}\n\n{trace}"))
        self.screen.finish(cell.name, f"FAILED {cell.name}: {text}")
        for follower in self.followers.pop(cell.job.signature, ()):
            if follower.job.signature not in self.outcome.failed:
                self._fail(follower, f"not run: its input {cell.job.signature} failed", "")


def title(cell: Cell) -> str:
    """Summary of a finished cell; its name where the result does not say."""
    result = cell.run.result
    fold = result.get("facets", {}).get("fold")
    return str(result.get("summary") or cell.name) + ("" if fold is None else f", fold {fold}")
