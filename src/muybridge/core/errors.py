"""Errors meant for people: what went wrong, where, what was expected, and the way out.

The command line prints them as one paragraph and exits with ``exit_code``; everything else is a bug and keeps its traceback.
"""

from pathlib import Path

from muybridge.core.redact import redacted


class MuybridgeError(Exception):
    """A failure while working: broken input, full disk, interrupted run. Its words hold no secrets (``core.redact``)."""

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
