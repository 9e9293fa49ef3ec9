"""One section of a report: which runs it wants, and what it says of them. A report is a list of sections, each rendered alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points

from muybridge.core.catalogue import rows
from muybridge.core.errors import MuybridgeError
from muybridge.report.claims.verdicts import Claim
from muybridge.report.figures.figure_files import Figure
from muybridge.report.formats.tidy import Row
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections import SECTIONS
from muybridge.report.sections.first_screen import Answer, Task
from muybridge.report.sections.page_blocks import Block, tables_in
from muybridge.report.tables.table import Table

GROUP = "sections"


@dataclass(frozen=True)
class Finding:
    """One bullet at the top: what it is about, and what was found; what ``limits`` the findings of others stands behind them."""

    about: str
    words: str
    limits: bool = False


def nothing(gathered: Gathered) -> tuple[()]:
    """What most sections have of most things."""
    return ()


@dataclass(frozen=True)
class Section:
    """A section; all of its functions take what was gathered, and an empty answer leaves no trace.

    Attributes:
        name: anchor on the page, unique.
        title: its heading.
        shows: its tables, pictures and words in their order; on the page they stand as they are, in Markdown and LaTeX the tables.
        wants: stages that it tells of; without a finished run of any of them it is not asked. None: it is always asked.
        short: its name in the menu and in Markdown, where the title is long.
        figures: pictures for papers, as files.
        findings: sentences for the top of the report.
        answers: clauses of the sentence that the first screen says of each data set.
        tasks: what the chart of the first screen shows, arms with intervals.
        claims: claims to be judged with those of the study.
        rows: tidy tables by name of the file, fractions and not percent; sections may share a table, each adds its rows.
    """

    name: str
    title: str
    shows: Callable[[Gathered], Sequence[Block]]
    wants: tuple[str, ...] = ()
    short: str = ""
    figures: Callable[[Gathered], Sequence[Figure]] = nothing
    findings: Callable[[Gathered], Sequence[Finding]] = nothing
    answers: Callable[[Gathered], Sequence[Answer]] = nothing
    tasks: Callable[[Gathered], Sequence[Task]] = nothing
    claims: Callable[[Gathered], Sequence[Claim]] = nothing
    rows: Mapping[str, Callable[[Gathered], Iterable[Row]]] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """Its name where there is little room."""
        return self.short or self.title

    def tables(self, gathered: Gathered) -> list[Table]:
        """Its tables, in the order of the page."""
        return tables_in(self.shows(gathered))

    def asked(self, gathered: Gathered) -> bool:
        """Whether there is a run that it tells of."""
        return not self.wants or any(run.stage in self.wants for run in gathered.runs)


def every_section() -> list[Section]:
    """The sections of a report in their order; those of other packages behind ours, by name.

    Raises:
        MuybridgeError: a section of another package cannot be read or bears a name that is taken.
    """
    found: dict[str, Section] = {}
    for name in [*SECTIONS, *sorted({row["name"] for row in rows(GROUP, SECTIONS)} - set(SECTIONS))]:
        section = SECTIONS[name].load() if name in SECTIONS else _outside(name)
        if section.name in found:
            raise MuybridgeError(
                f"section {name!r} of another package: its name on the page, {section.name!r}, is taken."
            )
        found[section.name] = section
    return list(found.values())


def _outside(name: str) -> Section:
    """A section of another package."""
    point = next(iter(entry_points(group=f"muybridge.{GROUP}", name=name)))
    where = f"section {name!r} of another package ({point.value})"
    try:
        section = point.load()
    except Exception as error:  # whatever a foreign module does while it is read
        raise MuybridgeError(
            f"{where}: cannot be read ({type(error).__name__}: {error}). Repair or uninstall that package."
        ) from error
    if not isinstance(section, Section):
        raise MuybridgeError(
            f"{where}: wanted a muybridge.report.sections.section.Section, not {type(section).__name__}."
        )
    return section
