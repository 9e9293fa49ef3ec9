"""How many processors there are for this process: physical cores, as far as it may use them.

Two hyperthreads share the arithmetic of one core: two processes on them did 1.3 to 1.5 times the work of one, and two spinning threads
less than one. So threads are counted by cores and worker processes by processors, of those that the process is bound to, within the quota
of its container.
"""

import os
from collections.abc import Iterable
from math import ceil
from pathlib import Path

TOPOLOGY = Path("/sys/devices/system/cpu")
GROUPS = Path("/sys/fs/cgroup")
MEMBER = Path("/proc/self/cgroup")


def cores() -> int:
    """Physical cores that this process may compute on, at least 1: one for all hyperthreads of a core, no more than a quota allows.

    Where the system does not say which processors share a core (not Linux), each counts as one.
    """
    return _granted(len({_siblings(one) for one in processors()}))


def slots() -> int:
    """Worker processes that have something to compute on, at least 1: one for each logical processor, no more than a quota allows."""
    return _granted(len(processors()))


def worker_count(workers: int) -> int:
    """Number of processes; 0 means one for each processor that this process may use, at most 16."""
    return workers or min(16, slots())


def _granted(found: int) -> int:
    quota = _quota()
    return max(1, found if quota is None else min(found, ceil(quota)))


def processors() -> frozenset[int]:
    """Numbers of the logical processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _siblings(processor: int) -> str:
    """The processors of the same core, as the system writes them; its own number where it says nothing."""
    folder = TOPOLOGY / f"cpu{processor}" / "topology"
    return _first_line(folder / "core_cpus_list", folder / "thread_siblings_list") or str(processor)


def _quota() -> float | None:
    """Processors' worth of time that the container grants, the least of its cgroups; None without a limit."""
    found = []
    for folder in _groups():
        limit, _, period = _first_line(folder / "cpu.max").partition(" ")
        if not limit:
            limit, period = (
                _first_line(folder / "cpu.cfs_quota_us"),
                _first_line(folder / "cpu.cfs_period_us"),
            )
        if limit.isdecimal() and period.isdecimal() and int(period):
            found.append(int(limit) / int(period))
    return min(found, default=None)


def _groups() -> Iterable[Path]:
    """The folders of the process's cgroups: its own and those above it, of version 2 and of the processor's in version 1."""
    try:
        lines = MEMBER.read_text().splitlines()
    except OSError:
        lines = []
    for line in ["0::/", *lines]:
        _, kinds, place = [*line.split(":", 2), "", ""][:3]
        if kinds and "cpu" not in kinds.split(","):
            continue
        top = GROUPS / "cpu" if kinds else GROUPS
        own = top / place.strip("/")
        if ".." in own.parts:
            continue
        yield own
        yield from (one for one in own.parents if one.is_relative_to(top))


def _first_line(*paths: Path) -> str:
    """The first line of the first of several files that is there; empty where none can be read."""
    for path in paths:
        try:
            return path.read_text().strip().partition("\n")[0]
        except OSError:
            continue
    return ""
