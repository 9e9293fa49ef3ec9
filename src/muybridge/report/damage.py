"""Which finished runs can be read: a damaged one is listed with its file, and the report goes on without it."""

import zipfile
from pathlib import Path
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.core.predictions import Predictions, read_predictions
from muybridge.core.records import Run, read_json, read_metrics
from muybridge.measure.accuracy import video_level

ANSWERING = ("probe", "knn", "finetune", "robustness")
WEIGHTS = ("last", "best-validation")
"""Sets of weights of a fine-tuning run; the rows of the one that it hands on are its ``predictions.parquet``."""
MAPPINGS = ("facets", "data", "budget", "config", "inputs")


def read_run(run: Run) -> Predictions | None:
    """Check every file of a run that a report uses; returns its rows by video and condition, None if its stage has none.

    Raises:
        MuybridgeError: a file is damaged; names it and the way out.
    """
    _check_result(run.path / "result.json")
    environment = run.path / "env.json"
    if environment.is_file() and not isinstance(read_json(environment), dict):
        raise _damaged(environment, "not a JSON object")
    _check_metrics(run.path / "metrics.jsonl")
    strips = run.path / "strips.npz"
    if strips.is_file() and not zipfile.is_zipfile(strips):
        raise _damaged(strips, "not a whole archive")
    return _rows(run.path / "predictions.parquet") if run.stage in ANSWERING else None


def read_others(run: Run) -> dict[str, Predictions]:
    """Rows of the weights that a run does not hand on, by the name of these weights; empty for most runs.

    Raises:
        MuybridgeError: a file is damaged.
    """
    paths = {name: run.path / f"predictions-{name}.parquet" for name in WEIGHTS}
    return {name: _rows(path) for name, path in paths.items() if path.is_file()}


def _check_result(path: Path) -> None:
    result = read_json(path)
    if not isinstance(result, dict):
        raise _damaged(path, "not a JSON object")
    for name in MAPPINGS:
        if not isinstance(result.get(name, {}), dict):
            raise _damaged(path, f"{name!r} is not a JSON object")
    if not isinstance(_seed(result), int):
        raise _damaged(path, "the seed is not a whole number")


def _seed(result: dict[str, Any]) -> object:
    said = result.get("facets", {}).get("seed")
    return 0 if said is None else said


def _check_metrics(path: Path) -> None:
    try:
        rows = read_metrics(path)
    except UnicodeDecodeError as error:
        raise _damaged(path, str(error)) from error
    if not all(isinstance(row, dict) and isinstance(row.get("step"), int) for row in rows):
        raise _damaged(path, "a line without step")


def _rows(path: Path) -> Predictions:
    try:
        return video_level(read_predictions(path))
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> MuybridgeError:
    return MuybridgeError(f"{path}: damaged ({why}). Delete its folder and run its command again.")
