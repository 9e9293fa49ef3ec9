"""Diversity of losses against robustness: the answer of a pre-registered study."""

from collections.abc import Iterator, Sequence

from muybridge.measure.diversity.verdict import Evidence, Verdict
from muybridge.report.figures.diversity_figures import chart, files, scatters, spreads
from muybridge.report.figures.figure_files import Figure
from muybridge.report.formats.tidy import Row
from muybridge.report.formats.tidy_diversity import set_rows
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.diversity_evidence import clause, judge, words
from muybridge.report.scores.diversity_runs import Registered, registered
from muybridge.report.sections.first_screen import Answer
from muybridge.report.sections.page_blocks import Block, Grid, Heading, Note, Panels
from muybridge.report.sections.section import Finding, Section
from muybridge.report.tables.diversity_tables import diversity_tables

READ = (
    "One point per set of losses. Bars are 95 % intervals: across, over the batches of gradients behind its diversity, mean over the"
    " points of the training; up, over source groups of the test videos."
)


def _judged(gathered: Gathered) -> tuple[Registered, Evidence, Verdict] | None:
    made = registered(gathered)
    return None if made is None else (made, *judge(made))


def shows(gathered: Gathered) -> Sequence[Block]:
    """The answer, pictures, what was held against it; nothing without a pre-registered study."""
    told = gathered.once(_judged)
    return [] if told is None else list(_blocks(*told))


def _blocks(made: Registered, found: Evidence, said: Verdict) -> Iterator[Block]:
    answer, *others = diversity_tables(made, found, said)
    yield answer
    points, rows = scatters(made), spreads(made, found)
    if points:
        yield from (Heading("Every set", 4), Note(READ), Panels(points))
    if rows:
        yield Heading("Correlations and their intervals", 4)
        yield Grid([chart(one) for one in rows])
    yield from others


def figures(gathered: Gathered) -> list[Figure]:
    """The pictures as files."""
    told = gathered.once(_judged)
    return [] if told is None else files(told[0], told[1])


def answers(gathered: Gathered) -> list[Answer]:
    """The verdict, for the first screen."""
    told = gathered.once(_judged)
    return (
        [Answer(str(data), clause(told[2])) for data in told[0].prereg["population"]["data"]] if told else []
    )


def findings(gathered: Gathered) -> list[Finding]:
    """The answer in words; what limits it behind."""
    told = gathered.once(_judged)
    said = list(words(*told)) if told else []
    return [Finding("Diversity of losses", one, place > 0) for place, one in enumerate(said)]


def _rows(gathered: Gathered) -> Iterator[Row]:
    told = gathered.once(_judged)
    yield from set_rows(told[0]) if told else ()


DIVERSITY = Section(
    "diversity-of-losses",
    "Diversity",
    shows,
    figures=figures,
    findings=findings,
    answers=answers,
    rows={"diversity": _rows},
)
"""Wants no stage: a study that is registered and has not begun is shown as undetermined."""
