"""Where a perturbation changes labels: what keeps its label, what gets a new one, what has none; a mirror beside reversal.

And, where classes are each other's reverse: which pair, and which of the two, with what a reader reaches that cannot see the order of
frames.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muybridge.core.label_changes import FLIP, REVERSAL
from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import Condition
from muybridge.measure.robustness.altered import KEPT, OLD, PARTNER, Taken, taken_for
from muybridge.report.gather.collect import Gathered
from muybridge.report.gather.design import Design
from muybridge.report.scores.score import Arm, Scored
from muybridge.report.tables.accuracy_tables import arm_cell, legend_of, slugged, spanned
from muybridge.report.tables.table import Cell, Column, Table, capital, count, missing, points, span, text

MEANING = {
    KEPT: "label holds: named rightly",
    PARTNER: "label has become another: that one is named (high is good)",
    OLD: "label holds no more: still named (low is good)",
}
ORDER_FREE: Mapping[str, tuple[float, float]] = {"builtin-motions": (0.538, 0.5)}
"""Share of pairs, and of directions within the pair, by data set, that a reader without the order of frames reaches:
``benchmarks/order_free.py``, 800 test clips; the second is exact by the symmetry of the renderer."""


@dataclass(frozen=True)
class Altered:
    """One outcome of one condition: a share by arm.

    Attributes:
        kind: ``KEPT``, ``PARTNER`` or ``OLD``.
        classes: how many classes it is about.
        shares: by arm that has it.
    """

    condition: Condition
    kind: str
    classes: int
    shares: Mapping[str, Interval]


def altered(scored: Scored, plan: Design) -> list[Altered]:
    """Outcomes of every condition that changes a label, and of reversal and the mirror in any case."""
    have = sorted(
        {one for arm in scored.arms.values() for one in arm.right.conditions if one[1] or one[0] == FLIP}
    )
    types = {*plan.becomes, REVERSAL, FLIP}
    if not plan.becomes and not {name for name, _ in have} & {REVERSAL, FLIP}:
        return []
    found = []
    for condition in (one for one in have if one[0] in types):
        becomes = plan.becomes.get(condition[0], {}).get(str(condition[1]), {})
        kinds = {name: arm.kinds(condition, becomes) for name, arm in scored.arms.items()}
        turned = sum(1 for to in becomes.values() if to)
        numbers = {KEPT: len(scored.experiment.classes) - len(becomes), PARTNER: turned, OLD: len(becomes)}
        for kind, number in numbers.items():
            shares = {name: own[kind].share(condition) for name, own in kinds.items() if kind in own}
            if shares:
                found.append(Altered(condition, kind, number, shares))
    return found


def altered_table(scored: Scored, plan: Design, all_of: Gathered) -> Table | None:
    """One row per condition and outcome."""
    found = altered(scored, plan)
    if not found:
        return None
    columns = [Column("perturbation"), Column("severity", True), Column("outcome"), Column("classes", True)]
    columns += [Column(f"{name}, %", True) for name in scored.arms]
    rows = [
        [
            text(one.condition[0]), count(one.condition[1]) if one.condition[1] else text("none"), text(MEANING[one.kind]),
            count(one.classes), *(spanned(one.shares[name]) if name in one.shares else missing("") for name in scored.arms),
        ]
        for one in found
    ]  # fmt: skip
    experiment = scored.experiment
    slug = slugged("labels", experiment.protocol, experiment.data, experiment.details)
    notes = [
        "The outcomes are never averaged with each other. Only the first is robustness. The mirror (horizontal_flip) stands beside "
        "reversal "
        "because it changes every frame and no order; it is in no mean."
    ]
    if not plan.becomes and plan.changing:
        notes.append(f"These runs do not say into which classes {listed(plan.changing)} turns clips.")
    legend = legend_of(scored, "Answers by what becomes of the label,", compared=False)
    return Table(slug, f"{experiment.name}: where labels change", columns, rows, notes, legend=legend)


def altered_words(scored: Scored, plan: Design, name: str, ranked: Sequence[str]) -> str:
    """A sentence about a type that changes labels, at its mildest severity that does."""
    cells = plan.becomes.get(name, {})
    if not cells:
        return _old_words(scored, plan, name, ranked)
    severity = min(cells, key=int)
    condition, becomes = (name, int(severity)), cells[severity]
    found = {kind: _told(scored, condition, becomes, kind, ranked) for kind in (PARTNER, OLD)}
    said = (
        f"what the clip has become is named by {found[PARTNER]}"
        if found[PARTNER]
        else "the clip then shows none of the classes"
    )
    old = f"; the old label by {found[OLD]}" if found[OLD] else ""
    classes = counted(len(scored.experiment.classes), "class")
    return (
        f"{capital(name)} (severity {severity}) changes the label of {len(becomes)} of {classes} and is in no average: {said}{old} "
        f"(chance {points(scored.experiment.chance)} %)"
    )


def _told(
    scored: Scored, condition: Condition, becomes: Mapping[str, str], kind: str, ranked: Sequence[str]
) -> str:
    shares = {arm: scored.arms[arm].kinds(condition, becomes).get(kind) for arm in ranked}
    return ", ".join(
        f"{arm} {points(one.share(condition).value)} %" for arm, one in shares.items() if one is not None
    )


def _old_words(scored: Scored, plan: Design, name: str, ranked: Sequence[str]) -> str:
    """For runs that do not say what a type makes of the classes."""
    if not ranked or name not in plan.types:
        return ""
    severity = min(plan.types[name])
    told = ", ".join(f"{arm} {points(scored.arms[arm].accuracy((name, severity)).value)} %" for arm in ranked)
    chance = points(scored.experiment.chance)
    said = f"{capital(name)} makes another class of each clip and is in no average"
    return f"{said}: right by the old label {told} (chance {chance} %)"


def suspected(scored: Scored, plan: Design) -> list[Taken]:
    """Classes that some arm calls one other class under a type that is counted in the means; of each type and class the worst severity."""
    found: dict[tuple[str, str], Taken] = {}
    for arm in scored.arms.values():
        for seed in arm.rows:
            clean = arm.clean(seed)[0]
            for condition in [(name, severity) for name in plan.kept for severity in plan.types[name]]:
                own = arm.under(condition, seed)[0]
                for one in taken_for(clean, own, scored.experiment.classes) if len(own) else []:
                    key = (one.perturbation, one.name)
                    if key not in found or one.share > found[key].share:
                        found[key] = one
    return list(found.values())


def suspected_words(found: Sequence[Taken]) -> str:
    """``"static_rotation 5: move-right is called move-up in 92 %"``; of many the three clearest."""
    ranked = sorted(found, key=lambda one: -one.share)
    told = [
        f"{one.perturbation} {one.severity}: {one.name} is called {one.called} in {points(one.share, 0)} %"
        for one in ranked[:3]
    ]
    return "; ".join(told) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")


def direction_table(scored: Scored, all_of: Gathered) -> Table | None:
    """Which pair, and which of the two, by arm; None where no class is the reverse of another."""
    told = {
        name: arm for name, arm in scored.arms.items() if arm.direction is not None and arm.pair is not None
    }
    if not told:
        return None
    experiment = scored.experiment
    columns = [
        Column("arm"),
        Column("which pair, %", True, "the answer is the class or its reverse"),
        Column("which of the two, %", True, "the class scores higher than its reverse, whatever else does"),
    ]
    rows = [[arm_cell(name, all_of), *_both(arm)] for name, arm in told.items()]
    free = ORDER_FREE.get(experiment.data)
    if free:
        rows.append(
            [
                text("without the order of frames"),
                *(Cell(points(one), sort=100 * one, small="reader") for one in free),
            ]
        )
    notes = [
        "Which pair may be told from frames in any order; which of the two only by their order: 50 % without, as by chance."
    ]
    if free:
        notes.append(
            "The reader without order is a logistic regression on mean and deviation over time of 9 x 9 pixels "
            "(benchmarks/order_free.py); its "
            "50 % is exact, since each clip has its reverse in the other class of the pair."
        )
    slug = slugged("direction", experiment.stage, experiment.protocol, experiment.data, experiment.details)
    legend = legend_of(
        scored, "Answers that are the class or its reverse, and scores of the class above its reverse,", compared=False
    )  # fmt: skip
    return Table(
        slug, f"{experiment.name}: which pair, and which of the two", columns, rows, notes, legend=legend
    )


def _both(arm: Arm) -> list[Cell]:
    return [spanned(one.share()) if one is not None else missing("") for one in (arm.pair, arm.direction)]


def direction_words(scored: Scored, all_arms: bool = True) -> str:
    """A sentence: what arms reach in telling a class from its reverse, each or the lowest and the highest; empty where there is no pair."""
    shares = {name: one for name in scored.ranked() if (one := scored.arms[name].direction) is not None}
    if not shares:
        return ""
    estimates = {name: one.share() for name, one in shares.items()}
    told = {name: f"{name} {points(one.value)} % ({span(one)})" for name, one in estimates.items()}
    words = ", ".join(told.values())
    if not all_arms and len(told) > 2:
        lowest, *_, highest = sorted(told, key=lambda name: estimates[name].value)
        words = f"from {told[lowest]} to {told[highest]}"
    free = ORDER_FREE.get(scored.experiment.data, (math.nan, 0.5))[1]
    return f"Which of a class and its reverse, where {points(free, 0)} % is what frames in any order tell: {words}"
