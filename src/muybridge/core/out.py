"""The folder after ``--out``: Muybridge writes only into folders that are empty or its own."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.core.records import write_json

MARKER = "muybridge.json"
OWN = ("runs", "tables", "report.html", "report.md", "study.json")


def claim(out: Path, *, resume: bool = True, overwrite: bool = False) -> None:
    """Make sure that ``out`` is a folder Muybridge may write to, and mark it as its own.

    Raises:
        UsageError: a file, a folder that cannot be written, a folder with other content, or earlier results where ``resume`` is off.
    """
    check(out, resume=resume, overwrite=overwrite)
    with _explained(out):
        out.mkdir(parents=True, exist_ok=True)
        if overwrite:
            _clear(out)
        for draft in filter(_is_draft, list(out.iterdir())):
            draft.unlink(missing_ok=True)
        if not (out / MARKER).exists():
            write_json(out / MARKER, {"made by": "muybridge", "layout": 1})


def check(out: Path, *, resume: bool = True, overwrite: bool = False) -> None:
    """The checks of ``claim`` without touching anything."""
    with _explained(out):
        above = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
        empty = not out.is_dir() or all(_is_draft(path) for path in out.iterdir())
    if not above.is_dir():
        raise UsageError(f"--out {out}: {above} is a file; wanted a folder.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(f"--out {out}: cannot be written. Choose a folder of your own.")
    if empty:
        return
    if not (out / MARKER).is_file():
        raise UsageError(
            f"--out {out}: holds files that Muybridge did not write. Choose an empty or a new folder."
        )
    if not resume and not overwrite:
        raise UsageError(
            f"--out {out}: holds earlier results. Drop --no-resume to go on where they stopped, or give --overwrite to start anew."
        )


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UsageError(
            f"--out {out}: cannot be written ({error.strerror}). Choose a folder of your own."
        ) from error


def _is_draft(path: Path) -> bool:
    """Whether a kill left it while the marker was being written."""
    return path.name.startswith(f".{MARKER}.") and path.suffix == ".part"


def _clear(out: Path) -> None:
    """Delete what Muybridge wrote, but for the mark: killed in between, the folder stays its own."""
    for name in OWN:
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
