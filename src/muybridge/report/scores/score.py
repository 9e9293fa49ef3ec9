"""Numbers of an experiment, from its prediction rows: accuracies, intervals and comparisons of arms."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from muybridge.core.label_changes import Becomes
from muybridge.core.text.plurals import counted
from muybridge.measure.estimate import BLOCKS, LEVEL, Interval
from muybridge.measure.intervals import CLEAN, Condition, Difference, Outcomes, holm
from muybridge.measure.robustness.altered import by_kind, pairs_of, which_of_two, which_pair
from muybridge.measure.robustness.answer_columns import Answers, Tested, flips, together
from muybridge.report.gather.collect import Experiment, data_of
from muybridge.report.scores.classwise import Classwise, classwise
from muybridge.report.scores.shares import Score, VideoShares, estimate
from muybridge.runs.contents.predictions import Predictions
from muybridge.runs.records import Run

FEWEST_BLOCKS = 3
"""Seeds from which arms are paired by them: the spread of two differences says so little that unpaired arms are told apart sooner."""


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment: its rows, and shares of right and of changed answers.

    Attributes:
        runs: all of its runs, over seeds and folds.
        rows: answers of each seed, folds together.
        blocks: names what a seed moves; arms of one name and with as many seeds are paired seed by seed, others are independent.
    """

    name: str
    runs: list[Run]
    rows: dict[int, Tested]
    blocks: str = ""

    @cached_property
    def right(self) -> VideoShares:
        """Shares of right answers."""
        return self._shares([rows.right for rows in self.rows.values()])

    @cached_property
    def changed(self) -> VideoShares:
        """Shares of answers that differ from the clean one."""
        return self._shares([changed for changed, _ in self._flips])

    @cached_property
    def lost(self) -> VideoShares:
        """Shares of videos that were right without perturbation and are wrong with it."""
        return self._shares([lost for _, lost in self._flips])

    def _shares(self, counted: list[Outcomes]) -> VideoShares:
        return VideoShares(self.blocks or self.name, counted)

    @cached_property
    def _flips(self) -> list[tuple[Outcomes, Outcomes]]:
        return [flips(rows) for rows in self.rows.values()]

    @cached_property
    def pair(self) -> VideoShares | None:
        """Shares of clean answers that are the class or its partner under reversal; None where no class has one."""
        return self._of_pairs(which_pair)

    @cached_property
    def direction(self) -> VideoShares | None:
        """Shares of clean videos whose class scores higher than its partner: what only the order of frames tells."""
        return self._of_pairs(which_of_two)

    def _of_pairs(self, marks: Callable[[Predictions, np.ndarray], Outcomes | None]) -> VideoShares | None:
        told = data_of(self.runs[0])
        pairs = pairs_of(told.get("partners") or {}, told.get("classes") or [])
        found = [marks(rows, pairs) for rows in self.clean()] if (pairs >= 0).any() else []
        counted = [one for one in found if one is not None]
        return self._shares(counted) if counted and len(counted) == len(found) else None

    def kinds(self, condition: Condition, becomes: Becomes) -> dict[str, VideoShares]:
        """Shares of ``measure.robustness.altered.by_kind`` under a condition; of seeds that lack it nothing."""
        classes = data_of(self.runs[0]).get("classes") or []
        seeds = self.under(condition)
        found = (
            [by_kind(rows, becomes, classes) for rows in seeds] if all(map(len, seeds)) and classes else []
        )
        return {kind: self._shares([one[kind] for one in found]) for kind in (found[0] if found else ())}

    @property
    def groups(self) -> int:
        """Source groups behind its numbers."""
        return self.right.groups

    @cached_property
    def same_tests(self) -> bool:
        """Whether all of its seeds were tested on the same videos of the same groups."""
        first, *others = self.right.counted
        return all(_alike(first, one) for one in others)

    @cached_property
    def one_network(self) -> bool:
        """Whether a single training run stands for the way it was trained: then its numbers are of that network only.

        Not of networks that came as they are (public weights, own models): those are what is asked about.
        """
        given = all(run.stage == "robustness" and not run.result.get("inputs") for run in self.runs)
        return len(self.rows) == 1 and not given

    def place(self, seed: int | None) -> int | None:
        """Where a seed stands among its seeds; None for the mean over seeds."""
        return None if seed is None else self._places[seed]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {seed: place for place, seed in enumerate(self.rows)}

    def accuracy(self, condition: Condition = CLEAN, seed: int | None = None) -> Interval:
        """Accuracy under a condition, of one seed or (None) the mean over seeds."""
        return self.right.share(condition, self.place(seed))

    def clean(self, seed: int | None = None) -> list[Predictions]:
        """Rows without perturbation, of one seed or each."""
        return [self.rows[one].clean for one in self._chosen(seed)]

    def under(self, condition: Condition, seed: int | None = None) -> list[Answers]:
        """Answers under a condition, of one seed or each; none of a seed that lacks it."""
        return [self.rows[one].under(condition) for one in self._chosen(seed)]

    def _chosen(self, seed: int | None) -> Iterable[int]:
        return self.rows if seed is None else [seed]

    @cached_property
    def classes(self) -> Classwise:
        """Accuracies by class, their mean, and top-5 accuracy."""
        return classwise(self.name, self.clean())

    @cached_property
    def undecoded(self) -> int:
        """Videos without scores, summed over seeds; each counts as wrong."""
        return sum(int((rows.predicted == -1).sum()) for rows in self.clean())

    @cached_property
    def videos(self) -> int:
        """Test videos; the smallest number where seeds differ."""
        return min(len(rows) for rows in self.clean())


