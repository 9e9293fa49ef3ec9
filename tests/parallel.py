"""How many processes the suite runs in: as many as cores and memory allow, and none besides for a handful of files."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import psutil

from muybridge.core.machine import machine_memory

EACH = 3 << 30
"""Bytes that one of them may take, with the processes its tests start."""
MOST = 8
"""More do not help: the longest file takes an eighth of the whole suite."""
FEW = 4
"""Named files up to which one process is quicker than the start of several."""
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def processes(arguments: Sequence[str], root: Path) -> int:
    """Processes for these paths of a command line; 0 to stay in this one."""
    files = {root / word.partition("::")[0] for word in arguments}
    if len(files) <= FEW and all(path.is_file() for path in files):
        return 0
    return limited(cores(), machine_memory.available())


def limited(at_hand: int, free: int | None) -> int:
    """Processes for so many cores and free bytes."""
    room = MOST if free is None else free // EACH
    return max(1, min(at_hand, room, MOST))


def cores() -> int:
    """Cores that this process may use: two threads of one count once, and a container has no more than its share."""
    found = [psutil.cpu_count(logical=False) or os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        found.append(len(os.sched_getaffinity(0)))
    with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
        share, period = map(int, QUOTA.read_text(encoding="ascii").split())
        found.append(share // period)
    return max(1, min(found))
