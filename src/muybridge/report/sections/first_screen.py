"""The first screen: one sentence for each data set, and every arm in every task with its interval; what sections say there, and how."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from muybridge.core.text.plurals import counted, listed, some
from muybridge.measure.estimate import Interval
from muybridge.report.gather.collect import BASELINE, Gathered
from muybridge.report.scores.robust import Perturbed
from muybridge.report.scores.score import Arm, Scored
from muybridge.report.tables.accuracy_tables import arm_cell
from muybridge.report.tables.table import Cell, capital, points, span

ORDER = ("finetune", "probe", "knn")
"""Whose answer stands for a data set that several were measured on: the first of them."""


@dataclass(frozen=True)
class Answer:
    """A clause of the sentence about one data set, without a full stop; clauses of several sections are joined."""

    data: str
    words: str


@dataclass(frozen=True)
class Bar:
    """One arm in one task: a share of videos with its interval, as fractions."""

    arm: Cell
    share: Interval

    @property
    def told(self) -> str:
        """The number and its interval, in percent."""
        return f"{points(self.share.value)} ({span(self.share)})"


@dataclass(frozen=True)
class Task:
    """All arms in one task; ``chance`` is NaN where it is not known."""

    name: str
    chance: float
    bars: Sequence[Bar]

    @property
    def drawn(self) -> list[tuple[str, int, Interval]]:
        """Name, colour and share of each arm."""
        return [(bar.arm.text, bar.arm.arm or 0, bar.share) for bar in self.bars]


def plain_answers(scored: Sequence[Scored]) -> list[Answer]:
    """What the accuracies of a data set say, from fine-tuning where there is any, else the probe, else the neighbours.

    Of several experiments of a stage that with the most arms speaks: a teacher of another size, alone in its own, answers no question.
    """
    chosen: dict[str, Scored] = {}
    for stage in ORDER:
        for one in sorted(scored, key=lambda one: -len(one.arms)):
            if one.experiment.stage == stage and one.arms:
                chosen.setdefault(one.experiment.data, one)
    return [Answer(data, f"{accuracy_clause(one)}{_behind(one, scored)}") for data, one in chosen.items()]


def _behind(one: Scored, scored: Sequence[Scored]) -> str:
    """How many other experiments of its data the clause leaves to the sections."""
    others = sum(other.experiment.data == one.experiment.data for other in scored) - 1
    return f" ({counted(others, 'more experiment')} below)" if others else ""


def accuracy_clause(scored: Scored) -> str:
    """Who is ahead, by how much, and from whom it cannot be told apart; never more than the corrected comparisons say."""
    ranked = scored.ranked()
    best = scored.arms[ranked[0]]
    who, shown, chance = best.name, best.accuracy(), scored.experiment.chance
    where = scored.experiment.protocol
    number = f"{points(shown.value)} %, 95 % interval {span(shown)}, {seeds_words(best)}"
    if len(ranked) == 1:
        guess = f"; chance {points(chance)} %" if np.isfinite(chance) else ""
        apart = ", not separable from chance" if shown.low <= chance <= shown.high else ""
        return f"in {where} {who} reaches {number}{guess}{apart}"
    pairs = {name: scored.between(who, name) for name in ranked[1:]}
    tied = [name for name, found in pairs.items() if found is not None and not found.stands]
    unlike = [name for name, found in pairs.items() if found is None]
    network = f"this {who} network" if best.one_network else who
    if not tied and not unlike:
        rest = ranked[1] if len(ranked) == 2 else "every other arm"
        said = f"in {where} {network} is above {rest}: {number}"
    else:
        apart = f"cannot be separated from {some(tied, 'other arm')}" if tied else ""
        other = f"is not comparable with {some(unlike, 'other arm')} (other videos)" if unlike else ""
        said = f"in {where} {who} has the highest accuracy, {number}, but {' and '.join(filter(None, (apart, other)))}"
    gain = pairs.get(BASELINE)
    if gain is None or not gain.stands:
        return said
    over = gain.difference.interval
    return f"{said}; {points(over.value, sign=True)} points over {BASELINE} ({span(over, sign=True)})"


def robust_answers(found: Sequence[Perturbed]) -> list[Answer]:
    """How much the arm with the highest perturbed accuracy keeps, by data set; of several experiments that with the most arms."""
    said = []
    chosen: dict[str, Perturbed] = {}
    for one in sorted(found, key=lambda one: -len(one.arms)):
        chosen.setdefault(one.scored.experiment.data, one)
    for one in chosen.values():
        whole = {name: arm for name, arm in one.arms.items() if arm.means}
        if whole:
            best = max(whole.values(), key=lambda arm: arm.means["types"].value)
            own = one.scored.arms[best.arm]
            who = f"this {best.arm} network" if own.one_network else best.arm
            mean, kept = best.means["types"], best.means["corrected"]
            share = f" and keeps {points(kept.value, 0)} % of what is above chance ({span(kept)})"
            tail = "" if best.near_chance or np.isnan(kept.value) else share
            near = ", but cannot be told from chance without perturbation" if best.near_chance else ""
            words = f"perturbed, {who} goes from {points(best.clean.value)} % to {points(mean.value)} % ({span(mean)}){tail}{near}"
            words += _highest(one, best.arm, list(whole))
            said.append(Answer(one.scored.experiment.data, words))
    return said


def _highest(one: Perturbed, best: str, arms: Sequence[str]) -> str:
    """That an arm was shown because its mean is the highest, and from whom it cannot be told apart; of one arm nothing."""
    if len(arms) < 2:
        return ""
    pairs = {other: one.between(best, other) for other in arms if other != best}
    tied = [other for other, found in pairs.items() if found is not None and not found.stands]
    return f", the highest of {counted(len(arms), 'arm')}" + (
        f", not separable from {some(tied, 'other arm')}" if tied else ""
    )


def seeds_words(arm: Arm) -> str:
    """``"3 training seeds"``; of one network that was given whole, nothing was trained here."""
    return counted(len(arm.rows), "training seed") if arm.one_network or len(arm.rows) > 1 else "one model"


def plain_tasks(scored: Sequence[Scored], all_of: Gathered) -> list[Task]:
    """Clean accuracies."""
    return [
        Task(
            capital(one.experiment.name),
            one.experiment.chance,
            [Bar(arm_cell(name, all_of), arm.accuracy()) for name, arm in one.arms.items()],
        )
        for one in scored
        if one.arms
    ]


def robust_tasks(found: Sequence[Perturbed], all_of: Gathered) -> list[Task]:
    """Mean accuracies over the types of perturbation."""
    tasks = []
    for one in found:
        bars = [
            Bar(arm_cell(name, all_of), arm.means["types"]) for name, arm in one.arms.items() if arm.means
        ]
        if bars:
            over = counted(len(one.design.kept), "type")
            tasks.append(
                Task(
                    f"{capital(one.scored.experiment.name)}, perturbed (mean over {over})",
                    one.design.chance,
                    bars,
                )
            )
    return tasks


def sentences(answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """One sentence for each data set, of all clauses about it."""
    joined: dict[str, list[str]] = {}
    for one in answers:
        joined.setdefault(one.data, []).append(one.words)
    return [(data, f"{capital('; '.join(words))}.") for data, words in joined.items()]


def question(gathered: Gathered) -> str:
    """What was asked, where the title is no question: from what the runs are."""
    if gathered.title.rstrip().endswith("?"):
        return ""
    tested = [one for stage in (*ORDER, "zeroshot") for one in gathered.of(stage)]
    disturbed = gathered.of("robustness")
    data = listed(sorted({one.data for one in tested or disturbed}))
    arms = list(dict.fromkeys(arm for one in tested or disturbed for arm in one.arms))
    if not data:
        return ""
    first = (
        f"How often is {arms[0]} right on {data}?"
        if len(arms) == 1
        else f"Which of {some(arms, 'arm')} is right most often on {data}?"
    )
    return first + (" How much of it lasts when the clips are perturbed?" if disturbed else "")
