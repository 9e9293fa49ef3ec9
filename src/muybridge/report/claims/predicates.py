"""Predicates that claims are made of; those that a claim names must hold wherever it speaks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Literal

import numpy as np

from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import LEVEL, combined
from muybridge.measure.intervals import Difference
from muybridge.report.claims.verdicts import FACETS, Evidence, Place, Test, Wanted, World
from muybridge.report.gather.collect import facets
from muybridge.report.scores.score import Comparison, same_videos
from muybridge.report.tables.run_tables import backbone_of, unequal
from muybridge.runs.contents.result_fields import amount
from muybridge.runs.records import Run


@dataclass(frozen=True)
class Above:
    """Arms that fit ``better`` are above those that fit ``worse``, all else being equal.

    Attributes:
        better: facets of the one side; with a tuple all of its values are meant, and one that is not there is missing.
        worse: facets of the other side.
        where: facets of both.
        score: a name of ``Place.estimate``, as ``accuracy``, ``direction``, ``types`` (perturbed) or ``type:NAME``; more is better in all.
        over: ``each`` pair of values, or the ``mean`` over the values of each side.
    """

    words: str
    better: Wanted
    worse: Wanted
    where: Wanted = field(default_factory=dict)
    score: str = "accuracy"
    over: Literal["each", "mean"] = "each"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One comparison per pair of values, or of means, in every group of places that agree in all other facets."""
        tests: list[Test] = []
        missing: list[str] = []
        groups = self._groups(world)
        for name, places in groups.items():
            sides, absent = [], []
            for wanted in (self.better, self.worse):
                found, lacking = _by_value(places, wanted)
                sides.append(found)
                absent += lacking
            missing += [f"{name}: {words}" for words in absent] + holes_of(name, places)
            if self.over == "mean" and not absent:
                pairs: list[tuple[list[Place], list[Place]]] = [(sides[0], sides[1])]
            else:
                pairs = [([a], [b]) for a, b in product(*sides)] if self.over == "each" else []
            for one, other in pairs:
                made = test_of(name, one, other, self.score)
                (tests if isinstance(made, Test) else missing).append(made)  # type: ignore[arg-type]
        return tests, missing if groups else ["no finished run that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is what stands and is positive."""
        return [evidence(test, one, one.difference.interval.value > 0) for test, one in found]

    def _groups(self, world: World) -> dict[str, list[Place]]:
        named = {*self.better, *self.worse}
        free = named | ({"protocol", "details"} if "stage" in named else set()) | {"source"}
        free |= {"details"} if "clip" in named else set()
        rest: dict[tuple[str, ...], list[Place]] = {}
        for place in world.places:
            if place.fits(self.where) and (place.fits(self.better) or place.fits(self.worse)):
                rest.setdefault(tuple(place.facets[name] for name in FACETS if name not in free), []).append(
                    place
                )
        groups: dict[str, list[Place]] = {}
        for places in rest.values():
            words = places[0].said([name for name in FACETS if name not in free])
            groups |= {words: places} if named & {"source", "source_kind"} else by_source(words, places)
        return groups


def by_source(words: str, places: Sequence[Place]) -> dict[str, list[Place]]:
    """Places learnt from one source; those that learnt from none stand beside each."""
    sources = list(dict.fromkeys(place.facets["source"] for place in places if place.facets["source"]))
    if len(sources) < 2:
        return {words: list(places)}
    return {
        f"{words}, {one}": [place for place in places if place.facets["source"] in ("", one)]
        for one in sources
    }


@dataclass(frozen=True)
class SameOrder:
    """Two scores order the arms of each experiment on perturbed clips in the same way.

    Attributes:
        where: facets of the arms; stage ``robustness`` is meant.
        first: the score that gives the order.
        second: the score that is to keep it.
    """

    words: str
    where: Wanted = field(default_factory=dict)
    first: str = "accuracy"
    second: str = "types"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """Two comparisons per pair of arms."""
        tests: list[Test] = []
        missing: list[str] = []
        groups: dict[str, list[Place]] = {}
        for place in world.places:
            if place.design is not None and place.fits(self.where):
                key = place.said(FACETS[:-2])
                groups.setdefault(key, []).append(place)
        for name, places in groups.items():
            missing += holes_of(name, places)
            for one, other in combinations(places, 2):
                made = [test_of(name, [one], [other], score) for score in (self.first, self.second)]
                lacking = [part for part in made if isinstance(part, str)]
                missing += lacking
                tests += [] if lacking else [part for part in made if isinstance(part, Test)]
        return tests, missing if tests or missing else ["no two finished arms that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is a pair that both scores separate in the same order."""
        weighed = []
        for (test, first), (_, second) in zip(found[::2], found[1::2], strict=True):
            signs = [np.sign(one.difference.interval.value) for one in (first, second)]
            says = test.says(second, signs[0] == signs[1])
            says = "open" if says in ("for", "against") and first.alone > 1 - LEVEL else says
            weighed.append(
                Evidence(f"{test.words}, {spelt(self.second)}", says, second.difference.interval, second.p)
            )
        return weighed


@dataclass(frozen=True)
class BesideChance:
    """A score of every arm that fits lies above, or below, chance."""

    words: str
    where: Wanted
    score: str = "accuracy"
    side: Literal["above", "below"] = "above"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One comparison with chance per arm."""
        tests: list[Test] = []
        missing: list[str] = []
        places = [place for place in world.places if place.fits(self.where)]
        for place in places:
            name = place.said(FACETS)
            missing += holes_of(place.said(FACETS[:-1]), [place])
            own, chance = place.estimate(self.score), place.chance_of(self.score)
            if own is None or np.isnan(chance):
                missing.append(f"{name}: {spelt(self.score) if own is None else 'chance'} is missing")
                continue
            found = Difference.of((place.arm.name, "chance"), own.above(chance))
            tests.append(
                Test(f"{name}: {spelt(self.score)} against chance", found, place.arm.one_network, [place])
            )
        return tests, missing if places else ["no finished run that it speaks of"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is what stands on its side."""
        return [
            evidence(test, one, (one.difference.interval.value > 0) is (self.side == "above"))
            for test, one in found
        ]


@dataclass(frozen=True)
class EqualBudgets:
    """Every arm was pretrained with as much of ``unit``; the arms of each network are compared with each other.

    Attributes:
        unit: ``clips``, ``steps``, ``epochs``, ``with_gradient`` (passes of the encoder that have a backward pass), ``decoded`` or
            (encoded) ``frames``, or ``flops``.
    """

    words: str
    unit: str = "clips"

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """None: budgets are counted, not estimated."""
        runs = self.runs(world)
        arms = {facets(run)["arm"] for run in runs}
        lacking = [
            f"{run.stage}/{run.signature}: {self.unit} not told"
            for run in runs
            if run.result.get("budget", {}).get(self.unit) is None
        ]
        return [], lacking if len(arms) > 1 else ["two pretrained arms"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """One line per network."""
        networks: dict[str, list[Run]] = {}
        for run in self.runs(world):
            networks.setdefault(backbone_of(run), []).append(run)
        return [self._line(name, runs) for name, runs in networks.items()]

    def _line(self, name: str, runs: Sequence[Run]) -> Evidence:
        spent = [amount(run.result.get("budget", {}), self.unit) or 0.0 for run in runs]
        most = f", {max(spent) / min(spent):.2f} times from least to most" if min(spent) else ""
        words = f"{name or 'one network'}: {self.unit} of {counted(len(runs), 'pretraining run')}{most}"
        return Evidence(words, "against" if unequal(runs, [self.unit]) else "for")

    def runs(self, world: World) -> list[Run]:
        """All runs of pretraining."""
        return [run for experiment in world.all_of.of("pretrain") for run in experiment.runs]


def _by_value(places: Sequence[Place], wanted: Wanted) -> tuple[list[Place], list[str]]:
    """The place of each value of a side, and the values that have none."""
    names = list(wanted)
    found, lacking = [], []
    for values in product(*((value,) if isinstance(value, str) else value for value in wanted.values())):
        one = dict(zip(names, values, strict=True))
        fitting = [place for place in places if place.fits(one)]
        found += fitting
        lacking += [] if fitting else [f"{listed(list(values))} is missing"]
    return found, lacking


def test_of(name: str, one: list[Place], other: list[Place], score: str) -> Test | str:
    """The comparison of the mean over some places with the mean over others, or why there is none."""
    sides = _names(one, other)
    places = [*one, *other]
    scores = [place.estimate(score) for place in places]
    estimates = [one for one in scores if one is not None]
    if len(estimates) < len(places):
        lacking = [place.arm.name for place, one in zip(places, scores, strict=True) if one is None]
        return f"{name}: {spelt(score)} of {listed(lacking)} is missing"
    if not all(same_videos(places[0].arm, place.arm) for place in places[1:]):
        return f"{name}: {sides[0]} and {sides[1]} were tested on different videos"
    weights = [1 / len(one)] * len(one) + [-1 / len(other)] * len(other)
    found = Difference.of((sides[0], sides[1]), combined(estimates, weights))
    alone = any(place.arm.one_network for place in places)
    return Test(f"{name}: {sides[0]} against {sides[1]}", found, alone, places)


def holes_of(name: str, places: Sequence[Place]) -> list[str]:
    """Seeds and folds that are missing of arms that are there."""
    return [f"{name}: {place.arm.name} lacks {listed(list(place.holes))}" for place in places if place.holes]


def _names(one: list[Place], other: list[Place]) -> list[str]:
    """What tells the sides apart: their arms, else the facets in which they differ."""
    arms = [" and ".join(place.arm.name for place in side) for side in (one, other)]
    if arms[0] != arms[1]:
        return arms
    differ = [name for name in FACETS if one[0].facets[name] != other[0].facets[name]]
    return [", ".join(side[0].facets[name] for name in differ) for side in (one, other)]


def evidence(test: Test, one: Comparison, favourable: bool) -> Evidence:
    """What a corrected comparison says of a claim that wants it ``favourable``."""
    return Evidence(
        test.words, test.says(one, favourable), one.difference.interval, one.alone if favourable else one.p
    )


OF_NAMED = {
    "mean": "accuracy under {}",
    "relative": "relative robustness to {}",
    "fall": "fall of accuracy under {}",
    "relative_fall": "fall of accuracy under {} over the clean one",
    "slope": "fall of accuracy with every severity of {}",
}


def spelt(score: str) -> str:
    """A score in words."""
    kind, _, name = score.partition(":")
    if name and kind in OF_NAMED:
        return OF_NAMED[kind].format(listed(name.split("+")))
    return {
        "types": "mean accuracy under perturbation",
        "relative": "relative robustness",
        "corrected": "robustness above chance",
        "direction": "which of a class and its reverse",
    }.get(score, score.replace("partner:", "partner named under ").removeprefix("type:"))
