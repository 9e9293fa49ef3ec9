"""Cells for other machines: nothing in them points into this one."""

import dataclasses
from pathlib import Path
from typing import Any

from muybridge.core.storage import portable
from muybridge.studies.plan import Cell


def portable_config(cell: Cell) -> Any:
    """The config of a cell, with the URL of its store where its results lie in a working copy; folders must be shared."""
    config = cell.job.config
    places: dict[str, Any] = {"out": Path(portable(str(config.out)))}
    for name in ("init", "model"):
        value = getattr(config, name, None)
        if value:
            places[name] = portable(value)
    return dataclasses.replace(config, **places)


def wants_gpu(cell: Cell) -> bool:
    """Whether a cell asks for a GPU by name; ``auto`` takes the one it finds."""
    return str(cell.job.config.device).startswith("cuda")
