"""Errors meant for people: what went wrong, where, what was expected, and the way out.

The command line prints them as one paragraph and exits with ``exit_code``; everything else is a bug and keeps its traceback.
"""

import errno
from pathlib import Path

from muybridge.core.text.redact import redacted


class MuybridgeError(Exception):
    """A failure while working: broken input, full disk, interrupted run. Its words hold no secrets (``core.text.redact``)."""

    exit_code = 1

    def __init__(self, *words: object) -> None:
        super().__init__(*(redacted(one) if isinstance(one, str) else one for one in words))


class UsageError(MuybridgeError):
    """The request itself cannot be served: unknown name, impossible combination, folder in the way."""

    exit_code = 2


class VideoError(MuybridgeError):
    """A video cannot give a frame that was asked for.

    Attributes:
        path: the file.
        frame: index of the first frame that could not be read; None when the file could not be opened at all.
        reason: what the decoder said, in one line.
    """

    def __init__(self, path: str | Path, frame: int | None, reason: str) -> None:
        self.path, self.frame, self.reason = Path(path), frame, reason
        where = "cannot be opened as a video" if frame is None else f"cannot give frame {frame}"
        super().__init__(f"{path}: {where}: {reason}")

    def __reduce__(self) -> tuple[type["VideoError"], tuple[Path, int | None, str]]:
        return type(self), (self.path, self.frame, self.reason)


MEMORY = (
    "the memory of this machine, or the limit that was set (ulimit -v), does not suffice. Try a smaller --batch or fewer --workers; "
    "what is finished is kept."
)
EXPLAINED = (
    ("out of memory", MEMORY),
    ("allocate memory", MEMORY),
    ("not enough memory", MEMORY),
    (
        "start new thread",
        "no thread can be started: the limit of processes (ulimit -u) or of memory is reached. Try fewer --workers.",
    ),
    (
        "home directory",
        "no home folder is known: $HOME is not set and this user has no entry. Set HOME, or MUYBRIDGE_CACHE to a folder.",
    ),
)
"""What libraries say when a machine, and not this program, is at its end, and words for it."""


def explained(error: BaseException) -> str:
    """Words for an error of the machine, with the way out; empty for all others, which are bugs."""
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, MemoryError):
        return MEMORY
    if type(error).__name__ == "BrokenProcessPool":
        return "a worker process died, most likely for lack of memory. Try fewer --workers; what is finished is kept."
    said = str(error).lower()
    known = isinstance(error, RuntimeError | KeyError)
    return next((words for sign, words in EXPLAINED if known and sign in said), "")


def _of_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{where}the disk is full. Free some space and run the same command again; finished runs are kept."
    if error.errno == errno.ENOMEM:
        return f"{where}{MEMORY}"
    return f"{where}{error.strerror or error}. Check the path and the rights; finished runs are kept."
