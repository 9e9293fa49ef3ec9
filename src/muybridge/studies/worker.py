"""A worker process: runs cells one after the other, one thread each, and goes when its parent goes."""

import contextlib
import time
import traceback
from multiprocessing.connection import Connection

from muybridge.core.errors import MuybridgeError
from muybridge.core.processes import follow

QUIET = 0.2
"""Seconds between progress messages."""


def serve(pipe: Connection, parent: int) -> None:
    """Receive configs, send ``("progress", done, total, detail)``, then ``("done",)`` or ``("failed", message, trace)``."""
    follow(parent)
    import torch

    from muybridge.stages.job import execute

    torch.set_num_threads(1)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            config = pipe.recv()
            try:
                execute(config, _Messenger(pipe))
                pipe.send(("done",))
            except Exception as error:
                pipe.send(("failed", describe(error), traceback.format_exc()))


def describe(error: BaseException) -> str:
    """One paragraph for people."""
    if isinstance(error, MuybridgeError):
        return str(error)
    if isinstance(error, OSError) and error.errno == 28:
        return "the disk is full. Free some space and run the same command again; finished runs are kept."
    return f"{type(error).__name__}: {error}"


class _Messenger:
    """Sends progress now and then."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.last = pipe, 0.0

    def __call__(self, done: int, total: int, values: dict[str, float]) -> None:
        now = time.monotonic()
        if now - self.last > QUIET or done == total:
            self.last = now
            detail = " ".join(f"{name} {values[name]:.2f}" for name in ("loss", "accuracy") if name in values)
            self.pipe.send(("progress", done, total, detail))
