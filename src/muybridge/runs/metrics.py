"""``metrics.jsonl`` and journals: one row a line, appended while a run goes on."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import append_text, atomic, read_bytes
from muybridge.core.parse import DEPTH
from muybridge.runs.contents.result import AGAIN, misfit

LINES = 1 << 30
"""Most bytes of a ``metrics.jsonl``."""
ROW: dict[str, object] = {"step": int} | dict.fromkeys(
    ("clips", "loss", "accuracy", "chance", "lr", "grad_norm"), (float, None)
)
"""Kinds of what readers take from a row."""
CURVE = {"step!": int} | ROW
"""The same of a training curve, where each row has its step."""


def append_metrics(path: Path, row: Mapping[str, object]) -> None:
    """Append one line to a ``metrics.jsonl``."""
    append_text(path, json.dumps(row) + "\n")


def keep_metrics(path: Path, last_step: int) -> None:
    """Drop the lines after ``last_step``: what a killed run wrote beyond its last saved state."""
    kept = [row for row in read_metrics(path, CURVE) if row["step"] <= last_step]
    with atomic(path) as file:
        file.writelines(json.dumps(row) + "\n" for row in kept)


def read_metrics(path: Path, kind: Mapping[str, object] = ROW) -> list[dict[str, Any]]:
    """Rows of a ``metrics.jsonl`` or a journal; an unfinished last line is left out. Numbers may be NaN or infinite, as losses are.

    Args:
        path: of the file.
        kind: of its rows, as of ``result.misfit``.

    Raises:
        MuybridgeError: no text, or a line that no run writes; names it.
    """
    try:
        text = read_bytes(path, LINES).decode()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise MuybridgeError(f"{path}: damaged ({error}). {AGAIN}") from error
    if re.search(r"[0-9]{40}|\\u[dD][89a-fA-F]", text):
        raise MuybridgeError(f"{path}: damaged (a number of 40 digits, or half a letter). {AGAIN}")
    rows: list[dict[str, object]] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            break
        except RecursionError:
            row = None
        if not isinstance(row, dict) or misfit(row, kind) or line.count("[") + line.count("{") > DEPTH:
            raise MuybridgeError(f"{path}: damaged (line {number} is no row that a run writes). {AGAIN}")
        rows.append(row)
    return rows
