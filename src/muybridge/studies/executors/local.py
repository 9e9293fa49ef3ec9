"""Processes of this machine: one per CPU slot or GPU, each cell in one of them, no more cells than memory allows."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import connection, get_context

from muybridge.core.errors import UsageError
from muybridge.core.machine.processes import spawning
from muybridge.store.storage import known_urls
from muybridge.studies.executors.messages import Died, Done, Message, Progress
from muybridge.studies.executors.room import Room
from muybridge.studies.executors.worker import serve
from muybridge.studies.plan import Cell

GPUS = "CUDA_VISIBLE_DEVICES"
SAVING = 60.0
"""Seconds that a process may take for its step and its state when it is asked to end."""


class Worker:
    """A process, its pipe and the cell it works on."""

    def __init__(self, environment: dict[str, str]) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, os.getpid(), known_urls()), daemon=True)
        with spawning():
            os.environ.update(environment)
            self.process.start()
        theirs.close()
        self.ending = False

    def give(self, config: object) -> None:
        """Send it a cell; that it cannot be reached is heard when it is listened to."""
        with contextlib.suppress(OSError):
            self.pipe.send(config)

    def end(self) -> None:
        """Ask the process to end, once."""
        if not self.ending:
            self.ending = True
            self.process.terminate()

    def stop(self) -> None:
        """End the process; it has the time to save what it has learnt."""
        self.end()
        self.process.join(SAVING)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Slot:
    """Room for one cell: a share of the processors, or a GPU. Its process is started with its first cell, and again after it has died."""

    def __init__(self, gpu: str | None = None) -> None:
        self.gpu = gpu
        self.worker: Worker | None = None
        self.cell: Cell | None = None

    def give(self, cell: Cell) -> None:
        """Start a cell. The process of a GPU sees that one only, whatever its number outside."""
        if self.worker and not self.worker.process.is_alive():  # it died while it had nothing to do
            self.drop()
        self.worker = self.worker or Worker({} if self.gpu is None else {GPUS: self.gpu})
        config = cell.job.config
        self.worker.give(config if self.gpu is None else replace(config, device="cuda"))
        self.cell = cell

    def drop(self) -> None:
        """Forget the process."""
        if self.worker:
            self.worker.stop()
            self.worker = None


class Local:
    """The executor of this machine.

    Args:
        workers: cells at a time on processors; a GPU takes one cell each.
        address: must be empty.
    """

    def __init__(self, workers: int, address: str | None = None) -> None:
        if address:
            raise UsageError(
                f"--address {address}: the local executor has none; give --executor ray or slurm."
            )
        self.processors = [Slot() for _ in range(max(1, workers))]
        self.gpus = {name: Slot(name) for name in visible_gpus()}
        self.room = Room()

    @property
    def slots(self) -> list[Slot]:
        """All of them."""
        return [*self.processors, *self.gpus.values()]

    def recall(self, finished: Sequence[Cell]) -> None:
        """Learn from runs that exist how much memory their kind takes."""
        for cell in finished:
            self.room.recall(cell)

    def start(self, cell: Cell) -> bool:
        """Start a cell where there is a free slot and enough memory."""
        idle = next((slot for slot in self._slots_for(cell) if slot.cell is None), None)
        at_work = [(slot.cell, slot.worker.process.pid) for slot in self.slots if slot.cell and slot.worker]
        if idle is None or not self.room.is_enough(cell, at_work):
            return False
        idle.give(cell)
        return True

    def listen(self, seconds: float) -> Iterator[tuple[Cell, Message]]:
        """Messages of the processes at work; of one that has died, that it did."""
        busy = {slot.worker.pipe: slot for slot in self.slots if slot.cell and slot.worker}
        for pipe in connection.wait(list(busy), timeout=seconds):
            slot = busy[pipe]  # type: ignore[index]
            cell = slot.cell
            assert cell is not None
            message = _message(slot)
            if not isinstance(message, Progress):
                slot.cell = None
            if isinstance(message, Done):
                self.room.learn(cell, message.peak)
            yield cell, message

    def close(self) -> None:
        """End all processes, which save at the same time."""
        for slot in self.slots:
            if slot.worker:
                slot.worker.end()
        for slot in self.slots:
            slot.drop()

    def _slots_for(self, cell: Cell) -> list[Slot]:
        config = cell.job.config
        device = config.device
        if device == "cpu" or device == "mps" or not self.gpus:
            return self.processors
        if device.startswith("cuda:"):
            return [list(self.gpus.values())[int(device[5:])]]
        return list(self.gpus.values())


def visible_gpus() -> list[str]:
    """Names of the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` takes them; no context is made on them."""
    import torch

    named = [name for name in os.environ.get(GPUS, "").split(",") if name]
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return named[:count] if named else [str(number) for number in range(count)]


def _message(slot: Slot) -> Message:
    assert slot.worker is not None
    try:
        message: Message = slot.worker.pipe.recv()
    except (EOFError, OSError):
        slot.worker.process.join(5)
        code = slot.worker.process.exitcode
        slot.drop()
        return Died(f"exit code {code}")
    return message
