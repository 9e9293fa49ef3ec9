"""Robustness of the arms of an experiment: cells, means and scores, each with an interval."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from jaxtyping import Float64

from muybridge.measure.intervals import CLEAN, Condition, Interval, from_replicates, interval
from muybridge.measure.robustness import (
    absolute,
    chance_corrected,
    gaps,
    grid,
    mean_over_types,
    near_chance,
    relative,
)
from muybridge.report.collect import Experiment
from muybridge.report.score import Arm, Comparison, Scored, compared


@dataclass(frozen=True)
class Robust:
    """One arm under every perturbation, mean over seeds or one seed.

    Attributes:
        cells: accuracy by condition, clean left out.
        types: mean accuracy over the severities of each perturbation that has all of them.
        perturbed: mean accuracy over severities, then types (label-changing ones left out); None with gaps.
        absolute: ``1 - (A_c - A_p)`` of that mean; None with gaps.
        relative: ``A_p / A_c``; None with gaps.
        corrected: ``(A_p - chance) / (A_c - chance)``; None with gaps.
        gaps: conditions that are missing or incomplete.
    """

    arm: str
    seed: int | None
    clean: Interval
    cells: dict[Condition, Interval]
    types: dict[str, Interval]
    perturbed: Interval | None
    absolute: Interval | None
    relative: Interval | None
    corrected: Interval | None
    near_chance: bool
    gaps: list[str]


def wanted(scored: Scored) -> dict[str, list[int]]:
    """Severities by perturbation that any arm was tested under."""
    return grid({one for arm in scored.arms.values() for seed in arm.counted for one in seed.conditions})


def label_changing(experiment: Experiment) -> list[str]:
    """Perturbations that change the label on this data set, as the runs say: shown, but in no mean."""
    return sorted({name for run in experiment.runs for name in run.result.get("label_changing", [])})


def suspects(scored: Scored, arms: dict[str, Robust]) -> list[str]:
    """Perturbations counted in the means although they take an arm from above chance to below it: they may change the label."""
    changing, chance = label_changing(scored.experiment), scored.experiment.chance
    able = [one for one in arms.values() if one.clean.low > chance]
    below = {name for one in able for name, mean in one.types.items() if mean.high < chance}
    return sorted(below - set(changing))


def robust(scored: Scored, name: str, seed: int | None = None) -> Robust:
    """Robustness of one arm, of one seed or (None) the mean over seeds."""
    arm, types = scored.arms[name], wanted(scored)
    exclude, chance = label_changing(scored.experiment), scored.experiment.chance
    clean = arm.accuracy(CLEAN, seed)
    cells = {one: arm.accuracy(one, seed) for one in arm.conditions if one != CLEAN}
    missing = sorted({gap for counted in arm.counted for gap in gaps(counted, types)})
    have = set(arm.conditions)
    whole = {one: has for one, has in types.items() if all((one, severity) in have for severity in has)}
    by_type = {one: _mean(arm, seed, {one: has}, [], _perturbed) for one, has in whole.items()}
    kept = not missing and set(types) - set(exclude)
    perturbed, kept_all, share, corrected = (
        _mean(arm, seed, types, exclude, of) if kept else None for of in _scores(chance)
    )
    flag = bool(np.isfinite(chance)) and near_chance(clean, chance)
    return Robust(name, seed, clean, cells, by_type, perturbed, kept_all, share, corrected, flag, missing)


def perturbed_comparisons(scored: Scored) -> list[Comparison]:
    """Pairwise differences of the mean perturbed accuracy, for arms without gaps that share their videos."""
    types, exclude = wanted(scored), label_changing(scored.experiment)
    whole = [name for name in scored.arms if robust(scored, name).perturbed is not None]
    found = []
    for a, b in combinations(whole, 2):
        if scored.between(a, b) is not None:
            one, two = (_both(scored.arms[name], None, types, exclude, _perturbed) for name in (a, b))
            groups, seeds = scored.arms[a].groups, min(len(scored.arms[name].rows) for name in (a, b))
            found.append(from_replicates((a, b), one[0] - two[0], one[1] - two[1], groups, seeds))
    return compared(found)


Score = Callable[[Float64[np.ndarray, "*n"], Float64[np.ndarray, "*n"]], Float64[np.ndarray, "*n"]]


def _scores(chance: float) -> list[Score]:
    corrected = partial(chance_corrected, chance=chance) if np.isfinite(chance) else _unknown
    return [_perturbed, absolute, relative, corrected]


def _perturbed(
    clean: Float64[np.ndarray, "*n"], perturbed: Float64[np.ndarray, "*n"]
) -> Float64[np.ndarray, "*n"]:
    """The accuracy itself."""
    return perturbed


def _unknown(
    clean: Float64[np.ndarray, "*n"], perturbed: Float64[np.ndarray, "*n"]
) -> Float64[np.ndarray, "*n"]:
    """What cannot be said when the runs do not tell their chance."""
    return np.full_like(perturbed, np.nan)


def _mean(arm: Arm, seed: int | None, types: dict[str, list[int]], exclude: list[str], of: Score) -> Interval:
    value, replicates = _both(arm, seed, types, exclude, of)
    return interval(value, replicates, arm.groups, len(arm.rows) if seed is None else 1)


def _both(
    arm: Arm, seed: int | None, types: dict[str, list[int]], exclude: list[str], of: Score
) -> tuple[float, Float64[np.ndarray, "r"]]:
    """A score of the mean over types, on the data and on every redraw. Ratios are of means over seeds."""
    if seed is None:
        values, draws = arm.values.mean(axis=0), arm.pooled
    else:
        place = list(arm.rows).index(seed)
        values, draws = arm.values[place], arm.draws[:, place]
    kept = {one: np.asarray(values[arm.column(one)]) for one in arm.conditions}
    redrawn = {one: draws[:, arm.column(one)] for one in arm.conditions}
    value = of(kept[CLEAN], mean_over_types(kept, types, exclude))
    return float(value), of(redrawn[CLEAN], mean_over_types(redrawn, types, exclude))
