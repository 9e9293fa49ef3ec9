"""Folders that appear whole or not at all, and never in the place of somebody's files."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from muybridge.backbones.outside.exported_folder import holds_export_alone
from muybridge.core.errors import UsageError


def refuse_existing(
    out: Path, overwrite: bool, folder: bool, ours: Callable[[Path], bool] = holds_export_alone
) -> None:
    """See that a name may be taken.

    Args:
        out: the name.
        overwrite: whether what has it may go.
        folder: whether it will be one.
        ours: whether a folder was written by the same command, as no other is ever deleted.

    Raises:
        UsageError: it is taken; says what to do.
    """
    if not os.path.lexists(out):
        return
    if folder != out.is_dir() or out.is_symlink():
        kind = "a link" if out.is_symlink() else "a folder" if out.is_dir() else "a file"
        raise UsageError(f"{out}: is {kind}; wanted the name of {'a new folder' if folder else 'a file'}.")
    if folder and not any(out.iterdir()):
        return
    if not overwrite:
        raise UsageError(f"{out}: is there. Give another name, or --overwrite.")
    if folder and not ours(out):
        raise UsageError(
            f"{out}: holds other files than such an export, which --overwrite does not delete. Give another name."
        )


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` to write into, which takes its name at the end; nothing is left of it where that is not reached.

    What had the name must have passed ``refuse_existing``, and goes when the new one is whole.
    """
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{uuid4().hex}.part")
    draft.mkdir()
    try:
        yield draft
        old = out.with_name(f".{out.name}.{uuid4().hex}.old")
        if out.is_dir():
            out.rename(old)
        try:
            draft.rename(out)
        except OSError:
            if old.is_dir():
                old.rename(out)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
