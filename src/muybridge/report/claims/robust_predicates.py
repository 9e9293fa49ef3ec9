"""Predicates about robustness: which category falls steepest, kinds of models, how far models fall, two types of the same strength."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np

from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import Estimate, Interval, combined
from muybridge.measure.intervals import Difference
from muybridge.measure.robustness.model_units import group_gap
from muybridge.report.claims.more_predicates import Reference
from muybridge.report.claims.predicates import evidence, holes_of, spelt, test_of
from muybridge.report.claims.verdicts import FACETS, Evidence, Place, Says, Test, Wanted, World
from muybridge.report.scores.score import Comparison, same_videos

UNITS: Mapping[str, tuple[str, str]] = {
    "points": ("fall", "points of accuracy"),
    "relative": ("relative_fall", "per cent of the clean accuracy"),
}
"""By unit the score of a fall (``Design.score_of``), and how people call it."""
CLOSE = 0.01
"""Share by which two mean angles may differ and still be called equal."""


@dataclass(frozen=True)
class Steepest:
    """The accuracy of every arm falls steeper with severity under one category than under each other one.

    Every difference of slopes must stand, and the category must be the steepest in a share of redrawn test sets.

    Attributes:
        category: a category, or several joined by ``+`` (mean over their types).
        others: what it is compared with; every other category of the run when empty.
        certainty: share of redraws of the source groups in which it must be the steepest.
    """

    words: str
    category: str
    where: Wanted = field(default_factory=dict)
    others: Sequence[str] = ()
    certainty: float = 0.975

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One difference of slopes per arm and other category."""
        tests: list[Test] = []
        missing: list[str] = []
        places = self._places(world)
        for place in places:
            name = place.said(FACETS)
            missing += holes_of(place.said(FACETS[:-1]), [place])
            slopes = self._slopes(place)
            missing += [
                f"{name}: {spelt(f'slope:{one}')} is missing"
                for one, slope in slopes.items()
                if slope is None
            ]
            own = slopes[self.category]
            for other, slope in slopes.items():
                if other != self.category and own is not None and slope is not None:
                    found = Difference.of((self.category, other), own - slope)
                    words = f"{name}: fall with every severity, {self.category} against {other}"
                    tests.append(Test(words, found, place.arm.one_network, [place]))
            missing += [f"{name}: another category"] if len(slopes) < 2 else []
        return tests, missing if places else ["no finished run that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is what stands and is positive, and a category that is the steepest nearly always."""
        weighed = [evidence(test, one, one.difference.interval.value > 0) for test, one in found]
        tested = {id(place) for test, _ in found for place in test.places}
        return weighed + [self._share(place) for place in self._places(world) if id(place) in tested]

    def _share(self, place: Place) -> Evidence:
        """In how many redraws of the source groups it is the steepest."""
        slopes = {name: one for name, one in self._slopes(place).items() if one is not None}
        redrawn = np.stack([one.redrawn for one in slopes.values()])
        largest = np.bincount(redrawn.argmax(axis=0), minlength=len(slopes)) / redrawn.shape[1]
        shares = dict(zip(slopes, largest.tolist(), strict=True))
        own = shares.pop(self.category)
        says: Says = (
            "for"
            if own >= self.certainty
            else "against"
            if max(shares.values()) >= self.certainty
            else "open"
        )
        if place.arm.one_network or place.arm.groups < 2:
            says = "one seed" if place.arm.one_network else "one source group"
        words = (
            f"{place.said(FACETS)}: {self.category} falls steepest in {100 * own:.1f} % of redrawn test sets"
        )
        return Evidence(f"{words}, wanted {100 * self.certainty:g} %", says)

    def _places(self, world: World) -> list[Place]:
        return [place for place in world.places if place.design is not None and place.fits(self.where)]

    def _slopes(self, place: Place) -> dict[str, Estimate | None]:
        own = set(self.category.split("+"))
        graded = place.design.graded if place.design is not None else []
        others = self.others or [name for name in graded if name not in own]
        return {name: place.estimate(f"slope:{name}") for name in (self.category, *others)}


@dataclass(frozen=True)
class Families:
    """Models of one kind score above those of another; the unit is a model, its seeds and test videos averaged.

    Attributes:
        better: facets of the models of one kind.
        worse: of the other.
        score: as of ``Place.estimate``; ``relative:NAME`` for relative robustness to a category.
    """

    words: str
    better: Wanted
    worse: Wanted
    where: Wanted = field(default_factory=dict)
    score: str = "relative"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One test for every data set, stage and profile."""
        tests: list[Test] = []
        missing: list[str] = []
        groups: dict[str, list[Place]] = {}
        for place in world.places:
            if place.fits(self.where) and (place.fits(self.better) or place.fits(self.worse)):
                groups.setdefault(place.said(("stage", "data", "profile")), []).append(place)
        for name, places in groups.items():
            scores = {id(place): place.estimate(self.score) for place in places}
            missing += [
                f"{name}: {spelt(self.score)} of {one.arm.name} is missing"
                for one in places
                if scores[id(one)] is None
            ]
            sides = [
                [own.value for one in places if one.fits(wanted) and (own := scores[id(one)]) is not None]
                for wanted in (self.better, self.worse)
            ]
            if not all(sides):
                missing.append(f"{name}: models of both kinds")
                continue
            gap = group_gap(*sides)
            bounds = Interval(gap.value, gap.low, gap.high, gap.models)
            words = f"{name}: {spelt(self.score)}, {counted(len(sides[0]), 'model')} against {len(sides[1])}"
            least = (
                f"; the smallest p that so few models allow is {gap.least:.3f}" if gap.least > 0.05 else ""
            )
            tests.append(Test(words + least, Difference("", "", bounds, gap.p), False, places))
        return tests, missing if groups else ["no finished run that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is a gap that stands and is positive."""
        scale = f"{spelt(self.score)}, models as units"
        told = [evidence(test, one, one.difference.interval.value > 0) for test, one in found]
        return [Evidence(one.words, one.says, one.interval, one.p, scale) for one in told]


@dataclass(frozen=True)
class Drops:
    """Models fall by so much under some perturbations, in a unit that is named, and in the order that these numbers give.

    Attributes:
        of: categories or types, joined by ``+``.
        unit: ``points``, clean less perturbed accuracy; ``relative``, that over the clean accuracy.
        models: by arm, its fall in points, or in per cent of its clean accuracy.
        within: how far off is still agreement, in the same unit; of any fall only the order is judged when 0.
    """

    words: str
    of: str
    unit: Literal["points", "relative"]
    models: Mapping[str, float | str]
    within: float = 0.0
    where: Wanted = field(default_factory=dict)

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """The distance of every fall from its number, then the difference between every two models on the same videos."""
        tests: list[Test] = []
        missing: list[str] = []
        for arm, number in self._numbers.items() if self.within else ():
            asked = self._reference(arm, number)
            made, lacking = asked.tests(world)
            words = f"{arm}: fall under {self._of}, less {number:g} {UNITS[self.unit][1]}"
            tests += [Test(words, one.difference, one.one_network, one.places) for one in made]
            missing += [one if "no finished run" not in one else f"{arm} is missing" for one in lacking]
        for more, less in self._pairs:
            sides = [self._places(world, arm) for arm in (more, less)]
            for one, other in ((a, b) for a in sides[0] for b in sides[1] if _alike(a, b)):
                found = test_of(one.said(("data", "profile")), [one], [other], self._score)
                if isinstance(found, str):
                    missing.append(found)
                else:
                    words = f"{found.words}, {UNITS[self.unit][1]} under {self._of}"
                    tests.append(Test(words, found.difference, found.one_network, found.places))
            if not all(sides):
                missing += [
                    f"{arm} is missing" for arm, side in zip((more, less), sides, strict=True) if not side
                ]
        return tests, list(dict.fromkeys(missing))

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is a fall that is surely near its number, and a model that falls further where the numbers say so."""
        scale = "" if self.unit == "points" else "share of the clean accuracy"
        weighed = []
        for test, one in found:
            bounds = one.difference.interval
            if len(test.places) > 1:
                told = evidence(test, one, bounds.value > 0)
            else:
                said = self._reference(test.places[0].facets["arm"], 0.0).weigh(world, [(test, one)])[0]
                told = Evidence(f"{test.words}, within {self.within:g}", said.says, said.interval, said.p)
            weighed.append(Evidence(told.words, told.says, told.interval, told.p, scale))
        return weighed

    def _reference(self, arm: str, number: float) -> Reference:
        where = {**self.where, "arm": arm}
        return Reference(self.words, where, number / 100, {}, self.within / 100, self._score, "said")

    @property
    def _score(self) -> str:
        return f"{UNITS[self.unit][0]}:{self.of}"

    @property
    def _of(self) -> str:
        return listed(self.of.split("+"))

    @property
    def _numbers(self) -> dict[str, float]:
        return {arm: float(number) for arm, number in self.models.items()}

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        """Models whose numbers differ, the one that is said to fall further first."""
        ordered = sorted(self._numbers, key=lambda arm: -self._numbers[arm])
        return [(a, b) for a, b in combinations(ordered, 2) if self._numbers[a] > self._numbers[b]]

    def _places(self, world: World, arm: str) -> list[Place]:
        return [
            one for one in world.places if one.design is not None and one.fits({**self.where, "arm": arm})
        ]


def _alike(one: Place, other: Place) -> bool:
    """Whether two models were tested on one data set under one profile; each with its own clips."""
    return all(one.facets[name] == other.facets[name] for name in ("stage", "data", "profile"))


@dataclass(frozen=True)
class SameStrength:
    """Arms keep more of their accuracy under one type of rotation than under another that turns as far on average.

    Paired within each arm, severity by severity; judged only where the runs say that the mean angle of both is the same at every severity.

    Attributes:
        milder: the type under which more is kept.
        harsher: the other.
        over: ``each`` arm, or their ``mean``.
    """

    words: str
    milder: str
    harsher: str
    where: Wanted = field(default_factory=dict)
    over: Literal["each", "mean"] = "each"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """The difference of relative robustness, per arm or on average over arms."""
        places = self._places(world)
        missing = [line for place in places for line in holes_of(place.said(FACETS[:-1]), [place])]
        found: dict[str, tuple[Place, Estimate]] = {}
        for place in places:
            sides = [place.estimate(f"relative:{one}") for one in (self.milder, self.harsher)]
            if sides[0] is None or sides[1] is None:
                missing.append(f"{place.said(FACETS)}: {self.milder} or {self.harsher} is missing")
            elif not self._unequal(place):
                found[place.said(FACETS)] = place, sides[0] - sides[1]
        tests = [self._test(name, [one], gap) for name, (one, gap) in found.items()]
        if self.over == "mean" and len(found) > 1:
            own = [place for place, _ in found.values()]
            if all(same_videos(own[0].arm, one.arm) for one in own[1:]):
                mean = combined([gap for _, gap in found.values()], [1 / len(found)] * len(found))
                tests = [self._test(f"mean over {counted(len(own), 'arm')}", own, mean)]
            else:
                tests, missing = [], [*missing, "the arms were tested on different videos: no mean"]
        return tests, missing if places else ["no finished run that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is what stands and is positive; nothing follows where one of the two turns further."""
        weighed = [evidence(test, one, one.difference.interval.value > 0) for test, one in found]
        unequal = [(place, told) for place in self._places(world) if (told := self._unequal(place))]
        return weighed + [
            Evidence(f"{place.said(FACETS)}: {told}", "not comparable") for place, told in unequal
        ]

    def _test(self, name: str, places: list[Place], gap: Estimate) -> Test:
        words = f"{name}: relative robustness to {self.milder} less that to {self.harsher}"
        alone = any(place.arm.one_network for place in places)
        return Test(words, Difference.of((self.milder, self.harsher), gap), alone, places)

    def _places(self, world: World) -> list[Place]:
        return [
            place for place in world.places
            if place.design is not None and place.fits(self.where) and {self.milder, self.harsher} <= set(place.design.types)
        ]  # fmt: skip

    def _unequal(self, place: Place) -> str:
        """At which severities the mean angles differ, by what the runs say; empty where they are the same."""
        told = [run.result.get("mean_angle") or {} for run in place.arm.runs]
        if not all({self.milder, self.harsher} <= set(one) for one in told):
            return "the run does not say how far the two turn"
        angles = [(one[self.milder], one[self.harsher]) for one in told]
        differing = [
            f"severity {key}: {first.get(key, float('nan')):.1f} and {second.get(key, float('nan')):.1f} degrees"
            for first, second in angles
            for key in sorted({*first, *second})
            if not abs(first.get(key, np.inf) - second.get(key, 0.0)) <= CLOSE * second.get(key, 0.0)
        ]
        return f"unequal mean angles, {listed(list(dict.fromkeys(differing)))}" if differing else ""
