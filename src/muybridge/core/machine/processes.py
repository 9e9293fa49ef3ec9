"""Starting worker processes: one thread each, memory kept between steps, and without running the caller's script again."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from types import ModuleType
from typing import Any

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Two processes that each spin with a thread per core are many times slower than two with one thread; and bits do not depend on cores."""
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
"""Lets glibc keep freed blocks for the next step instead of giving them back (benchmarks/step.py has the gain)."""


@contextmanager
def spawning() -> Iterator[None]:
    """Hold while spawned processes start.

    They get the environment above. ``__main__`` is hidden: a spawned process imports the main module of its parent, and a user's script
    without an ``if __name__ == "__main__"`` guard would run again in each of them; ours need nothing from it.
    """
    main, before = sys.modules["__main__"], dict(os.environ)
    sys.modules["__main__"] = ModuleType("__main__")
    os.environ.update(ONE_THREAD | KEEP_MEMORY)
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def pool(workers: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """``map`` in this process, or in several; spawned, since decoders do not survive a fork."""
    if workers <= 1:
        yield map
        return
    executor = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=follow, initargs=(os.getpid(),)
    )
    try:
        with spawning():
            yield executor.map
    finally:
        executor.shutdown(cancel_futures=True)


def follow(parent: int) -> None:
    """First thing a worker does: leave when its parent is gone, and let the parent handle Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
