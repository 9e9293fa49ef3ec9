"""Delete run folders: only what is one, never through a link, never under a process that works in it, never below those that rest on it."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.core.plain_names import SIGNATURE
from muybridge.runs.contents.result import RESULT
from muybridge.runs.mirror import place_of
from muybridge.runs.query import dependents
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow
from muybridge.store.lease import BusyError, hold
from muybridge.store.storage import store_of

SIGNS = ("config.yaml", "result.json", "error.log", "env.json", ".lock", "state")
"""What at least one of a run folder has."""


def discard(index: Index, doomed: Iterable[RunRow], force: bool = False) -> int:
    """Delete runs; nothing is deleted unless all of them may be.

    Args:
        index: of the folder they lie in.
        doomed: its rows.
        force: also those on which others rest.

    Returns:
        Bytes freed.

    Raises:
        UsageError: other runs rest on one, or it is no run folder ``OUT/runs/STAGE/SIGNATURE``, or that is a link.
        BusyError: a process is working in it.
    """
    doomed = list(doomed)
    check_discard(index, doomed, force)
    return sum(_delete(index.run(row)) for row in doomed)


def check_discard(index: Index, doomed: Sequence[RunRow], force: bool = False) -> None:
    """The checks of ``discard`` without touching anything."""
    rows, names = index.rows(), {row.name for row in doomed}
    for row in doomed:
        _check_folder(index.run(row).path)
        rest = [other.name for other in dependents(rows, row) if other.name not in names]
        if rest and not force:
            shown = ", ".join(rest[:3]) + (", ..." if len(rest) > 3 else "")
            raise UsageError(
                f"{row.name}: {len(rest)} runs rest on it: {shown}. Delete those too, or give --force."
            )


def _check_folder(path: Path) -> None:
    links = [one for one in (path, path.parent, path.parent.parent) if one.is_symlink()]
    if links:
        raise UsageError(f"{links[0]}: is a link; runs are deleted in the folder where they lie.")
    looks = path.parent.parent.name == "runs" and SIGNATURE.fullmatch(path.name) and path.is_dir()
    if not looks or not any((path / name).exists() for name in SIGNS):
        raise UsageError(f"{path}: is no run folder OUT/runs/STAGE/SIGNATURE. Nothing was deleted.")


def _delete(run: Run) -> int:
    """The result goes first, so that a folder half deleted counts as not done; a run in a store goes there too."""
    lock = run.path / ".lock"
    if lock.is_symlink():
        lock.unlink()  # opening it would make a file elsewhere
    freed = sum(one.lstat().st_size for one in run.path.rglob("*"))
    store = store_of(run.path)
    try:
        with hold(run.path, place_of(run)):
            with suppress(FileNotFoundError, IsADirectoryError):
                (run.path / RESULT).unlink()
            if store:
                store.clear([RESULT, *store.names()])
            shutil.rmtree(run.path)
    except BusyError as error:
        raise BusyError(f"{run.path}: {error} Stop that first.") from error
    with suppress(OSError):
        run.path.parent.rmdir()
    return freed
