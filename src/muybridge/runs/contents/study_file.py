"""``study.json``: what a study planned and how it ended, as everybody reads it."""

from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import TEXT
from muybridge.core.plain_data import read_json
from muybridge.runs.contents.result import misfit

NAME = "study.json"
_CELL = {"stage!": str, "signature!": str, "summary": str}
_WORD = (str, int, float, None)
TRIAL = {
    **dict.fromkeys(("objective!", "backbone!", "run!"), str),
    **dict.fromkeys(("factor!", "lr!", "held_out!"), float),
    "chosen!": bool,
}
"""One learning rate that was tried before a study: multiple of the task's own, accuracy on held-out training videos, and its run."""
FIELDS: dict[str, object] = {
    **dict.fromkeys(("name", "title", "command", "started", "reference"), str),
    "tables": [str],
    "claims": [dict],
    "arms": [str],
    "config": dict,
    "cells": [
        _CELL
        | {
            "facets": {"arm!": str, "protocol!": str, "data!": str, **dict.fromkeys(("level", "frames", "source"), _WORD)},
            "factors": dict,
        }
    ],
    "tuning": [TRIAL],
    "failed": [{"summary": str, "error": str, "log": str}],
}  # fmt: skip
"""Kind of every field that something reads (see ``result.misfit``)."""


def read_study(out: Path) -> dict[str, Any]:
    """The plan of the study that was run in a folder; empty where none was.

    Raises:
        MuybridgeError: damaged.
    """
    path = out / NAME
    try:
        content = read_json(path, TEXT)
    except FileNotFoundError:
        return {}
    wrong = misfit(content, FIELDS)
    if wrong:
        raise MuybridgeError(
            f"{path}: damaged ({'not a JSON object' if wrong == 'value' else f'{wrong!r} is of another kind'}). Delete it, or run the "
            "study again."
        )
    found: dict[str, object] = content
    return found
