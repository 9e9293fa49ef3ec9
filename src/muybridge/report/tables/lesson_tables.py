"""Students beside their teachers, the teachers' mean answer and their controls; sets of teachers by how much they have in common."""

from collections.abc import Iterator, Mapping, Sequence

from muybridge.report.claims.lesson_claims import TeacherSet
from muybridge.report.claims.lessons import Lesson
from muybridge.report.claims.predicates import test_of
from muybridge.report.claims.verdicts import Place, Test
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.score import Comparison, compared
from muybridge.report.tables.accuracy_tables import (
    arm_index,
    data_words,
    gain_cell,
    intervals_of,
    runs_cell,
    spanned,
)
from muybridge.report.tables.table import Cell, Column, Table, missing, points, text

CONTROLS = {
    "labels": "labels alone, the same steps",
    "labels-matched": "labels alone, the same operations",
    "permuted": "teachers with their classes changed round",
    "self": "taught by itself",
}
Rows = dict[str, Place]
"""What stands beside a student, by what it is."""


def lesson_sets(found: Sequence[Lesson]) -> list[list[Lesson]]:
    """Students of the same two or more teachers from the same start, whatever weighed the teachers; a single teacher where it is all."""
    sets: dict[tuple[object, ...], list[Lesson]] = {}
    for one in found:
        key = (one.student.facets["profile"], one.start, tuple(map(tuple, one.names)))
        sets.setdefault(key, []).append(one)
    several = {id(place) for some in sets.values() for one in some for place in one.beside.values()}
    return [some for some in sets.values() if not all(id(one.student) in several for one in some)]


def rows_of(some: Sequence[Lesson]) -> Rows:
    """The students of one set with their teachers, the ensemble and the controls, in the order of the table."""
    first = some[0]
    rows: Rows = {
        f"teacher {number}": place
        for number, place in enumerate(first.teachers, start=1)
        if place is not None
    }
    if first.ensemble is not None:
        rows["ensemble of the teachers, not trained"] = first.ensemble
    beside: Mapping[str, Place] = {name: place for one in some for name, place in one.beside.items()}
    rows |= {CONTROLS[name]: beside[name] for name in ("labels", "labels-matched") if name in beside}
    rows |= {f"student, {one.rule}": one.student for one in some}
    singles = [name for name in beside if name.startswith("single ")]
    rows |= {f"student of teacher {name.removeprefix('single ')} alone": beside[name] for name in singles}
    return rows | {CONTROLS[name]: beside[name] for name in ("permuted", "self") if name in beside}


def lesson_table(number: int, some: Sequence[Lesson], perturbed: Sequence[Lesson], all_of: Gathered) -> Table:
    """One set of teachers.

    Args:
        number: of the set, for its anchor.
        some: its students on untouched clips.
        perturbed: the same under perturbation; empty where they were not.
        all_of: the report.
    """
    first = some[0]
    rows, disturbed, best = rows_of(some), rows_of(perturbed) if perturbed else {}, first.best
    tests = {
        name: test_of(name, [place], [best], "accuracy")
        for name, place in rows.items()
        if best is not None and place is not best
    }
    kept = {name: test for name, test in tests.items() if isinstance(test, Test)}
    gains = dict(zip(kept, compared([test.difference for test in kept.values()]), strict=True))
    columns = [
        Column("what"), Column("arm"), Column("accuracy, %", True), Column("above the best teacher, points", True),
        Column("under perturbation, %", True, "mean accuracy over types"),
        Column("kept above chance, %", True, "share of what is above chance on untouched clips"), Column("runs"),
    ]  # fmt: skip
    said, arms = (
        first.student.said(["protocol", "data", "network", "details"]),
        [place.arm for place in rows.values()],
    )
    notes = [
        "The best teacher is chosen on the test videos, which makes it harder to beat, never easier. Differences are paired on the same "
        "videos and corrected by Holm within the table; the claims have their own correction."
    ]
    return Table(
        f"distillation-{number}", f"{said}, from {first.start}: students of {first.tasks}", columns,
        [
            _row(name, place, place is best, gains.get(name), disturbed.get(name), first.student.facets["network"], all_of)
            for name, place in rows.items()
        ],
        notes,
        legend=f"Top-1 accuracy in percent of {data_words(arms, first.student.facets['data'])}; {intervals_of(arms)}; differences in"
        " percentage points, paired on the same videos.",
    )  # fmt: skip


def _row(
    name: str,
    place: Place,
    best: bool,
    gain: Comparison | None,
    perturbed: Place | None,
    network: str,
    all_of: Gathered,
) -> list[Cell]:
    arm, own = place.arm.name, place.facets["network"]
    index = arm_index(arm, all_of) if arm in all_of.arms else None
    ours = Cell(arm, sort=arm, arm=index, small=f"network: {own}" if own != network else "")
    above = Cell("the best teacher", sort=0.0) if best else gain_cell(gain, False)
    kinds = [_score(perturbed, score) for score in ("types", "corrected")]
    return [text(name), ours, spanned(place.arm.accuracy()), above, *kinds, runs_cell(place.arm.runs)]


def _score(place: Place | None, name: str) -> Cell:
    found = None if place is None else place.estimate(name)
    return missing("not perturbed") if found is None else spanned(found.interval())


def sets_table(found: Sequence[TeacherSet]) -> Table | None:
    """What teachers have in common, and what their student gains; None without a set that was compared."""
    columns = [
        Column("data"), Column("teachers"), Column("student"), Column("CKA of the teachers", True),
        Column("student less best teacher, points", True),
    ]  # fmt: skip
    rows = [
        [
            text(one.lesson.student.facets["data"]), text(_teachers(one.lesson)), text(one.lesson.student.arm.name),
            Cell(f"{one.similarity:.3f}", sort=one.similarity), Cell(points(one.gain, sign=True), sort=one.gain),
        ]
        for one in found
    ]  # fmt: skip
    notes = [
        "CKA without bias of the features that the heads read, on the test videos; mean over every two teachers and over training seeds. "
        "Whether the two columns go together is judged among the claims; fewer than six sets say nothing."
    ]
    legend = (
        "Similarity of features (CKA, from 0 to 1), and accuracy of the student less that of the best teacher in percentage points, on the"
        " test videos of each data set, mean over training seeds."
    )
    caption = "What teachers have in common, and what their student gains"
    return Table("teacher-sets", caption, columns, rows, notes, legend=legend) if rows else None


def _teachers(lesson: Lesson) -> str:
    return " and ".join(place.arm.name for place in lesson.teachers if place is not None)


def tidy_lessons(found: Sequence[Lesson]) -> Iterator[dict[str, object]]:
    """One row for everything in the tables of accuracy."""
    for number, some in enumerate(lesson_sets(found), start=1):
        for name, place in rows_of(some).items():
            one = place.arm.accuracy()
            yield {
                "set": number, "data": place.facets["data"], "profile": some[0].student.facets["profile"], "what": name,
                "arm": place.arm.name, "network": place.facets["network"], "accuracy": one.value, "low": one.low, "high": one.high,
            }  # fmt: skip
