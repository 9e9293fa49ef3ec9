"""The content of a report, computed once and shared by HTML, Markdown, LaTeX, CSV and figures: a list of sections."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import muybridge
from muybridge.core.errors import MuybridgeError
from muybridge.core.text.plurals import MOST_NAMES, counted, listed
from muybridge.report.figures.figure_files import Figure
from muybridge.report.formats.tidy import Row
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.first_screen import Task, question, sentences
from muybridge.report.sections.page_blocks import LEAVES, Block, Legend, Panels, leaves, legend, tables_in
from muybridge.report.sections.section import Finding, Section, every_section
from muybridge.report.tables.table import Table, grouped, tight
from muybridge.runs.stages import of_runs


@dataclass(frozen=True)
class Chapter:
    """A section, and what it says of these runs; ``rows`` by name of their table, empty ones too."""

    section: Section
    blocks: Sequence[Block]
    figures: Sequence[Figure]
    rows: dict[str, list[Row]]

    @property
    def tables(self) -> list[Table]:
        """Its tables, in the order of the page."""
        return tables_in(self.blocks)

    @property
    def holds(self) -> str:
        """What one finds in it, for the line that unfolds it."""
        pictures = sum(len(one.panels) for one in leaves(self.blocks) if isinstance(one, Panels))
        kinds = ((len(self.tables), "table"), (pictures, "chart"))
        return ", ".join(counted(number, noun) for number, noun in kinds if number)


@dataclass(frozen=True)
class Content:
    """Everything a report shows.

    Attributes:
        question: what was asked; empty where the title is the question.
        answers: a sentence for each data set.
        tasks: arms with intervals, task by task, for the chart of the first screen.
    """

    all_of: Gathered
    title: str
    question: str
    answers: list[tuple[str, str]]
    tasks: list[Task]
    summary: str
    findings: list[Finding]
    legend: Legend
    chapters: list[Chapter]
    version: str = muybridge.__version__

    @property
    def told(self) -> list[Finding]:
        """Findings that are results."""
        return [one for one in self.findings if not one.limits]

    @property
    def unknown(self) -> list[Finding]:
        """Findings that say what is not known, or limits the others."""
        return [one for one in self.findings if one.limits]


def content(all_of: Gathered, title: str = "", only: Collection[str] = ()) -> Content:
    """Compute a report from gathered runs.

    Args:
        all_of: the runs.
        title: another one than the study's.
        only: names of the sections that are wanted; all when empty.
    """
    asked = [section for section in every_section() if section.asked(all_of)]
    asked = [section for section in asked if not only or section.name in only]
    chapters = [_chapter(section, all_of) for section in asked]
    _refuse_twins(chapters)
    found = [one for section in asked for one in section.findings(all_of) if one.words]
    found.sort(key=lambda one: one.limits)
    said = [replace(one, words=tight(one.words)) for one in found]
    answers = [one for section in asked for one in section.answers(all_of)]
    return Content(
        all_of,
        title or all_of.title,
        "" if title else question(all_of),
        [(data, tight(words)) for data, words in sentences(answers)],
        [one for section in asked for one in section.tasks(all_of)],
        _summary(all_of),
        said,
        legend(all_of),
        chapters,
    )


def _chapter(section: Section, all_of: Gathered) -> Chapter:
    blocks = list(section.shows(all_of))
    for one in leaves(blocks):
        if not isinstance(one, LEAVES):
            raise MuybridgeError(
                f"section {section.name!r} shows a {type(one).__name__}; known are tables and the blocks of "
                f"muybridge.report.sections.page_blocks: {', '.join(kind.__name__ for kind in LEAVES)}, Fold, Grid."
            )
    rows = {name: list(make(all_of)) for name, make in section.rows.items()}
    return Chapter(section, blocks, list(section.figures(all_of)), rows)


def _refuse_twins(chapters: Sequence[Chapter]) -> None:
    """Tables are anchors and files by their slug: a second one would take the place of the first."""
    owner: dict[str, str] = {}
    for one in chapters:
        for table in one.tables:
            if table.slug in owner:
                raise MuybridgeError(
                    f"section {one.section.name!r}: its table {table.slug!r} bears the slug of one of section "
                    f"{owner[table.slug]!r}; name it otherwise."
                )
            owner[table.slug] = one.section.name


def _summary(all_of: Gathered) -> str:
    tested = [one for one in all_of.experiments if of_runs(one.stage).runs in ("answers", "tested")]
    data = sorted({one.data for one in tested})
    names = f" ({listed(all_of.arms)})" if len(all_of.arms) <= MOST_NAMES else ""
    arms = f"{counted(len(all_of.arms), 'arm')}{names}"
    runs = counted(len(all_of.runs), "finished run", grouped)
    return f"{runs}, {arms}, tested on {listed(data) or 'nothing yet'}."


def tables_of(content: Content) -> dict[str, list[Table]]:
    """Every table of a report by the name of its section, for Markdown and LaTeX."""
    return {one.section.name: one.tables for one in content.chapters if one.tables}


def rows_of(content: Content) -> dict[str, list[Row]]:
    """Tidy rows by name of their table, those of several sections joined."""
    found: dict[str, list[Row]] = {}
    for one in content.chapters:
        for name, rows in one.rows.items():
            found.setdefault(name, []).extend(rows)
    return found
