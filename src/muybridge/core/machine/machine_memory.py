"""Memory of this machine and of one process, from Linux's /proc; None or 0 where there is none, and then nothing is limited."""

import contextlib
from pathlib import Path

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes that new processes may take: of the machine, or of the container if that has less left."""
    lines = _fields(PROC / "meminfo")
    if "MemAvailable" not in lines:
        return None
    free = lines["MemAvailable"]
    with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        free = min(free, limit - used + _reclaimable())
    return max(0, free)


def resident(process: int | str = "self") -> int:
    """Bytes that a process has in memory now."""
    return _fields(PROC / str(process) / "status").get("VmRSS", 0)


def peak() -> int:
    """Most bytes that this process had in memory since ``restart_peak``."""
    return _fields(PROC / "self" / "status").get("VmHWM", 0)


def restart_peak() -> None:
    """Forget the peak so far."""
    with contextlib.suppress(OSError):
        (PROC / "self" / "clear_refs").write_text("5", encoding="ascii")


def _fields(path: Path) -> dict[str, int]:
    """Bytes by name of a file with ``Name:  12 kB`` lines."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in pairs}


def _reclaimable() -> int:
    """Bytes of files that the container has read and the kernel may drop."""
    lines = (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
