"""Which finished runs can be read: a damaged one is listed with its file, and the report goes on without it.

Whether a run is what was written is known by then (``runs.run_index``); here it is what a report can use.
"""

from functools import partial
from pathlib import Path

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import TEXT
from muybridge.core.plain_data import read_json
from muybridge.measure.accuracy import video_level
from muybridge.measure.robustness.answer_columns import Tested, answers_of
from muybridge.report.gather.read_maps import STAGE, maps_of
from muybridge.runs.contents.predictions import Predictions, read_pieces, read_predictions
from muybridge.runs.contents.strips import read_strips
from muybridge.runs.records import Run
from muybridge.runs.stages import of_runs

TEMPLATES = "templates.parquet"
"""Answers of a zero-shot run under each template alone."""
WEIGHTS = ("last", "best-validation")
"""Sets of weights of a fine-tuning run; the rows of the one that it hands on are its ``predictions.parquet``."""


def read_run(run: Run) -> Tested | None:
    """Check every file of a run that a report uses; returns its answers, None if its stage has none.

    Args:
        run: a finished run.

    Raises:
        MuybridgeError: a file is damaged; names it and the way out.
    """
    _ = run.result
    environment = run.path / "env.json"
    if environment.exists() and not isinstance(read_json(environment, TEXT), dict):
        raise _damaged(environment, "not a JSON object")
    _ = run.metrics
    read_strips(run.path / "strips.npz", pixels=False)
    if run.stage == STAGE:
        maps_of(run)
    if run.stage == "zeroshot":
        read_predictions(run.path / TEMPLATES)
    return _rows(run.path / "predictions.parquet") if of_runs(run.stage).runs == "answers" else None


def read_others(run: Run) -> dict[str, Tested]:
    """Answers of the weights that a run does not hand on, by the name of these weights; empty for most runs.

    Raises:
        MuybridgeError: a file is damaged.
    """
    paths = {name: run.path / f"predictions-{name}.parquet" for name in WEIGHTS}
    return {name: _rows(path) for name, path in paths.items() if path.is_file()}


def _rows(path: Path) -> Tested:
    """The answers of a file, whose rows are looked at in pieces."""
    try:
        return answers_of(read_pieces(path), partial(_under, path))
    except ValueError as error:  # no rows, or rows that contradict each other
        raise _damaged(path, str(error)) from error


def _under(path: Path, name: str) -> Predictions:
    """The rows of one perturbation, views averaged."""
    return video_level(read_predictions(path, only=name))


def _damaged(path: Path, why: str) -> MuybridgeError:
    return MuybridgeError(f"{path}: damaged ({why}). Delete its folder and run its command again.")
