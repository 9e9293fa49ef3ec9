"""Write a report: HTML, Markdown, CSV and LaTeX, each file atomically."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.files import atomic, first_line
from muybridge.report.tables.table import Table

FORMATS = ("html", "md", "latex", "csv", "figures")
"""What a report can be written as."""


@dataclass(frozen=True)
class ReportPaths:
    """Where a report lies; ``tables`` are tidy CSV, ``latex`` the tables as they are shown, ``figures`` pictures for papers.

    Formats that were not asked for are None or empty.
    """

    html: Path | None
    markdown: Path | None
    tables: list[Path]
    latex: list[Path]
    figures: list[Path] = field(default_factory=list)


def write_report(
    folder: Path, title: str = "", sections: Sequence[str] = (), formats: Sequence[str] = ()
) -> ReportPaths:
    """Report on every finished run of a folder as ``report.html``, ``report.md``, ``tables/*.csv`` and ``.tex``, ``figures/*``.

    Equal runs give equal bytes. The page needs no network and no other file. What an earlier report wrote of sections that are not
    asked for is removed from the formats that are written; files of other formats stay. PDFs of figures are drawn where ``figures``
    is asked for by name, since they want matplotlib; without asking there are SVGs.

    Args:
        folder: what a study or a stage wrote to.
        title: instead of the study's.
        sections: names of `muybridge list sections` that are wanted; all when empty.
        formats: some of ``FORMATS``; all when empty.

    Raises:
        UsageError: no finished run (says what was looked for), or an unknown section or format (says the nearest).
        MuybridgeError: every run is damaged. Single damaged runs are listed and left out.
    """
    from muybridge.report.figures.figure_files import remove_old, write_figures
    from muybridge.report.formats.html import html
    from muybridge.report.formats.markdown import markdown
    from muybridge.report.gather.collect import collect
    from muybridge.report.sections.content import content, rows_of
    from muybridge.report.sections.section import every_section

    folder = Path(folder)
    every = every_section()
    _require("section", sections, [section.name for section in every])
    _require("format", formats, FORMATS)
    wanted = set(formats or FORMATS)
    shown = content(collect(folder), title, sections)
    paths = ReportPaths(
        folder / "report.html" if "html" in wanted else None,
        folder / "report.md" if "md" in wanted else None,
        [],
        [],
    )
    if "csv" in wanted:
        known = {name for section in every for name in section.rows}
        paths.tables.extend(write_tidy(folder, rows_of(shown), known))
    if "latex" in wanted:
        tables = [one for chapter in shown.chapters for one in chapter.tables if one.paper]
        paths.latex.extend(write_latex(folder / "tables", tables))
    if "figures" in wanted:
        drawn = [figure for chapter in shown.chapters for figure in chapter.figures]
        paths.figures.extend(write_figures(folder, drawn, "figures" in formats))
        remove_old(folder, paths.figures)
    for path, text in ((paths.markdown, markdown), (paths.html, html)):
        if path is not None:
            with atomic(path, below=folder) as file:
                file.write(text(shown))
    return paths


def _require(what: str, asked: Sequence[str], known: Sequence[str]) -> None:
    """Refuse an unknown name.

    Raises:
        UsageError: says the nearest known name and lists all.
    """
    for name in asked:
        if name not in known:
            raise UsageError(
                f"report has no {what} {name!r}.{suggestion(name, known)} Known: {', '.join(known)}."
            )


def write_tidy(
    folder: Path, tables: Mapping[str, list[dict[str, object]]], known: Collection[str]
) -> list[Path]:
    """Write ``tables/NAME.csv`` of every table with rows, and remove what an earlier report left of those ``known`` that have none."""
    from muybridge.report.formats.tidy import write_csv

    paths = {name: folder / "tables" / f"{name}.csv" for name, rows in tables.items() if rows}
    for name, path in paths.items():
        write_csv(path, tables[name], folder)
    for old in (folder / "tables" / f"{name}.csv" for name in set(known) - set(paths)):
        if old.is_file() or old.is_symlink():
            old.unlink()
    return list(paths.values())


def write_latex(folder: Path, tables: list[Table]) -> list[Path]:
    """Write ``SLUG.tex`` of each table into ``OUT/tables`` and remove those that an earlier report left; no link is followed."""
    from muybridge.report.formats.latex import MARK, latex

    paths = []
    for table in tables:
        paths.append(folder / f"{table.slug}.tex")
        with atomic(paths[-1], below=folder.parent) as file:
            file.write(latex(table))
    for old in sorted(set(folder.glob("*.tex")) - set(paths)):
        if first_line(old).startswith(MARK):
            old.unlink()
    return paths