@dataclass(frozen=True)
class Comparison:
    """Two arms on the same videos.

    Attributes:
        difference: with the interval of this comparison alone.
        p: corrected by Holm over all comparisons of its family.
        stands: whether the corrected one does.
        among: number of comparisons in the family.
        alone: what p is where the others of the family do not count.
    """

    difference: Difference
    p: float
    stands: bool
    among: int = 1
    alone: float = 1.0

    @property
    def correction(self) -> str:
        """Why something is not separated though its interval leaves out zero, to stand behind the interval; empty where nothing clashes."""
        one = self.difference.interval
        if self.stands or not (one.low > 0 or one.high < 0):
            return ""
        return (
            f"; alone it would stand, among {counted(self.among, 'comparison')} it does not: p = {self.p:.2g}"
        )


Pairs = Mapping[tuple[str, str], Comparison]


@dataclass(frozen=True)
class Scored:
    """An experiment with its numbers; ``problems`` names arms that could not be compared and why."""

    experiment: Experiment
    arms: dict[str, Arm]
    comparisons: list[Comparison]
    problems: list[str]

    def between(self, a: str, b: str) -> Comparison | None:
        """The comparison of two arms, as ``a`` minus ``b``; None when tested on different videos."""
        return between(self._pairs, a, b)

    @cached_property
    def _pairs(self) -> Pairs:
        return by_pair(self.comparisons)

    def ranked(self) -> list[str]:
        """Arms from the best clean accuracy down."""
        return sorted(self.arms, key=lambda name: -self.arms[name].accuracy().value)


def score(experiment: Experiment, rows: Mapping[str, Tested]) -> Scored:
    """Compare the arms of an experiment pairwise.

    Args:
        experiment: what was run.
        rows: answers by signature of the run.
    """
    read = {
        name: _arm(name, seeds, rows, experiment.labels_by_seed)
        for name, seeds in experiment.arms.items()
        if seeds
    }
    arms = {name: arm for name, arm in read.items() if CLEAN in arm.right.conditions}
    problems = [
        f"{name} has no rows without perturbation and is left out." for name in read if name not in arms
    ]
    pairs = []
    for a, b in combinations(arms.values(), 2):
        if same_videos(a, b):
            pairs.append((a.name, b.name))
        else:
            problems.append(f"{a.name} and {b.name} were tested on different videos and are not compared.")
    return Scored(experiment, arms, compared(differences(pairs, arms, lambda cells: cells[CLEAN])), problems)


def compared(differences: list[Difference], times: int = 1) -> list[Comparison]:
    """Differences with Holm's correction over all of them; every p is multiplied by ``times`` before, the number of such families."""
    corrected = [min(1.0, times * p) for p in holm([one.p for one in differences])]
    alone = [min(1.0, times * one.p) for one in differences]
    found = zip(differences, corrected, alone, strict=True)
    return [Comparison(one, p, p <= 1 - LEVEL + 1e-12, len(differences), own) for one, p, own in found]


def one_family(parts: Sequence[list[Comparison]]) -> list[list[Comparison]]:
    """The same comparisons, corrected over all of them together, in the lists they came in."""
    whole = iter(compared([one.difference for part in parts for one in part]))
    return [[next(whole) for _ in part] for part in parts]


def by_pair(found: Sequence[Comparison]) -> Pairs:
    """Comparisons by the names of their arms, for ``between``."""
    return {(one.difference.a, one.difference.b): one for one in found}


def between(found: Pairs, a: str, b: str) -> Comparison | None:
    """The comparison of ``a`` minus ``b`` among those found, turned round where needed."""
    if (a, b) in found:
        return found[a, b]
    other = found.get((b, a))
    return None if other is None else replace(other, difference=_turned(other.difference))


def same_videos(a: Arm, b: Arm) -> bool:
    """Whether two arms were tested on the same videos, in every seed."""
    return a.same_tests and b.same_tests and _alike(a.right.counted[0], b.right.counted[0])


def _alike(a: Outcomes, b: Outcomes) -> bool:
    return np.array_equal(a.videos, b.videos) and np.array_equal(a.groups, b.groups)


def differences(pairs: Sequence[tuple[str, str]], arms: Mapping[str, Arm], of: Score) -> list[Difference]:
    """A score of the first arm minus that of the second, of every pair; each arm is estimated once."""
    found = {
        name: estimate(of, arms[name].right)
        for name in dict.fromkeys(name for pair in pairs for name in pair)
    }
    return [Difference.of(pair, found[pair[0]] - found[pair[1]]) for pair in pairs]


def difference(a: Arm, b: Arm, of: Score) -> Difference:
    """A score of arm ``a`` minus that of arm ``b``, paired on the same videos."""
    return Difference.of((a.name, b.name), estimate(of, a.right) - estimate(of, b.right))


def _arm(name: str, seeds: dict[int, list[Run]], rows: Mapping[str, Tested], labels_by_seed: bool) -> Arm:
    """An arm; where a seed draws the labels that all arms learn from, it moves them together."""
    paired = labels_by_seed and len(seeds) >= FEWEST_BLOCKS
    blocks = BLOCKS + " ".join(map(str, sorted(seeds))) if paired else ""
    kept = {seed: together([rows[run.signature] for run in runs]) for seed, runs in seeds.items()}
    return Arm(name, [run for runs in seeds.values() for run in runs], kept, blocks)


def _turned(one: Difference) -> Difference:
    old = one.interval
    return Difference(one.b, one.a, Interval(-old.value, -old.high, -old.low, old.groups, old.seeds), one.p)
