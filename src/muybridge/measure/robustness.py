"""Robustness scores from accuracies under perturbations.

With clean accuracy ``A_c`` and accuracy ``A_p`` under a perturbation, all fractions: absolute ``1 - (A_c -
A_p)`` and relative ``A_p / A_c`` (Schiappa et al., A large-scale robustness analysis of video action
recognition models, CVPR 2023, arXiv 2207.01398, sec. 4; higher is better), whose mean is rPC of Yi et al.,
Benchmarking the robustness of spatial-temporal models against corruptions, NeurIPS 2021 datasets track, arXiv
2110.06513. Departs from the papers: a chance-corrected score beside them, because a model that guesses keeps
all of its accuracy. Scores are never clipped. All functions broadcast, so bootstrap replicates pass through
them.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from muybridge.measure.intervals import CLEAN, Condition, Interval, Outcomes

Accuracy = Float64[np.ndarray, "*n"]
Number = Accuracy | float


def absolute(clean: Number, perturbed: Number) -> Accuracy:
    """``1 - (A_c - A_p)``, in [0, 2]; flatters weak models: a fall from 0.1 to 0 scores 0.9."""
    return np.asarray(1 - (np.asarray(clean) - np.asarray(perturbed)))


def relative(clean: Number, perturbed: Number) -> Accuracy:
    """``A_p / A_c``: the share of clean accuracy that is kept; may exceed 1; NaN where ``A_c`` is 0."""
    return _ratio(np.asarray(perturbed, np.float64), np.asarray(clean, np.float64))


def chance_corrected(clean: Number, perturbed: Number, chance: float) -> Accuracy:
    """``(A_p - chance) / (A_c - chance)``: share of what was learnt; NaN if ``A_c <= chance``.

    Args:
        clean: fraction.
        perturbed: fraction.
        chance: accuracy of guessing, in [0, 1), usually one over the number of classes.

    Raises:
        ValueError: chance outside [0, 1).
    """
    if not 0 <= chance < 1:
        raise ValueError(f"chance must be in [0, 1), got {chance}")
    return _ratio(np.asarray(perturbed, np.float64) - chance, np.asarray(clean, np.float64) - chance)


def grid(conditions: Collection[Condition]) -> dict[str, list[int]]:
    """Perturbations with their severities, both sorted; ``clean`` left out."""
    names = sorted({name for name, _ in conditions if name != CLEAN[0]})
    return {name: sorted(severity for other, severity in conditions if other == name) for name in names}


def mean_over_types(
    cells: Mapping[Condition, Number], wanted: Mapping[str, Sequence[int]], exclude: Collection[str] = ()
) -> Accuracy:
    """Mean over severities, then over perturbation types, each type with the same weight.

    Args:
        cells: accuracy, or a score, by (perturbation, severity).
        wanted: severities each perturbation must have.
        exclude: perturbations that change the label (reversal of a motion), kept out of the mean.

    Raises:
        ValueError: a wanted cell is missing (a gap is never averaged away), or nothing is left to average.
    """
    kept = {name: severities for name, severities in wanted.items() if name not in exclude}
    missing = [
        f"{name} {s}" for name, severities in kept.items() for s in severities if (name, s) not in cells
    ]
    if missing:
        raise ValueError(f"no mean over perturbations: missing {', '.join(missing)}")
    if not kept:
        raise ValueError("no mean over perturbations: none is left that keeps the label")
    types = [np.stack([cells[name, s] for s in severities]).mean(axis=0) for name, severities in kept.items()]
    return np.asarray(np.stack(types).mean(axis=0))


def gaps(counted: Outcomes, wanted: Mapping[str, Sequence[int]]) -> list[str]:
    """What a run lacks: conditions without rows, and conditions tested on other videos than the clean one."""
    expected = [CLEAN, *((name, severity) for name, severities in wanted.items() for severity in severities)]
    asked = counted.total.sum(axis=0)
    have = dict(zip(counted.conditions, asked, strict=True))
    missing = [f"{name} {severity}" for name, severity in expected if (name, severity) not in have]
    partial = [
        f"{name} {severity} ({have[name, severity]:.0f} of {have[CLEAN]:.0f} videos)"
        for name, severity in expected
        if CLEAN in have and (name, severity) in have and have[name, severity] != have[CLEAN]
    ]
    return missing + partial


def near_chance(clean: Interval, chance: float) -> bool:
    """Whether the interval of the clean accuracy reaches chance: then relative scores say nothing."""
    return not clean.low > chance


def _ratio(above: Number, below: Number) -> Accuracy:
    above, below = np.broadcast_arrays(above, below)
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))
