"""Cells for other machines: nothing in them points into this one."""

import dataclasses
from pathlib import Path
from typing import Any

from muybridge.core.errors import UsageError
from muybridge.core.text.redact import HIDDEN
from muybridge.store.storage import portable
from muybridge.studies.plan import Cell


def portable_config(cell: Cell) -> object:
    """The config of a cell, with the URL of its store where its results lie in a working copy; folders must be shared.

    Raises:
        UsageError: the URL holds secrets, which files of jobs and logs of clusters would keep.
    """
    config = cell.job.config
    if HIDDEN in portable(str(config.out)):
        raise UsageError(
            f"--out {portable(str(config.out))}: a password in a URL is not handed to other machines. Put it where the driver of the "
            "store looks for it there (variables, configuration files), and give the URL without."
        )
    places: dict[str, Any] = {"out": Path(portable(str(config.out)))}
    for name in ("init", "model"):
        value = getattr(config, name, None)
        if value:
            places[name] = portable(value)
    return dataclasses.replace(config, **places)


def wants_gpu(cell: Cell) -> bool:
    """Whether a cell asks for a GPU by name; ``auto`` takes the one it finds."""
    return str(cell.job.config.device).startswith("cuda")
