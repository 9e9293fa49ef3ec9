"""Robustness of the arms of an experiment: cells, means and scores, each with an interval."""

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations

import numpy as np

from muybridge.measure.accuracy import balanced, top_k
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import CLEAN, Condition, spread
from muybridge.measure.robustness.robustness_scores import corruption_errors, gaps, mean_defined, near_chance
from muybridge.report.gather.collect import Gathered
from muybridge.report.gather.design import Design, design
from muybridge.report.gather.same_protocol import noise_seed
from muybridge.report.scores.score import (
    Arm,
    Comparison,
    Pairs,
    Scored,
    between,
    by_pair,
    compared,
    differences,
    same_videos,
)
from muybridge.report.scores.shares import Cells, estimate
from muybridge.runs.records import Run

TOP = 5
ACCURACIES = ("types", "categories")
"""Means that are shares of videos, and stay within 0 and 1."""


@dataclass(frozen=True)
class Robust:
    """One arm under every perturbation, mean over seeds or one seed.

    Attributes:
        cells: accuracy by condition, clean left out.
        types: mean accuracy over the severities of each perturbation that has all of them.
        categories: mean accuracy of each category; empty with gaps or without categories.
        kept: relative robustness of each category; as empty as ``categories``.
        falls: how much further its accuracy falls with every severity, a share of videos; of categories with two severities or more.
        means: scores of the means by name (``types``, ``categories``, ``absolute``, ``relative``,
            ``relative_categories``, ``corrected``, ``changed``, ``lost``, ``mce``, ``relative_mce``); empty with gaps.
        others: means over types without interval: ``balanced`` (macro) and ``top5``; empty with gaps.
        gaps: conditions that are missing or incomplete.
        undefined: types without a corruption error, because the reference makes no error there.
    """

    arm: str
    seed: int | None
    clean: Interval
    cells: dict[Condition, Interval]
    types: dict[str, Interval]
    categories: dict[str, Interval]
    kept: dict[str, Interval]
    falls: dict[str, Interval]
    means: dict[str, Interval]
    others: dict[str, float]
    near_chance: bool
    gaps: list[str]
    undefined: list[str]


