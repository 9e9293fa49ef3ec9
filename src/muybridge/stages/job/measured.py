"""Results of robustness and zero-shot runs in Python: their rows, and scores with intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from muybridge.measure.estimate import Estimate, Interval
from muybridge.measure.intervals import CLEAN, Condition, outcomes, resample_groups
from muybridge.measure.robustness.robustness_scores import (
    absolute,
    chance_corrected,
    grid,
    mean_over_types,
    relative,
    type_means,
)
from muybridge.measure.zeroshot_scores import Zero, zero_of
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.records import Run


@dataclass(frozen=True)
class Scores:
    """Accuracies as fractions, and robustness scores (``measure.robustness``); all but ``cells`` and ``types`` with 95 % intervals.

    Attributes:
        cells: accuracy by (perturbation, severity), clean included.
        types: mean over the severities of each perturbation.
        clean: clean accuracy.
        perturbed: mean over severities, then over perturbations.
        absolute: ``1 - (clean - perturbed)``.
        relative: ``perturbed / clean``.
        corrected: ``(perturbed - chance) / (clean - chance)``.
        left_out: perturbations in no mean: they change the label, or were seen in training.
    """

    cells: dict[Condition, float]
    types: dict[str, float]
    clean: Interval
    perturbed: Interval
    absolute: Interval
    relative: Interval
    corrected: Interval
    left_out: tuple[str, ...]


def _scores(chance: float) -> dict[str, Callable[[Any, Any], np.ndarray]]:
    """Functions of clean and mean perturbed accuracy."""
    return {
        "clean": lambda clean, perturbed: np.asarray(clean),
        "perturbed": lambda clean, perturbed: np.asarray(perturbed),
        "absolute": absolute,
        "relative": relative,
        "corrected": partial(chance_corrected, chance=chance),
    }


@dataclass(frozen=True)
class RobustnessRun(Run):
    """A finished robustness run."""

    @cached_property
    def rows(self) -> Predictions:
        """One row per clip, type and severity."""
        return read_predictions(self.path / "predictions.parquet")

    def scores(self, replicates: int = 10_000, seed: int = 0) -> Scores:
        """Scores with intervals from redrawn groups of videos.

        Args:
            replicates: redrawn test sets.
            seed: of the redraws.

        Raises:
            ValueError: no perturbation is left that keeps the label and was not seen in training.
        """
        counted, chance = outcomes(self.rows), self.result["chance"]
        assert chance is not None, "every robustness run says it"
        drawn = resample_groups(counted.right, counted.total, replicates, seed)
        cells = dict(zip(counted.conditions, counted.accuracy, strict=True))
        draws = dict(zip(counted.conditions, drawn.T, strict=True))
        wanted = grid(counted.conditions)
        left_out = tuple(
            sorted({*(self.result["label_changing"] or ()), *(self.result["seen"] or ())} & wanted.keys())
        )
        both = [mean_over_types(one, wanted, left_out) for one in (cells, draws)]
        found = {
            name: Estimate(
                float(of(cells[CLEAN], both[0])), of(draws[CLEAN], both[1]), len(counted.groups)
            ).interval(of_accuracy=name in ("clean", "perturbed"))
            for name, of in _scores(chance).items()
        }
        types = {name: float(mean) for name, mean in type_means(cells, wanted).items()}
        return Scores({one: float(value) for one, value in cells.items()}, types, left_out=left_out, **found)


@dataclass(frozen=True)
class ZeroshotRun(Run):
    """A finished zero-shot run."""

    @cached_property
    def rows(self) -> Predictions:
        """One row per clip: logits over the candidates."""
        return read_predictions(self.path / "predictions.parquet")

    @cached_property
    def single(self) -> Predictions:
        """One row per video and template, and per video under the other naming; scores are 1 for the answer."""
        return read_predictions(self.path / "templates.parquet")

    def scores(self, replicates: int = 10_000, seed: int = 0) -> Zero:
        """Accuracies, calibration and prompt sensitivity with intervals from redrawn groups of videos."""
        regime = self.result["regime"]
        return zero_of([self.rows], [self.single], regime["seen"] if regime else (), "", replicates, seed)
