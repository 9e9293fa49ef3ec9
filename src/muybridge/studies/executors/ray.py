"""Cells as tasks of a Ray cluster (extra ``ray``). Results go to a folder that all its machines share, or to the URL of a store."""

import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from muybridge.core.errors import UsageError
from muybridge.core.machine.processes import ONE_THREAD
from muybridge.studies.executors.messages import Died, Done, Message
from muybridge.studies.executors.portable import portable_config, wants_gpu
from muybridge.studies.executors.room import Room
from muybridge.studies.executors.worker import work
from muybridge.studies.plan import Cell

QUEUED = 1000
"""Tasks handed to Ray at a time where ``workers`` sets no limit: a cluster that grows by demand must see it."""
PATIENCE = 10.0
"""Seconds to wait for a connection to the address, and for an answer."""
SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""Frame that opens a connection of HTTP/2 on both sides (RFC 9113, sections 3.4 and 6.5); its fourth byte is its type."""


class Ray:
    """The executor of a Ray cluster.

    Args:
        workers: cells at a time; 0: as many as the cluster takes.
        address: ``HOST:PORT`` of its head, ``auto`` for the one of this machine, ``ray://HOST:PORT`` of a client server; none starts a Ray
            on this machine, with as many processors as workers.

    Raises:
        UsageError: Ray is not installed, or none answers at the address.
    """

    def __init__(self, workers: int, address: str | None = None) -> None:
        self.ray = _import()
        self.limit = workers or QUEUED
        _connect(self.ray, workers, address)
        self.tasks: dict[object, Cell] = {}
        self.room = Room()

    def recall(self, finished: Sequence[Cell]) -> None:
        """Learn from runs that exist how much memory their kind takes."""
        for cell in finished:
            self.room.recall(cell)

    def start(self, cell: Cell) -> bool:
        """Hand a cell to Ray, which finds a machine with a processor, its memory and, if it wants one, a GPU."""
        if len(self.tasks) >= self.limit:
            return False
        needs: dict[str, object] = {"num_cpus": 1, "num_gpus": int(wants_gpu(cell)), "max_retries": 0}
        if self.room.is_known(cell):
            needs["memory"] = self.room.expected(cell)
        task = self.ray.remote(work).options(**needs).remote(portable_config(cell))
        self.tasks[task] = cell
        return True

    def listen(self, seconds: float) -> Iterator[tuple[Cell, Message]]:
        """Last words of the tasks that ended."""
        ended, _ = self.ray.wait(list(self.tasks), num_returns=1, timeout=seconds) if self.tasks else ([], [])
        for task in ended:
            cell = self.tasks.pop(task)
            message = self._result(task)
            if isinstance(message, Done):
                self.room.learn(cell, message.peak)
            yield cell, message

    def close(self) -> None:
        """Cancel what runs and leave the cluster."""
        for task in self.tasks:
            self.ray.cancel(task, force=True)
        self.ray.shutdown()

    def _result(self, task: object) -> Message:
        try:
            message: Message = self.ray.get(task)
        except self.ray.exceptions.RayError as error:
            return Died(str(error).strip().partition("\n")[0])
        return message


def _import() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UsageError("--executor ray: needs Ray; pip install 'muybridge[ray]'.") from error
    return ray


def _connect(ray: Any, workers: int, address: str | None) -> None:
    environment = {"env_vars": {**ONE_THREAD, **_own_variables()}}
    options: dict[str, object] = {
        "log_to_driver": False,
        "logging_level": "error",
        "runtime_env": environment,
    }
    if address is None:
        options |= {"num_cpus": workers or None, "include_dashboard": False}
    elif address != "auto":
        _knock(address)
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", **options)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray puts its own there
    except Exception as error:  # of many kinds, gRPC's and Ray's own
        raise UsageError(
            f"--address {address}: no Ray answers there ({type(error).__name__}: {error}). Start one with `ray start --head` and give its "
            "HOST:PORT, or leave --address out."
        ) from error


def _knock(address: str) -> None:
    """Refuse an address where nobody speaks HTTP/2, as gRPC does: Ray itself would try for many minutes."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or port is None:
        raise UsageError(f"--address {address}: wanted HOST:PORT, ray://HOST:PORT or auto.")
    try:
        with socket.create_connection((parts.hostname, port), timeout=PATIENCE) as line:
            line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS)
            answer = line.recv(len(SETTINGS))
        if answer[3:4] != SETTINGS[3:4] and not os.environ.get("RAY_USE_TLS"):
            raise OSError("what listens there speaks another language")
    except OSError as error:
        raise UsageError(
            f"--address {address}: no Ray answers there ({error}). Start one with `ray start --head` and give its HOST:PORT, or leave "
            "--address out."
        ) from error


def _own_variables() -> dict[str, str]:
    """Settings of Muybridge that hold on every machine; where caches lie is for each to say."""
    return {name: value for name, value in os.environ.items() if name == "MUYBRIDGE_LEASE"}