@dataclass(frozen=True)
class Noise:
    """Mean accuracy over types of runs that differ in the noise of the perturbations only, by its seed."""

    arm: str
    run: Run
    by_seed: dict[int, float]

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds of the noise."""
        return spread(list(self.by_seed.values()))


@dataclass(frozen=True)
class Perturbed:
    """A robustness experiment with its scores and the comparisons of its mean perturbed accuracies.

    Attributes:
        reference: arm that corruption errors are relative to; None for none.
        noise: one per run that was repeated with other noise.
    """

    scored: Scored
    design: Design
    arms: dict[str, Robust]
    pairs: list[Comparison]
    reference: str | None
    noise: list[Noise]

    def between(self, a: str, b: str) -> Comparison | None:
        """The comparison of two arms, as ``a`` minus ``b``; None when there is none."""
        return between(self._pairs, a, b)

    @cached_property
    def _pairs(self) -> Pairs:
        return by_pair(self.pairs)


def perturbed(scored: Scored, all_of: Gathered) -> Perturbed:
    """Everything the report says about one robustness experiment."""
    plan = design(scored)
    wanted = all_of.study.get("reference")
    reference = scored.arms.get(str(wanted)) if wanted else None
    arms = {name: robust(scored, plan, name, reference=reference) for name in scored.arms}
    name = reference.name if reference else None
    return Perturbed(scored, plan, arms, _comparisons(scored, plan, arms), name, _noise(scored, plan, all_of))


def robust(
    scored: Scored, plan: Design, name: str, seed: int | None = None, reference: Arm | None = None
) -> Robust:
    """Robustness of one arm, of one seed or (None) the mean over seeds."""
    arm = scored.arms[name]
    place, right = arm.place(seed), arm.right
    clean = right.share(CLEAN, place)
    cells = {one: right.share(one, place) for one in right.conditions if one != CLEAN}
    missing = plan.gaps[name]
    whole = [one for one, has in plan.types.items() if all((one, severity) in cells for severity in has)]
    types = {
        one: estimate(plan.type_mean(one), right, place=place).interval(of_accuracy=True) for one in whole
    }
    flag = bool(np.isfinite(plan.chance)) and near_chance(clean, plan.chance)
    if missing or not plan.kept:
        return Robust(name, seed, clean, cells, types, {}, {}, {}, {}, {}, flag, missing, [])
    categories = {
        one: estimate(plan.category_mean(one), right, place=place).interval(of_accuracy=True)
        for one in (plan.by_category if plan.categories else [])
    }
    kept, falls = (
        {one: estimate(of(one), right, place=place).interval() for one in names}
        for of, names in ((plan.category_kept, list(categories)), (plan.category_fall, plan.graded))
    )
    means = {
        score: estimate(of, right, place=place).interval(score in ACCURACIES)
        for score, of in plan.scores.items()
    }
    means["changed"] = estimate(plan.over_types, arm.changed, place=place).interval(of_accuracy=True)
    means["lost"] = estimate(plan.over_types, arm.lost, place=place).interval(of_accuracy=True)
    undefined: list[str] = []
    if reference is not None and seed is None and same_videos(arm, reference):
        errors, undefined = corruption(plan, arm, reference)
        means |= errors
    others = {
        "balanced": _point(plan, arm, seed, balanced),
        "top5": _point(plan, arm, seed, partial(top_k, k=TOP)),
    }
    return Robust(
        name, seed, clean, cells, types, categories, kept, falls, means, others, flag, missing, undefined
    )


def corruption(plan: Design, arm: Arm, reference: Arm) -> tuple[dict[str, Interval], list[str]]:
    """``mce`` and ``relative_mce`` of an arm against a reference, and the types left out as undefined."""
    found, left_out = {}, []
    for name, beyond in (("mce", False), ("relative_mce", True)):
        errors = partial(corruption_errors, wanted=plan.types, beyond_clean=beyond)
        on_data = errors(arm.right.cells()[0], reference.right.cells()[0], exclude=plan.excluded)
        undefined = mean_defined(on_data)[1]
        left_out += [one for one in undefined if one not in left_out]
        if len(undefined) < len(on_data):
            exclude = [*plan.excluded, *undefined]
            found[name] = estimate(
                partial(_mean_error, errors, exclude), arm.right, reference.right
            ).interval()
    return found, left_out


def _mean_error(errors, exclude: list[str], cells: Cells, reference: Cells) -> np.ndarray:  # type: ignore[no-untyped-def]
    return np.mean(list(errors(cells, reference, exclude=exclude).values()), axis=0)  # type: ignore[no-any-return]


def _point(plan: Design, arm: Arm, seed: int | None, of) -> float:  # type: ignore[no-untyped-def]
    """Mean over types of a measure that is not a share of videos."""
    wanted = [(name, severity) for name in plan.kept for severity in plan.types[name]]
    cells = {one: np.mean([of(rows) for rows in arm.under(one, seed)]) for one in wanted}
    return float(plan.over_types(cells))


EXPECTED = 5
"""Right answers that guessing must promise before fewer of them say anything."""


def suspects(plan: Design, arms: dict[str, Robust]) -> list[str]:
    """Perturbations counted in the means although they take an arm from above chance to below it: they may change the label."""
    able = [
        one
        for one in arms.values()
        if one.clean.low > plan.chance and one.clean.groups * plan.chance >= EXPECTED
    ]
    below = {name for one in able for name, mean in one.types.items() if mean.high < plan.chance}
    return sorted(below - set(plan.excluded))


def _comparisons(scored: Scored, plan: Design, arms: dict[str, Robust]) -> list[Comparison]:
    """Pairwise differences of the mean perturbed accuracy, for arms without gaps that share their videos."""
    whole = [name for name, one in arms.items() if one.means]
    pairs = [pair for pair in combinations(whole, 2) if scored.between(*pair) is not None]
    return compared(differences(pairs, scored.arms, plan.over_types))


def _noise(scored: Scored, plan: Design, all_of: Gathered) -> list[Noise]:
    found = []
    for name, seeds in scored.experiment.arms.items():
        for run in (run for runs in seeds.values() for run in runs):
            twins = [run, *scored.experiment.repeats.get(run.signature, [])]
            counted = {noise_seed(one): all_of.rows[one.signature].right for one in twins}
            if len(twins) > 1 and plan.kept and not any(gaps(one, plan.types) for one in counted.values()):
                by_seed = {
                    seed: float(plan.over_types(dict(zip(one.conditions, one.accuracy, strict=True))))
                    for seed, one in counted.items()
                }
                found.append(Noise(name, run, by_seed))
    return found
