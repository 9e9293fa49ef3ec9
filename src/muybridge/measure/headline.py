"""Headline numbers of a run: what a list of runs shows beside its name. Tables and intervals are never made from them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from muybridge.core.errors import MuybridgeError
from muybridge.measure.accuracy import video_level
from muybridge.measure.intervals import CLEAN, Condition
from muybridge.measure.robustness_scores import grid, mean_over_types
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.records import Run

ORDER = ("accuracy", "perturbed", "recall", "pretext", "loss")
"""Names of headline numbers, the most telling first."""


def headline(run: Run, told: Mapping[str, Any] | None = None) -> dict[str, float]:
    """The numbers that a run has.

    Args:
        run: its folder, with every file but perhaps its ``result.json``.
        told: content of that; read when None.

    Returns:
        ``accuracy``: top-1 without perturbation, views averaged. ``perturbed``: mean over severities and then types, without types that
        change the label or were seen in training. ``recall``: at 1, of neighbours. ``pretext`` (accuracy of the pretext task) and
        ``loss``: last row of the training curve. All but ``loss`` are fractions; what a run does not have is left out.

    Raises:
        MuybridgeError: a file of the run is damaged.
    """
    path, result = run.path / "predictions.parquet", run.result if told is None else told
    try:
        found = _answers(read_predictions(path), result) if path.is_file() else {}
    except ValueError as error:  # no rows, or rows that contradict each other
        raise MuybridgeError(
            f"{path}: damaged ({error}). Delete its folder and run its command again."
        ) from error
    recall = next((one.get("value") for one in result.get("recall", []) if one.get("k") == 1), None)
    if recall is not None:
        found["recall"] = float(recall)
    return found | _last(run.metrics, run.stage == "pretrain")


def _answers(rows: Predictions, result: Mapping[str, Any]) -> dict[str, float]:
    cells = _accuracies(video_level(rows))
    found = {"accuracy": float(cells[CLEAN])} if CLEAN in cells else {}
    wanted = grid(cells)
    left_out = {*result.get("label_changing", []), *result.get("seen", [])}
    if wanted.keys() - left_out:
        found["perturbed"] = float(mean_over_types(cells, wanted, left_out))
    return found


def _accuracies(rows: Predictions) -> dict[Condition, np.float64]:
    """Accuracy by condition, of rows sorted by it."""
    new = (rows.perturbation[1:] != rows.perturbation[:-1]) | (rows.severity[1:] != rows.severity[:-1])
    starts = np.flatnonzero(np.concatenate([[True], new]))
    share = np.add.reduceat(rows.correct.astype(np.float64), starts) / np.diff(np.append(starts, len(rows)))
    names = zip(rows.perturbation[starts].tolist(), rows.severity[starts].tolist(), strict=True)
    return dict(zip(names, share, strict=True))


def _last(curve: list[dict[str, Any]], pretext: bool) -> dict[str, float]:
    """The last row of a training curve that has a loss."""
    row: dict[str, Any] = next((row for row in reversed(curve) if "loss" in row), {})
    names = {"loss": "loss"} | ({"accuracy": "pretext"} if pretext else {})
    return {name: float(row[key]) for key, name in names.items() if key in row}
