"""Findings in words: the sentences at the top of a report, each computed from prediction rows."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np

from muybridge.core.label_changes import FLIP, REVERSAL
from muybridge.core.text.plurals import counted, inflected, listed, some
from muybridge.measure.estimate import FEW_GROUPS, LEVEL
from muybridge.report.gather.collect import BASELINE, Gathered, facets
from muybridge.report.scores.robust import Perturbed, Robust, suspects
from muybridge.report.scores.score import Comparison, Scored
from muybridge.report.scores.shares import estimate
from muybridge.report.tables.altered_tables import altered_words, direction_words, suspected, suspected_words
from muybridge.report.tables.table import capital, points, span

MANY = 4
"""Types of perturbation up to which a sentence names those that it averages."""
MANY_ARMS = 8
"""Arms from which only comparisons that stand are sentences, and only the first, the baseline and the last are followed under perturbation;
the tables have all."""


def family_words(scored: list[Scored], perturbed: list[Perturbed]) -> str:
    """Which comparisons are corrected together; empty where there is one or none."""
    clean = [*scored, *(one.scored for one in perturbed)]
    number = sum(len(one.comparisons) for one in clean) + sum(len(one.pairs) for one in perturbed)
    if number < 2:
        return ""
    shared = [Counter(arm.blocks for arm in one.arms.values() if arm.blocks) for one in clean]
    blocks = any(number > 1 for one in shared for number in one.values())
    paired = (
        " Arms with few labels are compared seed by seed: a seed draws the labels, the same for all."
        if blocks
        else ""
    )
    return (
        f"Above, below and cannot be separated are verdicts on {counted(number, 'comparison')} of arms, all those of Findings, tables and "
        "comparisons.csv, corrected as one family (Holm). Intervals are of single comparisons. The claims are a family of their own."
        f"{paired}"
    )


def transfer_words(scored: Scored) -> str:
    """What pretraining brings in one experiment, and which arms cannot be told apart."""
    ranked = scored.ranked()
    if not ranked:
        return ""
    if len(ranked) == 1:
        best = scored.arms[ranked[0]].accuracy()
        chance = scored.experiment.chance
        guess = ", not separable from chance" if best.low <= chance <= best.high else ""
        alone = f"{_who(scored, ranked[0])} reaches {points(best.value)} % (95 % interval {span(best)}; chance {points(chance)} %{guess})"
        return " ".join(f"{clause}." for clause in (alone, direction_words(scored)) if clause)
    trained = [arm for arm in ranked if arm != BASELINE]
    many, apart = len(ranked) >= MANY_ARMS, f", {BASELINE} apart," if BASELINE in ranked else ""
    clauses = [_against_all(scored, trained, many)] if BASELINE in ranked else []
    order = f"In the order of accuracy{apart}" if many else ""
    clauses += _neighbours(trained, scored.between, partial(_pair, scored), order)
    clauses.append(direction_words(scored, all_arms=not many))
    return _sentences(clauses)


def _against_all(scored: Scored, trained: list[str], many: bool) -> str:
    """Every arm against the baseline; of many arms those that cannot be separated from it in one clause."""
    found = {arm: scored.between(arm, BASELINE) for arm in trained}
    tied = {arm: one for arm, one in found.items() if one is not None and not one.stands}
    if not many or len(tied) < 2:
        return "; ".join(_against_baseline(scored, arm) for arm in trained)
    told = [_against_baseline(scored, arm) for arm in trained if arm not in tied]
    base = points(scored.arms[BASELINE].accuracy().value)
    names = listed([f"{arm} ({points(scored.arms[arm].accuracy().value)} %)" for arm in tied])
    clashing = [arm for arm, one in tied.items() if one.correction]
    alone = ""
    if clashing:
        among = counted(tied[clashing[0]].among, "comparison")
        alone = f"; alone {listed(clashing)} would stand, among {among} not"
    return "; ".join([*told, f"{names} cannot be separated from the {BASELINE} baseline ({base} %){alone}"])


def _neighbours(
    ranked: list[str],
    between: Callable[[str, str], Comparison | None],
    words: Callable[[str, str], str],
    order: str,
) -> list[str]:
    """Every arm against the next one; where there is an ``order`` to speak of, those that stand, and that the others do not."""
    found = {pair: between(*pair) for pair in pairwise(ranked)}
    tied = {pair for pair, one in found.items() if order and one is not None and not one.stands}
    told = [words(*pair) for pair in found if pair not in tied]
    if not tied:
        return told
    others = "no other two" if any(one is not None and one.stands for one in found.values()) else "no two"
    return [*told, f"{order} {others} arms that follow each other can be separated"]


def _against_baseline(scored: Scored, arm: str) -> str:
    own, base = (points(scored.arms[name].accuracy().value) for name in (arm, BASELINE))
    one_network = any(scored.arms[name].one_network for name in (arm, BASELINE))
    found = scored.between(arm, BASELINE)
    if found is None:
        return f"{arm} reaches {own} %, not comparable with {BASELINE} (other videos)"
    if not found.stands:
        return f"{arm} ({own} %) and the {BASELINE} baseline ({base} %) cannot be separated ({_gain(found)})"
    gained = found.difference.interval.value > 0
    if one_network:
        side = "above" if gained else "below"
        return f"this {arm} network ({own} %) is {side} this {BASELINE} one ({base} %; {_gain(found)})"
    verb = "lifts" if gained else "lowers"
    return f"{arm} {verb} accuracy from {base} % to {own} % ({_gain(found)})"


def _pair(scored: Scored, a: str, b: str) -> str:
    found = scored.between(a, b)
    first, second = (points(scored.arms[arm].accuracy().value) for arm in (a, b))
    if found is None:
        return f"{a} ({first} %) and {b} ({second} %) were tested on different videos"
    if found.stands:
        return f"{_who(scored, a)} ({first} %) is above {_who(scored, b)} ({second} %; {_gain(found)})"
    return f"{a} ({first} %) and {b} ({second} %) cannot be separated ({_gain(found)})"


def _who(scored: Scored, name: str) -> str:
    """An arm as what its numbers are about: the single network where there is one training seed, else the way of training."""
    return f"this {name} network" if scored.arms[name].one_network else name


def _gain(found: Comparison) -> str:
    one = found.difference.interval
    few = f"; only {counted(one.groups, 'source group')}" if one.groups < FEW_GROUPS else ""
    return (
        f"{points(one.value, sign=True)} points, 95 % interval {span(one, sign=True)}{few}{found.correction}"
    )


def robust_words(one: Perturbed) -> str:
    """How far each arm falls under perturbation, whether the best stays ahead, and what hurts it most."""
    whole = {name: arm for name, arm in one.arms.items() if arm.means}
    ranked = sorted(whole, key=lambda name: -whole[name].means["types"].value)
    clauses = [_falls(one, whole, ranked)]
    order = "In the order of perturbed accuracy" if len(ranked) >= MANY_ARMS else ""
    clauses += _neighbours(ranked, one.between, partial(_ahead, one), order)
    if ranked:
        clauses.append(_hardest(one, whole[ranked[0]]))
    clauses += [
        altered_words(one.scored, one.design, name, ranked or one.scored.ranked())
        for name in one.design.changing
        if name in one.design.types
    ]
    if not ranked:  # every type that was measured changes labels: nothing is averaged
        return _sentences(clauses)
    clauses.append(_mirror(one, ranked))
    below = suspects(one.design, one.arms)
    clauses.append(
        f"The averages count {listed(below)}, which may change the label: below chance" if below else ""
    )
    taken = suspected(one.scored, one.design)
    clauses.append(
        f"The averages count what may change the label of single classes: {suspected_words(taken)}"
        if taken
        else ""
    )
    return _sentences(clauses)


def _sentences(clauses: list[str]) -> str:
    return " ".join(f"{_begun(clause)}." for clause in clauses if clause)


def _begun(clause: str) -> str:
    """A clause that begins a sentence; names of arms keep their small letters."""
    return capital(clause) if clause.startswith("this ") else clause


def _falls(one: Perturbed, arms: Mapping[str, Robust], ranked: list[str]) -> str:
    """How far each arm falls, of many the first, the baseline and the last; what the average is over is said once."""
    shown = [name for place, name in enumerate(ranked) if place in (0, len(ranked) - 1) or name == BASELINE]
    over = f" on average over {some(one.design.kept, 'type', MANY)}"
    told = []
    for name in ranked if len(ranked) < MANY_ARMS else shown:
        told.append(_fall(arms[name], _who(one.scored, name), over))
        over = over if arms[name].near_chance else ""
    if len(ranked) >= MANY_ARMS:
        others = len(ranked) - len(shown)
        told.append(f"{counted(others, 'other arm')} {inflected(others, 'is')} in the table")
    return "; ".join(told)


def _fall(one: Robust, who: str, over: str) -> str:
    if one.near_chance:
        clean = f"{points(one.clean.value)} %, 95 % interval {span(one.clean)}"
        return f"{who} cannot be told from chance even without perturbation ({clean})"
    mean, corrected = one.means["types"], one.means["corrected"]
    fall = f"{who} goes from {points(one.clean.value)} % to {points(mean.value)} %{over}"
    if np.isnan(corrected.value):
        return fall
    share = f"keeps {points(corrected.value, 0)} % of what is above chance"
    return f"{fall} ({share}, 95 % interval {span(corrected)})"


def _ahead(one: Perturbed, a: str, b: str) -> str:
    found = one.between(a, b)
    if found is None:
        return ""
    return (
        f"Perturbed, {_who(one.scored, a)} is above {_who(one.scored, b)} ({_gain(found)})"
        if found.stands
        else f"Perturbed, {a} and {b} cannot be separated ({_gain(found)})"
    )


def _hardest(one: Perturbed, arm: Robust) -> str:
    """The type with the lowest accuracy, and those that its videos do not tell from it; nothing of one type alone."""
    kept = {name: mean.value for name, mean in arm.types.items() if name in one.design.kept}
    if len(kept) < 2:
        return ""
    name, *others = sorted(kept, key=lambda key: kept[key])
    right, plan = one.scored.arms[arm.arm].right, one.design
    lowest = estimate(plan.type_mean(name), right)
    gaps = {other: (estimate(plan.type_mean(other), right) - lowest).p for other in others}
    tied = [other for other, p in gaps.items() if min(1.0, p * len(gaps)) > 1 - LEVEL]
    rest = f", not separable from {some(tied, 'other type', MANY)}" if tied else ""
    return f"Hardest for {_who(one.scored, arm.arm)}: {name} ({points(kept[name])} %{rest})"


def _mirror(one: Perturbed, ranked: list[str]) -> str:
    """What a mirror does, beside a reversal that keeps the label; where reversal changes it the table has both."""
    shown = {name: one.arms[name].cells for name in ranked if (FLIP, 0) in one.arms[name].cells}
    severity = min(one.design.types.get(REVERSAL, [0]))
    if not shown or not severity or {REVERSAL, FLIP} & {*one.design.changing}:
        return ""
    told = [
        f"{name} {points(cells[REVERSAL, severity].value)} and {points(cells[FLIP, 0].value)} %"
        for name, cells in shown.items()
    ]
    return f"Reversed (severity {severity}) and mirrored: {', '.join(told)}"


def limits(all_of: Gathered, scored: list[Scored]) -> list[tuple[str, str]]:
    """What a reader must know before believing the rest: what it is about, and a sentence."""
    said = []
    limited = sum(bool(run.result.get("limited")) for run in all_of.runs)
    if limited:
        of = counted(len(all_of.runs), "run")
        said.append(("Runs", f"Limited for a trial: {limited} of {of}. Do not quote what rests on them."))
    seen = sorted({str(facets(run)["data"]) for run in all_of.runs if run.result.get("transductive")})
    if seen:
        words = (
            f"Transductive on {listed(seen)}: the test videos, without their labels, were among those of the pretraining. On videos "
            "that it has never seen a network may be worse."
        )
        said.append(("Test videos", words))
    few = sorted(
        {one.experiment.data for one in scored for arm in one.arms.values() if arm.groups < FEW_GROUPS}
    )
    if few:
        words = (
            f"{listed(few)}: fewer than {FEW_GROUPS} source groups, so how much groups matter is known roughly; "
            "with one group there is no interval and nothing is separated, with fewer than six nothing is."
        )
        said.append(("Groups", words))
    alone = sorted({one.experiment.name for one in scored for arm in one.arms.values() if arm.one_network})
    if alone:
        everywhere = len(scored) > 1 and set(alone) == {one.experiment.name for one in scored}
        where = "every experiment" if everywhere else listed(alone)
        words = (
            f"One training seed in {where}: these sentences are about the networks that were trained, not about the "
            "tasks they were trained with, and claims about tasks stay undetermined. Several seeds tell more."
        )
        said.append(("Seeds", words))
    if all_of.damaged:
        number = len(all_of.damaged)
        words = (
            f"{counted(number, 'finished run')} {inflected(number, 'is')} damaged and in nothing below; the files are listed under missing "
            "cells."
        )
        said.append(("Damaged", words))
    if all_of.missing:
        number = len(all_of.missing)
        tail = "it is" if number == 1 else "they are"
        words = (
            f"{counted(number, 'planned cell')} {inflected(number, 'has')} no result; {tail} listed under missing cells and never "
            "counted as zero."
        )
        said.append(("Missing", words))
    return said
