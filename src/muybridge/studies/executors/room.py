"""Whether memory is left for one more cell, judged by what cells of its kind took before."""

from collections.abc import Iterable

from muybridge.core.errors import MuybridgeError
from muybridge.core.machine import machine_memory
from muybridge.studies.plan import Cell

UNKNOWN = 1 << 30
"""Bytes reckoned for the first cell of a kind, where no other kind took more."""


class Room:
    """Peaks by kind of cell: stage, backbone and size of the clips."""

    def __init__(self) -> None:
        self.peaks: dict[tuple[object, ...], int] = {}

    def learn(self, cell: Cell, peak: int) -> None:
        """Note what a cell took, bytes."""
        self.peaks[kind(cell)] = max(peak, self.peaks.get(kind(cell), 0))

    def is_known(self, cell: Cell) -> bool:
        """Whether a cell of its kind was measured."""
        return bool(self.peaks.get(kind(cell)))

    def expected(self, cell: Cell) -> int:
        """Bytes that a cell will take: the most its kind took; of an unknown kind, the most any kind took."""
        return self.peaks.get(kind(cell)) or max([UNKNOWN, *self.peaks.values()])

    def is_enough(self, cell: Cell, at_work: Iterable[tuple[Cell, int | None]]) -> bool:
        """Whether a cell may start: what it will take fits into what is available, less what the running ones have yet to take.

        Args:
            cell: which.
            at_work: running cells with their processes. Beside none a cell may always start.
        """
        running = list(at_work)
        free = machine_memory.available()
        if not running or free is None:
            return True
        to_come = sum(max(0, self.expected(one) - machine_memory.resident(pid or 0)) for one, pid in running)
        return free - to_come >= self.expected(cell)

    def recall(self, cell: Cell) -> None:
        """Learn from a finished run, if its kind is unknown yet."""
        if kind(cell) not in self.peaks:
            try:
                self.learn(cell, int(cell.run.result.get("peak_memory") or 0))
            except (MuybridgeError, OSError):
                return


def kind(cell: Cell) -> tuple[object, ...]:
    """What decides how much memory a cell takes."""
    config = cell.job.config
    names = ("backbone", "frames", "crop", "batch", "objective")
    return (cell.job.stage, *(getattr(config, name, None) for name in names))
