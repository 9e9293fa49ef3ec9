"""Further predicates: arms are equal for all purposes, a score follows a factor, scores go together, protocols, published numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from muybridge.core.seeding import rng
from muybridge.core.text.plurals import counted, listed
from muybridge.measure.diversity.association import Association, rank_correlation
from muybridge.measure.estimate import Estimate, Interval, combined
from muybridge.measure.intervals import Difference
from muybridge.report.claims.predicates import Above, holes_of, spelt
from muybridge.report.claims.verdicts import FACETS, Evidence, Place, Test, Wanted, World
from muybridge.report.gather.collect import facets
from muybridge.report.scores.score import Comparison, same_videos
from muybridge.runs.records import Run

Direction = Literal["rising", "falling"]
FEWEST = 6
"""Arms below which a rank correlation is not judged."""


@dataclass(frozen=True)
class Equivalent:
    """Arms differ by less than the smallest difference that matters, all else being equal: two one-sided tests.

    Attributes:
        one: facets of the one side.
        other: facets of the other.
        smallest: the smallest difference that matters, as a fraction (0.02 are 2 points); no difference is ever found to be none.
    """

    words: str
    one: Wanted
    other: Wanted
    smallest: float
    where: Wanted = field(default_factory=dict)
    score: str = "accuracy"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """The comparisons of ``Above``, with the p-value of "they differ by at least so much"."""
        made, missing = Above(self.words, self.one, self.other, self.where, self.score).tests(world)
        return [self._equivalence(test) for test in made], missing

    def _equivalence(self, test: Test) -> Test:
        parts = [one for place in test.places if (one := place.estimate(self.score)) is not None]
        told = Difference(
            test.difference.a,
            test.difference.b,
            test.difference.interval,
            _p(combined(parts, [1.0, -1.0]), self.smallest),
        )
        return Test(
            f"{test.words}, within {100 * self.smallest:g} points", told, test.one_network, test.places
        )

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is what is surely small, against it what is surely not."""
        return [
            Evidence(test.words, self._says(test, one), one.difference.interval, one.p) for test, one in found
        ]

    def _says(self, test: Test, one: Comparison) -> Any:
        bounds = one.difference.interval
        if test.says(one, True) in ("one seed", "one source group", "for"):
            return test.says(one, True)
        outside = bounds.low > self.smallest or bounds.high < -self.smallest
        return "against" if outside else "open"


def _p(found: Estimate, smallest: float) -> float:
    """Never surer than so few groups allow, as of differences."""
    if found.groups < 2:
        return 1.0
    return max(found.within(smallest), 2.0 ** (1 - found.groups))


