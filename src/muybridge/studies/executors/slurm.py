"""Cells as jobs of Slurm through submitit (extra ``slurm``). Results go to a folder that all nodes share, or to the URL of a store."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from muybridge.core.errors import UsageError
from muybridge.studies.executors.messages import Died, Done, Message
from muybridge.studies.executors.portable import portable_config, wants_gpu
from muybridge.studies.executors.room import Room
from muybridge.studies.executors.worker import work
from muybridge.studies.plan import Cell

QUEUED = 200
"""Jobs in the queue at a time where ``workers`` sets no limit."""
LOGS = "slurm"
"""Folder below ``OUT/`` with the jobs' own logs."""


class Slurm:
    """The executor of a Slurm cluster.

    Args:
        workers: jobs at a time; 0: at most ``QUEUED``.
        address: parameters of submitit as NAME=VALUE words with commas between, as ``slurm_partition=gpu,timeout_min=600``; of them
            ``cluster`` chooses ``slurm`` (when not given), ``local`` (processes of this machine) or ``debug`` (this process).

    Raises:
        UsageError: submitit or Slurm is not there, or a parameter is unknown.
    """

    def __init__(self, workers: int, address: str | None = None) -> None:
        self.submitit = _import()
        self.limit = workers or QUEUED
        self.parameters = _parameters(address)
        self.cluster = str(self.parameters.pop("cluster", "slurm"))
        self.executor: Any = None
        self.jobs: list[tuple[Any, Cell]] = []
        self.room = Room()

    def recall(self, finished: Sequence[Cell]) -> None:
        """Learn from runs that exist how much memory their kind takes."""
        for cell in finished:
            self.room.recall(cell)

    def start(self, cell: Cell) -> bool:
        """Submit a cell."""
        if len(self.jobs) >= self.limit:
            return False
        self.executor = self.executor or self._open(cell)
        needs: dict[str, object] = {"gpus_per_node": 1} if wants_gpu(cell) else {}
        if self.room.is_known(cell):
            needs["mem_gb"] = round(self.room.expected(cell) * 1.2 / 2**30 + 0.5, 1)
        self.executor.update_parameters(**{"cpus_per_task": 1, **needs, **self.parameters})
        self.jobs.append((self.executor.submit(work, portable_config(cell)), cell))
        return True

    def listen(self, seconds: float) -> Iterator[tuple[Cell, Message]]:
        """Last words of the jobs that ended."""
        ended = [(job, cell) for job, cell in self.jobs if job.done()]
        if not ended:
            time.sleep(seconds)
        for job, cell in ended:
            self.jobs.remove((job, cell))
            message = _result(job)
            if isinstance(message, Done):
                self.room.learn(cell, message.peak)
            yield cell, message

    def close(self) -> None:
        """Cancel what is queued or running."""
        for job, _ in self.jobs:
            job.cancel()

    def _open(self, cell: Cell) -> object:
        try:
            executor = self.submitit.AutoExecutor(folder=cell.job.config.out / LOGS, cluster=self.cluster)
            executor.update_parameters(**self.parameters)
        except (RuntimeError, ValueError, NameError, TypeError, AssertionError) as error:
            raise UsageError(f"--executor slurm: {error}") from error
        return executor


def _import() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise UsageError("--executor slurm: needs submitit; pip install 'muybridge[slurm]'.") from error
    return submitit


def _parameters(address: str | None) -> dict[str, object]:
    """``a=1,b=x`` to a dictionary; whole numbers become numbers."""
    words = [word for word in (address or "").split(",") if word]
    for word in words:
        if "=" not in word:
            raise UsageError(
                f"--address {address}: wanted NAME=VALUE words with commas between, got {word!r}."
            )
    pairs = (word.split("=", 1) for word in words)
    return {name: int(value) if value.isdigit() else value for name, value in pairs}


def _result(job: Any) -> Message:
    try:
        message: Message = job.result()
    except Exception as error:  # submitit's own, or what its pickle could not read
        return Died(str(error).strip().partition("\n")[0])
    return message
