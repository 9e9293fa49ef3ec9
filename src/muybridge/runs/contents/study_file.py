"""``study.json``: what a study planned and how it ended, as everybody reads it."""

from pathlib import Path
from typing import TypedDict, cast

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import TEXT
from muybridge.core.plain_data import read_json
from muybridge.runs.contents.result import misfit
from muybridge.runs.contents.result_fields import Facets

NAME = "study.json"


class Trial(TypedDict, total=False):
    """One learning rate that was tried before a study: multiple of the task's own, accuracy on held-out training videos, and its run."""

    objective: str
    backbone: str
    run: str
    factor: float
    lr: float
    held_out: float
    chosen: bool


class PlannedCell(TypedDict, total=False):
    """A cell of the plan."""

    stage: str
    signature: str
    summary: str
    facets: Facets
    factors: dict[str, object]


class Failed(TypedDict, total=False):
    """A cell that failed: the last line of its error, and the file with all of it."""

    summary: str
    error: str
    log: str


class StudyFields(TypedDict, total=False):
    """All of it; kinds as in ``FIELDS``."""

    name: str
    title: str
    command: str
    started: str
    reference: str
    tables: list[str]
    claims: list[dict[str, object]]
    arms: list[str]
    config: dict[str, object]
    cells: list[PlannedCell]
    tuning: list[Trial]
    failed: list[Failed]


_CELL = {"stage!": str, "signature!": str, "summary": str}
_WORD = (str, int, float, None)
TRIAL = {
    **dict.fromkeys(("objective!", "backbone!", "run!"), str),
    **dict.fromkeys(("factor!", "lr!", "held_out!"), float),
    "chosen!": bool,
}
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


def read_study(out: Path) -> StudyFields:
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
    return cast(StudyFields, content)