@dataclass(frozen=True)
class Trend:
    """A score rises (or falls) with a factor, in every group of places that agree in all else.

    Attributes:
        factor: facet that varies.
        order: its values from least to most; all must be there.
        direction: of the score.
    """

    words: str
    factor: str
    order: Sequence[str]
    where: Wanted = field(default_factory=dict)
    score: str = "accuracy"
    direction: Direction = "rising"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """Per group the linear contrast over the order, and every step."""
        tests: list[Test] = []
        missing: list[str] = []
        order = [str(value) for value in self.order]
        free = {self.factor, *(("arm",) if self.factor in ("level",) else ())}
        groups: dict[str, list[Place]] = {}
        for place in world.places:
            if place.fits(self.where) and place.facets.get(self.factor) in order:
                groups.setdefault(place.said([one for one in FACETS if one not in free]), []).append(place)
        for name, places in groups.items():
            by_value = {place.facets[self.factor]: place for place in places}
            absent = [value for value in order if value not in by_value]
            missing += [f"{name}: {self.factor} {listed(absent)} is missing"] if absent else []
            missing += holes_of(name, places)
            if len(by_value) > 1:
                tests += self._contrasts(
                    name, [by_value[value] for value in order if value in by_value], missing
                )
        return tests, missing if groups else ["no finished run that it speaks of"]

    def _contrasts(self, name: str, places: list[Place], missing: list[str]) -> list[Test]:
        parts = [one for place in places if (one := place.estimate(self.score)) is not None]
        if len(parts) < len(places) or not all(same_videos(places[0].arm, one.arm) for one in places[1:]):
            missing.append(
                f"{name}: {spelt(self.score)} of some is missing, or they were tested on different videos"
            )
            return []
        alone = any(place.arm.one_network for place in places)
        steps = np.arange(len(parts)) - (len(parts) - 1) / 2
        slope = combined(parts, list(steps / float(steps @ steps) * (len(parts) - 1)))
        values = [place.facets[self.factor] for place in places]
        told = f"{name}: from {self.factor} {values[0]} to {values[-1]}, along a line"
        tests = [Test(told, Difference.of((values[-1], values[0]), slope), alone, places)]
        for (a, b), (x, y) in zip(pairwise(parts), pairwise(values), strict=True):
            tests.append(
                Test(f"{name}: from {self.factor} {x} to {y}", Difference.of((y, x), b - a), alone, places)
            )
        return tests

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is the contrast; single steps are shown where they stand against it."""
        sign = 1 if self.direction == "rising" else -1
        evidence = []
        for test, one in found:
            says = test.says(one, sign * one.difference.interval.value > 0)
            if "along a line" in test.words or says == "against":
                evidence.append(Evidence(test.words, says, one.difference.interval, one.p))
        return evidence


@dataclass(frozen=True)
class Correlated:
    """Two scores of the arms go together, within strata; the unit is an arm, its seeds averaged.

    Attributes:
        first: a score, as of ``Above``.
        second: the other.
        strata: facet within whose values the ranks are taken; a correlation that only strata make, or that they hide, is said.
        smallest: the correlation that matters.
    """

    words: str
    first: str
    second: str
    where: Wanted = field(default_factory=dict)
    strata: str = ""
    direction: Direction = "rising"
    smallest: float = 0.2

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One test, of all arms that have both scores."""
        places = self._places(world)
        if len(places) < FEWEST:
            return [], [f"{counted(len(places), 'arm')} with both scores; wanted {FEWEST} or more"]
        found = self._association(places, bool(self.strata))
        bounds = Interval(found.rho, found.low, found.high, found.n)
        what = f" within {self.strata}" if self.strata else ""
        words = f"{spelt(self.first)} and {spelt(self.second)}{what}, {counted(found.n, 'arm')}"
        return [Test(words, Difference("", "", bounds, found.p), False, places)], []

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For it is a correlation that stands in its direction; beside it the pooled one, where strata are told."""
        sign = 1 if self.direction == "rising" else -1
        scale = "Spearman's rho"
        evidence: list[Evidence] = []
        for test, one in found:
            bounds = one.difference.interval
            small = max(abs(bounds.low), abs(bounds.high)) < self.smallest
            says = test.says(one, sign * bounds.value > 0)
            evidence.append(
                Evidence(test.words, "against" if says == "open" and small else says, bounds, one.p, scale)
            )
            if self.strata:
                pooled = self._association(list(test.places), False)
                apart = (pooled.p <= 0.05) != (one.p <= 0.05) or pooled.rho * bounds.value < 0
                told = f"pooled over {self.strata}" + (f": confounded by {self.strata}" if apart else "")
                shown = Interval(pooled.rho, pooled.low, pooled.high, pooled.n)
                evidence.append(
                    Evidence(told, "open" if apart else evidence[-1].says, shown, pooled.p, scale)
                )
        return evidence

    def _places(self, world: World) -> list[Place]:
        return [
            place for place in world.places
            if place.fits(self.where) and place.estimate(self.first) is not None and place.estimate(self.second) is not None
        ]  # fmt: skip

    def _association(self, places: list[Place], stratified: bool) -> Association:
        values = [
            [one.value for place in places if (one := place.estimate(name)) is not None]
            for name in (self.first, self.second)
        ]
        strata = [place.facets[self.strata] for place in places] if stratified else None
        return rank_correlation(np.array(values[0]), np.array(values[1]), rng(0, "claim", self.words), strata)


@dataclass(frozen=True)
class Configured:
    """Every run that fits was made with one of some values of a field: a protocol is looked up, not estimated.

    Attributes:
        setting: field of the config, as ``crop``; ``a.b`` goes into it.
        values: that are in order.
        where: facets of the runs; ``stage`` is the run's.
    """

    words: str
    setting: str
    values: Sequence[object]
    where: Wanted = field(default_factory=dict)

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """None: a config is read."""
        runs = self.runs(world)
        lacking = [
            f"{run.stage}/{run.signature}: {self.setting} not told"
            for run in runs
            if self._value(run) is None
        ]
        return [], lacking if runs else ["no finished run that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """One line per value that occurs."""
        counts: dict[str, int] = {}
        allowed = {str(value) for value in self.values}
        for run in self.runs(world):
            value = self._value(run)
            if value is not None:
                counts[str(value)] = counts.get(str(value), 0) + 1
        return [
            Evidence(
                f"{self.setting} {value} in {number} run{'s' * (number != 1)}",
                "for" if value in allowed else "against",
            )
            for value, number in sorted(counts.items())
        ]

    def runs(self, world: World) -> list[Run]:
        """The runs it speaks of."""
        return [run for run in world.all_of.runs if self._fits(run)]

    def _fits(self, run: Run) -> bool:
        told = {**{key: str(value) for key, value in facets(run).items()}, "stage": run.stage}
        return all(
            told.get(key) in ((value,) if isinstance(value, str) else tuple(value))
            for key, value in self.where.items()
        )

    def _value(self, run: Run) -> object:
        found: object = run.result.get("config", {})
        for part in self.setting.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


@dataclass(frozen=True)
class Reference:
    """Ours agrees with a published number; judged only where the protocols agree.

    Attributes:
        where: facets of our arms.
        value: the published number, as a fraction.
        protocol: facets or fields of the config under which it was published; any that differs makes it not comparable.
        within: difference that still counts as agreement, as a fraction.
        source: who published it.
    """

    words: str
    where: Wanted
    value: float
    protocol: Mapping[str, object]
    within: float
    score: str = "accuracy"
    source: str = ""

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One per arm, of its distance from the published number."""
        tests: list[Test] = []
        missing: list[str] = []
        places = [place for place in world.places if place.fits(self.where)]
        for place in places:
            own = place.estimate(self.score)
            if own is None:
                missing.append(f"{place.said(FACETS)}: {spelt(self.score)} is missing")
                continue
            gap = own.above(self.value)
            told = Difference(
                place.arm.name, self.source or "published", gap.interval(), _p(gap, self.within)
            )
            tests.append(
                Test(
                    f"{place.said(FACETS)}: ours less {100 * self.value:.1f} % ({self.source or 'published'})",
                    told,
                    place.arm.one_network,
                    [place],
                )
            )
        return tests, missing if places else ["no finished run that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """Not comparable where anything of the protocol differs; else for it what is surely near."""
        evidence = []
        for test, one in found:
            differing = self._differing(test.places[0])
            bounds = one.difference.interval
            if differing:
                evidence.append(
                    Evidence(
                        f"{test.words}; protocols differ in {listed(differing)}",
                        "not comparable",
                        bounds,
                        one.p,
                    )
                )
                continue
            says = test.says(one, True)
            outside = bounds.low > self.within or bounds.high < -self.within
            evidence.append(
                Evidence(test.words, "against" if says == "open" and outside else says, bounds, one.p)
            )
        return evidence

    def _differing(self, place: Place) -> list[str]:
        """What differs, with both values; what ours does not tell differs too."""
        run = place.arm.runs[0]
        told = {
            **run.result.get("config", {}),
            **facets(run),
            **{key: value for key, value in place.facets.items() if value},
        }
        return [
            f"{key} ({_text(told.get(key))} here, {_text(value)} there)"
            for key, value in self.protocol.items()
            if _text(told.get(key)) != _text(value)
        ]


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value))
    return "not told" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
