"""Students beside their teachers: what was gained, over whom, and whether unlike teachers are worth more."""

from collections.abc import Iterator, Sequence

from muybridge.core.text.plurals import listed
from muybridge.report.claims.lesson_claims import CLAIMS, teacher_sets
from muybridge.report.claims.lessons import Lesson, lessons
from muybridge.report.claims.verdicts import Claim, Judged
from muybridge.report.formats.tidy import Row
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.first_screen import Answer
from muybridge.report.sections.page_blocks import Block, Note, Sentences
from muybridge.report.sections.section import Section
from muybridge.report.sections.study.claims_section import judged, world
from muybridge.report.tables.lesson_tables import lesson_sets, lesson_table, sets_table, tidy_lessons

NOTE = (
    "A student learns from labels and from the softened answers of its teachers. Beside it stand each of them, their mean answer on the "
    "test videos (an upper reference that costs as much as all of them whenever it is asked), and students that lack one thing each."
)
SHORT = (
    "that a student beats the best of its teachers",
    "that it beats labels alone in the same steps",
    "that it beats labels alone for the same operations",
)
"""The first claims, as clauses."""
WORDS = {"supported": "Yes", "refuted": "No"}


def taught(gathered: Gathered) -> list[Lesson]:
    """Every student of the report."""
    return lessons(gathered.once(world))


def shows(gathered: Gathered) -> Sequence[Block]:
    """Verdicts, one table for each set of teachers, and what teachers have in common."""
    found = gathered.once(taught)
    clean = [one for one in found if one.student.facets["stage"] != "robustness"]
    sets = lesson_sets(clean)
    if not sets:
        return []
    perturbed = lesson_sets([one for one in found if one.student.facets["stage"] == "robustness"])
    by_names = {(some[0].start, str(some[0].names)): some for some in perturbed}
    blocks: list[Block] = [
        Note(NOTE),
        Sentences([_said(one) for one in gathered.once(judged) if one.words in _WORDS]),
    ]
    for number, some in enumerate(sets, start=1):
        other = by_names.get((some[0].start, str(some[0].names)), [])
        blocks.append(lesson_table(number, some, other, gathered))
    table = sets_table(teacher_sets(gathered.once(world)))
    return [*blocks, table] if table else blocks


_WORDS = frozenset(claim.words for claim in CLAIMS)


def _said(one: Judged) -> str:
    """A claim with its verdict, and why nothing can be said where it cannot."""
    verdict = WORDS.get(one.verdict, "Cannot be said")
    why = "" if verdict in WORDS.values() else f" ({'; '.join([one.verdict, *one.missing[:1]])})"
    return f"{one.words} {verdict}{why}."


def claims(gathered: Gathered) -> Sequence[Claim]:
    """The hypotheses about students, where there are some."""
    return CLAIMS if gathered.once(taught) else ()


def answers(gathered: Gathered) -> list[Answer]:
    """The verdicts on what students are worth, for the first screen: over all data sets together, as the claims are judged."""
    verdicts = {one.words: one.verdict for one in gathered.once(judged)}
    told = [
        f"{short} is {verdicts[claim.words]}"
        for claim, short in zip(CLAIMS, SHORT, strict=False)
        if claim.words in verdicts
    ]
    return [Answer("students and their teachers", listed(told))] if told else []


def _rows(gathered: Gathered) -> Iterator[Row]:
    yield from tidy_lessons(gathered.once(taught))


DISTILLATION = Section(
    "distillation",
    "Students and their teachers",
    shows,
    ("finetune",),
    "Distillation",
    claims=claims,
    rows={"distillation": _rows},
    answers=answers,
)
