"""Robustness scores from accuracies under perturbations.

With clean accuracy ``A_c`` and accuracy ``A_p`` under a perturbation, all fractions: absolute ``1 - (A_c -
A_p)`` and relative ``A_p / A_c`` (Schiappa et al., A large-scale robustness analysis of video action
recognition models, CVPR 2023, arXiv 2207.01398, sec. 4; higher is better), whose mean is rPC of Yi et al.,
Benchmarking the robustness of spatial-temporal models against corruptions, NeurIPS 2021 datasets track, arXiv
2110.06513. Corruption errors against a named reference model: Hendrycks and Dietterich, Benchmarking neural
network robustness to common corruptions and perturbations, ICLR 2019, arXiv 1903.12261, sec. 4. Departs from
the papers: a chance-corrected score beside them, because a model that guesses keeps all of its accuracy; flip
rates, because equal accuracies may hide other answers. Scores are never clipped. All functions broadcast, so
bootstrap replicates pass through them.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN, Condition, Outcomes

Accuracy = Float64[np.ndarray, "*n"]
Number = Accuracy | float
Cells = Mapping[Condition, Number]
Severities = Mapping[str, Sequence[int]]


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


def against_clean_trained(clean_trained: Number, trained: Number) -> Accuracy:
    """``2 - A_p / T_p``: a model trained on perturbed clips (``T_p``) beside its twin trained on clean ones (``A_p``).

    ``1 - (A_p - T_p) / T_p``, both under perturbation p (README of Maddy12/ActionRecognitionRobustnessEval, 2023):
    above 1 where training on perturbed clips helped. Not comparable with ``relative``. NaN where ``T_p`` is 0.
    """
    return np.asarray(2 - _ratio(np.asarray(clean_trained, np.float64), np.asarray(trained, np.float64)))


def grid(conditions: Collection[Condition]) -> dict[str, list[int]]:
    """Perturbations with their severities, both sorted; ``clean`` and what else has severity 0, a mirror beside reversal, left out."""
    names = sorted({name for name, severity in conditions if severity})
    return {name: sorted(severity for other, severity in conditions if other == name) for name in names}


def type_means(cells: Cells, wanted: Severities, exclude: Collection[str] = ()) -> dict[str, Accuracy]:
    """Mean over severities of every perturbation type.

    Args:
        cells: accuracy, or a score, by (perturbation, severity).
        wanted: severities each perturbation must have.
        exclude: perturbations that belong into no mean: they change the label, or were seen in training.

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
        raise ValueError(
            "no mean over perturbations: none is left that keeps the label and is new to the model"
        )
    return {name: _mean([cells[name, s] for s in severities]) for name, severities in kept.items()}


def mean_over_types(cells: Cells, wanted: Severities, exclude: Collection[str] = ()) -> Accuracy:
    """Mean over severities, then over perturbation types, each type with the same weight: mPC of accuracies.

    Arguments and errors are those of ``type_means``.
    """
    return _mean(list(type_means(cells, wanted, exclude).values()))


def category_means(
    cells: Cells, wanted: Severities, categories: Mapping[str, str], exclude: Collection[str] = ()
) -> dict[str, Accuracy]:
    """Mean over severities, then over the types of each category; a category without types left is not there.

    Args:
        cells: as for ``type_means``.
        wanted: as for ``type_means``.
        categories: category of each type.
        exclude: as for ``type_means``.

    Raises:
        ValueError: as ``type_means``, or a type without category.
    """
    means = type_means(cells, wanted, exclude)
    lost = sorted(set(means) - set(categories))
    if lost:
        raise ValueError(f"no mean over categories: {', '.join(lost)} has none")
    return {
        category: _mean([mean for name, mean in means.items() if categories[name] == category])
        for category in dict.fromkeys(categories[name] for name in means)
    }


def mean_over_categories(
    cells: Cells, wanted: Severities, categories: Mapping[str, str], exclude: Collection[str] = ()
) -> Accuracy:
    """Mean over severities, types and then categories, each category with the same weight.

    Differs from ``mean_over_types``: of 18 types 4 are noise and 3 camera motion. Errors as ``category_means``.
    """
    return _mean(list(category_means(cells, wanted, categories, exclude).values()))


