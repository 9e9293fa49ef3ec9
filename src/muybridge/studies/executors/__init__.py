"""Where the cells of a study run: on this machine, on the machines of a Ray cluster, as jobs of Slurm. Imports nothing heavy."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from muybridge.core.catalogue import Entry
from muybridge.studies.executors.messages import Message

if TYPE_CHECKING:
    from muybridge.studies.plan import Cell

EXECUTORS = {
    "local": Entry("processes of this machine, one cell per GPU", "muybridge.studies.executors.local:Local"),
    "ray": Entry("tasks of a Ray cluster, or of a Ray started here", "muybridge.studies.executors.ray:Ray"),
    "slurm": Entry("jobs of Slurm through submitit", "muybridge.studies.executors.slurm:Slurm"),
}


@runtime_checkable
class Executor(Protocol):
    """Runs cells somewhere.

    Made from ``(workers, address)``: the largest number of cells at a time (0: as many as there is room for) and where to run them.
    """

    def recall(self, finished: Sequence["Cell"]) -> None:
        """Learn from runs that exist what cells of their kind need."""
        ...

    def start(self, cell: "Cell") -> bool:
        """Start a cell; False if there is no room for it now."""
        ...

    def listen(self, seconds: float) -> Iterable[tuple["Cell", Message]]:
        """What was said of the started cells; waits at most so long for something."""
        ...

    def close(self) -> None:
        """Stop what runs and let go of everything."""
        ...
