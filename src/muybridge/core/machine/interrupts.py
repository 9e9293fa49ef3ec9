"""SIGINT and SIGTERM at a good moment: what must not be left half done is done first, and what was done is kept."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def whole() -> Iterator[None]:
    """Do what stands inside to its end: the first signal that comes meanwhile is heard right behind it.

    Signals that are ignored or end the process without Python stay as they are, and so does everything outside the main thread, where
    Python hears no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}
    heard: list[int] = []

    def listen(number: int, _: FrameType | None) -> None:
        heard.append(number)

    for number in NUMBERS:
        handler = signal.getsignal(number)
        if callable(handler):
            before[number] = handler
            signal.signal(number, listen)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        before[signal.Signals(heard[0])](heard[0], None)


def leave(*_: object) -> None:
    """A handler that ends the process as an exception would, so that what was done can be kept."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)