def fall_slopes(cells: Cells, wanted: Severities, exclude: Collection[str] = ()) -> dict[str, Accuracy]:
    """How much further accuracy falls with every severity, by perturbation type: minus the least-squares slope over its severities.

    The clean cell is no point of the line: the first severity is no equal step away from it. Of accuracies the slope is in shares of
    videos by severity, and over ``A_c`` it is that of relative robustness.

    Args:
        cells: as for ``type_means``.
        wanted: as for ``type_means``.
        exclude: as for ``type_means``.

    Raises:
        ValueError: as ``type_means``, or a type with fewer than two severities, through which no line goes.
    """
    short = [name for name, severities in wanted.items() if name not in exclude and len(set(severities)) < 2]
    if short:
        raise ValueError(f"no slope over severities: {', '.join(short)} has fewer than two")
    kept = type_means(cells, wanted, exclude)  # for its errors
    return {name: _fall([cells[name, s] for s in wanted[name]], wanted[name]) for name in kept}


def category_falls(
    cells: Cells, wanted: Severities, categories: Mapping[str, str], exclude: Collection[str] = ()
) -> dict[str, Accuracy]:
    """Mean of ``fall_slopes`` over the types of each category; where these have the same severities, the slope of their mean.

    A category is left out when none of its types is left, or one has fewer than two severities. Arguments as of ``category_means``.

    Raises:
        ValueError: as ``category_means``.
    """
    _ = category_means(cells, wanted, categories, exclude)  # for its errors
    short = {categories[name] for name in wanted if name not in exclude and len(set(wanted[name])) < 2}
    away = {*exclude, *(name for name in wanted if categories.get(name) in short)}
    if not wanted.keys() - away:
        return {}
    slopes = fall_slopes(cells, wanted, away)
    return {
        category: _mean([slope for name, slope in slopes.items() if categories[name] == category])
        for category in dict.fromkeys(categories[name] for name in slopes)
    }


def _fall(scores: Sequence[Number], severities: Sequence[int]) -> Accuracy:
    """Minus the least-squares slope."""
    steps = np.asarray(severities, np.float64) - np.mean(severities)
    line = np.stack([np.asarray(score, np.float64) for score in scores])
    return np.asarray(-np.tensordot(steps / (steps @ steps), line, axes=1))


def corruption_errors(
    cells: Cells,
    reference: Cells,
    wanted: Severities,
    exclude: Collection[str] = (),
    beyond_clean: bool = False,
) -> dict[str, Accuracy]:
    """CE by type: summed errors over the summed errors of a reference; their mean over types is mCE.

    Args:
        cells: accuracies, ``clean`` included.
        reference: accuracies of the reference model on the same videos, ``clean`` included.
        wanted: as for ``type_means``.
        exclude: as for ``type_means``.
        beyond_clean: errors beyond the clean error: relative CE.

    Returns:
        Lower is better, 1 is as good as the reference; NaN where the reference makes no (further) errors.

    Raises:
        ValueError: as ``type_means``.
    """
    ours, theirs = (type_means(one, wanted, exclude) for one in (cells, reference))
    first, second = (one[CLEAN] if beyond_clean else 1.0 for one in (cells, reference))
    return {name: _ratio(first - ours[name], second - theirs[name]) for name in ours}


def mean_defined(scores: Mapping[str, Number]) -> tuple[Accuracy, list[str]]:
    """Mean of the scores that are defined, and the names of those that are not; NaN if none is.

    A score is left out when it is NaN, for replicates when any of them is.
    """
    undefined = [name for name, score in scores.items() if np.isnan(score).any()]
    kept = [score for name, score in scores.items() if name not in undefined]
    return _mean(kept) if kept else np.asarray(np.nan), undefined


def gaps(counted: Outcomes, wanted: Severities) -> list[str]:
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


def _mean(parts: Sequence[Number]) -> Accuracy:
    return np.asarray(np.stack([np.asarray(part, np.float64) for part in parts]).mean(axis=0))


def _ratio(above: Number, below: Number) -> Accuracy:
    above, below = np.broadcast_arrays(above, below)
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))
