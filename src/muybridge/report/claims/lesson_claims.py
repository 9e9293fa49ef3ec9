"""What is claimed of students and their teachers: a student against its teachers and controls, and what unlike teachers are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from muybridge.core.seeding import rng
from muybridge.core.text.plurals import counted
from muybridge.measure.diversity.association import rank_correlation
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import Difference
from muybridge.report.claims.lessons import Lesson, Name, lessons
from muybridge.report.claims.more_predicates import FEWEST
from muybridge.report.claims.predicates import evidence, holes_of, test_of
from muybridge.report.claims.verdicts import FACETS, Claim, Evidence, Place, Test, World
from muybridge.report.gather.map_groups import layer_maps
from muybridge.report.scores.score import Comparison

Against = Literal["best teacher", "ensemble", "labels", "labels-matched", "permuted", "self"]
RULE = "ae-kd"
"""The benchmark's weighting of teachers, of which its claims speak."""


@dataclass(frozen=True)
class Taught:
    """Every student is above what it is compared with.

    Attributes:
        against: the teacher with the highest accuracy on the test videos, the teachers' mean answer, or a control.
        score: as of ``Place.estimate``; any but ``accuracy`` and ``direction`` is of perturbed clips.
        rule: how the teachers were weighed.
    """

    words: str
    against: Against
    score: str = "accuracy"
    rule: str = RULE

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One comparison per student."""
        tests: list[Test] = []
        missing: list[str] = []
        perturbed = self.score not in ("accuracy", "direction")
        for one in lessons(world):
            if one.rule != self.rule or (one.student.facets["stage"] == "robustness") is not perturbed:
                continue
            name = one.student.said(FACETS[:-1])
            missing += holes_of(name, [one.student])
            other = self._other(one)
            if other is None:
                missing.append(f"{name}: {self.against} of {one.student.arm.name} is missing")
                continue
            made = test_of(name, [one.student], [other], self.score)
            if isinstance(made, Test):
                tests.append(made)
            else:
                missing.append(made)
        return tests, missing if tests or missing else [
            f"no finished student of teachers weighed by {self.rule}"
        ]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For the claim is what stands and is positive."""
        return [evidence(test, one, one.difference.interval.value > 0) for test, one in found]

    def _other(self, one: Lesson) -> Place | None:
        if self.against == "best teacher":
            return one.best
        return one.ensemble if self.against == "ensemble" else one.beside.get(self.against)


@dataclass(frozen=True)
class TeacherSet:
    """Some teachers with their student, seeds averaged.

    Attributes:
        similarity: mean CKA of every two of them where their heads read them, in the same seed; it may lie below 0.
        gain: accuracy of the student less that of the best of them.
    """

    lesson: Lesson
    similarity: float
    gain: float


@dataclass(frozen=True)
class Complementary:
    """The less two teachers have in common, the more their student gains over the better one: a rank correlation over sets of teachers.

    Attributes:
        smallest: the correlation that matters.
        rule: how the teachers were weighed.
    """

    words: str
    smallest: float = 0.2
    rule: str = RULE

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """One test over all sets of teachers that were compared."""
        sets = teacher_sets(world, self.rule)
        if len(sets) < FEWEST:
            return [], [
                f"{counted(len(sets), 'set')} of compared teachers with a student; wanted {FEWEST} or more"
            ]
        alike, gain = (np.array([getattr(one, name) for one in sets]) for name in ("similarity", "gain"))
        found = rank_correlation(alike, gain, rng(0, "claim", self.words))
        bounds = Interval(found.rho, found.low, found.high, found.n)
        words = f"CKA of teachers and gain of their student, {counted(found.n, 'set')} of teachers"
        places = [one.lesson.student for one in sets]
        return [Test(words, Difference("", "", bounds, found.p), False, places)], []

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """For it is a negative correlation that stands; against it a positive one, or one that is surely small."""
        weighed = []
        for test, one in found:
            bounds = one.difference.interval
            says = test.says(one, bounds.value < 0)
            small = max(abs(bounds.low), abs(bounds.high)) < self.smallest
            weighed.append(
                Evidence(
                    test.words,
                    "against" if says == "open" and small else says,
                    bounds,
                    one.p,
                    "Spearman's rho",
                )
            )
        return weighed


CLAIMS: Sequence[Claim] = (
    Taught("A student beats the best of its teachers.", "best teacher"),
    Taught("A student beats labels alone in the same steps.", "labels"),
    Taught("A student beats labels alone for the same operations.", "labels-matched"),
    Taught(
        "What teachers know matters: a student beats that of teachers whose classes are changed round.",
        "permuted",
    ),
    Taught("A student keeps more under perturbation than its best teacher.", "best teacher", "corrected"),
    Complementary("The less teachers have in common, the more their student gains over the best of them."),
)
"""Judged wherever a student was taught; the first one is the hypothesis of the benchmark."""


def teacher_sets(world: World, rule: str = RULE) -> list[TeacherSet]:
    """Teachers of two or more that were compared with each other in every seed, with their student on untouched clips."""
    alike = _alike(world)
    found = []
    for one in lessons(world):
        best, own = one.best, one.student.estimate("accuracy")
        if one.rule != rule or one.student.facets["stage"] == "robustness" or best is None or own is None:
            continue
        pairs = [
            alike.get(frozenset((a, b)))
            for names in one.names
            for place, a in enumerate(names)
            for b in names[place + 1 :]
        ]
        values = [value for value in pairs if value is not None]
        if values and len(values) == len(pairs):
            gain = own.value - best.arm.accuracy().value
            found.append(TeacherSet(one, float(np.mean(values)), gain))
    return found


def _alike(world: World) -> dict[frozenset[Name], float]:
    """CKA of the last stages of every two networks that were compared at all, averaged over places."""
    found: dict[frozenset[Name], float] = {}
    for one in layer_maps(world.all_of):
        config, inputs = one.run.result["config"], one.run.result.get("inputs", {})
        if (
            one.measure == "cka"
            and config["layers"] == ["stages"]
            and config["pool"] == "all"
            and len(inputs) == 2
        ):
            names = [(str(inputs[side]["stage"]), str(inputs[side]["signature"])) for side in ("a", "b")]
            found[frozenset(names)] = float(one.arrays["value"][-1, -1])
    return found
