"""The folder after ``--out``: Muybridge writes only into folders that are empty or its own."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.core.files import TEXT
from muybridge.core.plain_data import read_json, write_json
from muybridge.runs.mirror import synchronise
from muybridge.store.storage import Store, lacks_secrets, local, portable, store_of

MARKER = "muybridge.json"
LAYOUT = 1
OWN = ("runs", "audit", "tables", "track", "slurm", "report.html", "report.md", "study.json")


def claim(out: Path, *, resume: bool = True, overwrite: bool = False) -> None:
    """Make sure that ``out`` is a folder Muybridge may write to, and mark it as its own.

    The working copy of a store is brought up to date, and what could not be published before is.

    Raises:
        UsageError: a file, a folder that cannot be written, one with other content or of a newer version, or earlier results where
            ``resume`` is off.
        StoreError: the store does not answer or refuses.
    """
    out = local(out)
    check(out, resume=resume, overwrite=overwrite)
    store = store_of(out)
    with _explained(out):
        out.mkdir(parents=True, exist_ok=True)
        if overwrite:
            _clear(out)
        for draft in filter(_is_draft, list(out.iterdir())):
            draft.unlink(missing_ok=True)
        if not (out / MARKER).exists():
            write_json(out / MARKER, {"made by": "muybridge", "layout": LAYOUT})
    if store is not None:
        if overwrite:
            store.clear(OWN)
        if store.read(MARKER) is None:
            store.create(MARKER, (out / MARKER).read_bytes())
        synchronise(out)


def check(out: Path, *, resume: bool = True, overwrite: bool = False) -> None:
    """The checks of ``claim`` without touching anything."""
    out = local(out)
    if lacks_secrets(out):
        raise UsageError(
            f"--out {portable(str(out.absolute()))}: its password is not known here. Give the whole URL, or put the password where the "
            "driver of the store looks for it."
        )
    store = store_of(out)
    if store is not None:
        _check_store(store, resume or overwrite)
    with _explained(out):
        above = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
        empty = not out.is_dir() or all(_is_draft(path) for path in out.iterdir())
    if not above.is_dir():
        raise UsageError(f"--out {out}: {above} is a file; wanted a folder.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(f"--out {out}: cannot be written. Choose a folder of your own.")
    if empty:
        return
    links = [name for name in OWN if (out / name).is_symlink()]
    if links and not overwrite:
        raise UsageError(
            f"--out {out}: {links[0]} in it is a link, and links below an --out folder are not followed. Link the folder itself, or "
            "put what the link points to in its place."
        )
    if not (out / MARKER).is_file():
        raise UsageError(
            f"--out {out}: holds files that Muybridge did not write. Choose an empty or a new folder."
        )
    marked = read_json(out / MARKER, TEXT)
    layout = marked.get("layout", LAYOUT) if isinstance(marked, dict) else None
    if not isinstance(layout, int):
        raise UsageError(f"--out {out}: {MARKER} in it is damaged. Choose another folder.")
    if layout > LAYOUT:
        raise UsageError(
            f"--out {out}: written by a newer Muybridge (layout {layout}; this one knows up to {LAYOUT}). Update muybridge."
        )
    if not resume and not overwrite:
        raise UsageError(
            f"--out {out}: holds earlier results. Drop --no-resume to go on where they stopped, or give --overwrite to start anew."
        )


def _check_store(store: Store, again: bool) -> None:
    """Refuse a store with foreign content, or with earlier results that are not wanted."""
    names = store.names()
    if names and MARKER not in names:
        raise UsageError(
            f"--out {store.url}: holds files that Muybridge did not write. Choose an empty or a new place."
        )
    if names and not again:
        raise UsageError(
            f"--out {store.url}: holds earlier results. Drop --no-resume to go on where they stopped, or give --overwrite to start anew."
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
