"""The file lock of the operating system: freed by the kernel when its holder dies, and worth nothing between machines.

Whoever only waits for his turn takes ``filelock``. A lease needs more than that library says: which lock this is, by kernel, device and
inode, so that two machines that see the same path know whether the lock binds both, and that a file system has no locks at all.
"""

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class OsLock:
    """An exclusive lock on a file among the processes of this machine.

    Attributes:
        name: names lock file and running kernel: two processes that see the same name exclude each other. Empty where there is no lock.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, ""
        self._file: int | None = None

    def take(self) -> bool | None:
        """Try once: True if it is ours now, False if another has it, None if this file system or platform has no such lock."""
        if sys.platform == "win32":
            return None
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        self.name = f"{_kernel()}:{os.fstat(file).st_dev}:{os.fstat(file).st_ino}"
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:  # ENOSYS, ENOTSUP, ENOLCK: a network folder mounted without locks
            os.close(file)
            self.name = ""
            return None
        self._file = file
        return True

    def give_back(self) -> None:
        """Unlock, if it is ours."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _kernel() -> str:
    """Name of the running kernel; of the machine where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return os.uname().nodename if sys.platform != "win32" else ""
