"""How often each line of the package runs, loops within a line included: what grows faster than the data is found by its line."""

import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import muybridge

OURS = str(Path(muybridge.__file__).parent)
Line = tuple[str, int]


def counted(work: Callable[[], object]) -> Counter[Line]:
    """Runs of each line of our own code, in this thread and those that start meanwhile; a comprehension counts once per element."""
    found: Counter[Line] = Counter()

    def inside(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            found[frame.f_code.co_filename, frame.f_lineno] += 1
        return inside

    def called(frame: FrameType, event: str, _: Any) -> Any:
        return inside if frame.f_code.co_filename.startswith(OURS) else None

    before = sys.gettrace()
    threading.settrace(called)
    sys.settrace(called)
    try:
        work()
    finally:
        sys.settrace(before)
        threading.settrace(before)
    return found


def squares(few: Counter[Line], many: Counter[Line], times: int, least: int) -> list[str]:
    """Lines that run much more than ``times`` as often on ``times`` the data: n log n stays below, n to the power of 1.5 does not.

    Args:
        few: counts with some data.
        many: counts with ``times`` as much.
        times: how much more.
        least: runs below which a line is left out, of the larger count: a few calls more or less say nothing.
    """
    most = 1.8 * times
    return [
        f"{Path(file).relative_to(OURS)}:{line} ran {few[file, line]:,} times, then {number:,}"
        for (file, line), number in sorted(many.items())
        if number >= least and number > most * max(1, few[file, line])
    ]
