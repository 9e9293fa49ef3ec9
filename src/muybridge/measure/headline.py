"""Headline numbers of a run: what a list of runs shows beside its name. Tables and intervals are never made from them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from muybridge.core.errors import MuybridgeError
from muybridge.measure.intervals import CLEAN, Condition, outcomes
from muybridge.measure.robustness.robustness_scores import grid, mean_over_types
from muybridge.runs.contents.predictions import Predictions, read_pieces
from muybridge.runs.contents.result_fields import ResultFields
from muybridge.runs.records import Run

ORDER = ("accuracy", "perturbed", "recall", "pretext", "loss")
"""Names of headline numbers, the most telling first."""


def headline(run: Run, told: ResultFields | None = None) -> dict[str, float]:
    """The numbers that a run has.

    Args:
        run: its folder, with every file but perhaps its ``result.json``.
        told: content of that; read when None.

    Returns:
        ``accuracy``: top-1 without perturbation, views averaged. ``perturbed``: mean over severities and then types, without types that
        change the label or were seen in training. ``recall``: at 1, of neighbours. ``pretext`` (accuracy of the pretext task) and
        over the last tenth of the training curve, and its last ``loss``. All but ``loss`` are fractions; what a run does not have is left
        out.

    Raises:
        MuybridgeError: a file of the run is damaged.
    """
    path, result = run.path / "predictions.parquet", run.result if told is None else told
    try:
        found = _answers(read_pieces(path), result) if path.is_file() else {}
    except ValueError as error:  # no rows, or rows that contradict each other
        raise MuybridgeError(
            f"{path}: damaged ({error}). Delete its folder and run its command again."
        ) from error
    recall = next((one.get("value") for one in result.get("recall", []) if one.get("k") == 1), None)
    if recall is not None:
        found["recall"] = float(recall)
    return found | _last(run.metrics, run.stage == "pretrain")


def _answers(pieces: Iterable[Predictions], result: ResultFields) -> dict[str, float]:
    cells = _accuracies(pieces)
    found = {"accuracy": float(cells[CLEAN])} if CLEAN in cells else {}
    wanted = grid(cells)
    left_out = {*(result.get("label_changing") or []), *(result.get("seen") or [])}
    if wanted.keys() - left_out:
        found["perturbed"] = float(mean_over_types(cells, wanted, left_out))
    return found


def _accuracies(pieces: Iterable[Predictions]) -> dict[Condition, float]:
    """Accuracy by condition, of videos with all their rows in one of the pieces.

    Raises:
        ValueError: no rows.
    """
    right, total = Counter[Condition](), Counter[Condition]()
    for counted in map(outcomes, pieces):
        right.update(dict(zip(counted.conditions, counted.right.sum(axis=0).tolist(), strict=True)))
        total.update(dict(zip(counted.conditions, counted.total.sum(axis=0).tolist(), strict=True)))
    return {one: right[one] / total[one] for one in sorted(total)}


def last_rows(curve: Sequence[Mapping[str, object]]) -> list[Mapping[str, Any]]:
    """The last tenth, at least one, of the rows of a training curve that have a loss: what every pretext accuracy is the mean over."""
    rows = [row for row in curve if "loss" in row]
    return rows[-max(1, len(rows) // 10) :]


def pretext_accuracy(curve: Sequence[Mapping[str, object]]) -> float | None:
    """Mean accuracy of the pretext task over ``last_rows``, a fraction; None where it has none."""
    told = [float(row["accuracy"]) for row in last_rows(curve) if row.get("accuracy") is not None]
    return sum(told) / len(told) if told else None


def _last(curve: Sequence[Mapping[str, object]], pretext: bool) -> dict[str, float]:
    """The last loss of a training curve, and its pretext accuracy."""
    rows, accuracy = last_rows(curve), pretext_accuracy(curve) if pretext else None
    found = {"loss": float(rows[-1]["loss"])} if rows else {}
    return found if accuracy is None else {**found, "pretext": accuracy}
