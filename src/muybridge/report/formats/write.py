"""Write a report: HTML, Markdown, CSV and LaTeX, each file atomically."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muybridge.core.files import atomic, first_line
from muybridge.report.tables.table import Table


@dataclass(frozen=True)
class ReportPaths:
    """Where a report lies; ``tables`` are tidy CSV, ``latex`` the tables as they are shown, ``figures`` pictures for papers."""

    html: Path
    markdown: Path
    tables: list[Path]
    latex: list[Path]
    figures: list[Path] = field(default_factory=list)


def write_report(folder: Path) -> ReportPaths:
    """Report on every finished run of a folder as ``report.html``, ``report.md`` and ``tables/*.csv`` and ``.tex``.

    Equal runs give equal bytes. The page needs no network and no other file.

    Raises:
        UsageError: no finished run; says what was looked for.
        MuybridgeError: every run is damaged. Single damaged runs are listed and left out.
    """
    from muybridge.report.figures.figure_files import write_figures
    from muybridge.report.formats.html import html
    from muybridge.report.formats.markdown import markdown
    from muybridge.report.gather.collect import collect
    from muybridge.report.sections.content import content, rows_of
    from muybridge.report.sections.section import every_section

    folder = Path(folder)
    shown = content(collect(folder))
    paths = ReportPaths(folder / "report.html", folder / "report.md", [], [])
    known = {name for section in every_section() for name in section.rows}
    paths.tables.extend(write_tidy(folder, rows_of(shown), known))
    tables = [one for chapter in shown.chapters for one in chapter.tables]
    paths.latex.extend(write_latex(folder / "tables", tables))
    for chapter in shown.chapters:
        paths.figures.extend(write_figures(folder, chapter.figures))
    for path, text in ((paths.markdown, markdown(shown)), (paths.html, html(shown))):
        with atomic(path, below=folder) as file:
            file.write(text)
    return paths


def write_tidy(
    folder: Path, tables: Mapping[str, list[dict[str, Any]]], known: Collection[str]
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
