"""What every executor does with a cell, and the process of the local one: cell after cell, one thread each, gone when its parent goes."""

import contextlib
import errno
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from muybridge.config.control import Control
from muybridge.core.errors import MuybridgeError
from muybridge.core.machine.interrupts import leave
from muybridge.core.machine.machine_memory import peak
from muybridge.core.machine.processes import follow
from muybridge.store.lease import BusyError, LostLeaseError
from muybridge.store.storage import learn_urls
from muybridge.studies.executors.messages import Busy, Done, Failed, Message, Progress

QUIET = 0.2
"""Seconds between progress messages."""


def work(config: Control, say: Callable[[Progress], None] | None = None) -> Message:
    """Run one cell in this process; returns its last word and raises nothing.

    Args:
        config: of a stage; paths and URLs as this machine understands them.
        say: hears how far it is.
    """
    import torch

    from muybridge.stages.job.execute import execute
    from muybridge.stages.job.resolve import resolve

    torch.set_num_threads(1)
    began = time.monotonic()
    try:
        run = execute(resolve(config), _throttled(say) if say else None, tell=None)
    except (BusyError, LostLeaseError) as error:
        return Busy(str(error))
    except Exception as error:
        return Failed(describe(error), traceback.format_exc())
    return Done(run.signature, peak(), time.monotonic() - began)


def serve(pipe: Connection, parent: int, urls: Mapping[str, str]) -> None:
    """Receive configs and send messages, until the other end is closed; ``urls`` are stores that its driver knows with their secrets."""
    follow(parent)
    signal.signal(signal.SIGTERM, leave)  # what a cell has learnt is saved first
    learn_urls(urls)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pipe.send(work(pipe.recv(), pipe.send))


def describe(error: BaseException) -> str:
    """One paragraph for people."""
    if isinstance(error, MuybridgeError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full. Free some space and run the same command again; finished runs are kept."
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.ESTALE, errno.ENOTCONN):
        return (
            f"{error.filename}: cannot be written ({error.strerror}). Make --out writable again and run the same command; "
            "finished runs are kept."
        )
    return f"{type(error).__name__}: {error}"


def _throttled(say: Callable[[Progress], None]) -> Callable[[int, int, dict[str, float]], None]:
    """Progress now and then."""
    last = 0.0

    def report(done: int, total: int, values: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > QUIET or done == total:
            last = now
            shown = [f"{name} {values[name]:.2f}" for name in ("loss", "accuracy") if name in values]
            say(Progress(done, total, " ".join(shown)))

    return report
