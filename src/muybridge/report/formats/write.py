"""Write a report: HTML, Markdown, CSV and LaTeX, each file atomically."""

from dataclasses import dataclass, field
from pathlib import Path

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
    from muybridge.report.figures.map_figures import write_figures
    from muybridge.report.formats import tidy, tidy_transfer
    from muybridge.report.formats.html import html
    from muybridge.report.formats.markdown import markdown
    from muybridge.report.gather import map_groups
    from muybridge.report.gather.collect import collect
    from muybridge.report.gather.published_beside import published_rows
    from muybridge.report.sections.content import content, tables_of
    from muybridge.report.sections.results.zeroshot_section import zeroshot_rows
    from muybridge.report.tables.claim_tables import claim_rows

    folder = Path(folder)
    shown = content(collect(folder))
    paths = ReportPaths(folder / "report.html", folder / "report.md", [], [])
    tables = {
        "accuracy": tidy.accuracy_rows(shown.scored),
        "comparisons": tidy.comparison_rows(shown.scored, shown.robust),
        "robustness": tidy.robustness_rows(shown.robust),
        "noise_seeds": tidy.noise_rows(shown.robust),
        "per_class": tidy.per_class_rows(shown.scored),
        "confusion": tidy.confusion_rows(shown.scored),
        "weights": tidy_transfer.weights_rows(shown.scored, shown.all_of),
        "splits": tidy_transfer.split_rows(shown.across.splits),
        "source_target": tidy_transfer.crossed_rows(shown.across.crossed, shown.all_of),
        "label_efficiency": tidy_transfer.label_rows(shown.across.labels),
        "budget": tidy.budget_rows(shown.all_of),
        "curves": tidy.curve_rows(shown.all_of),
        "health": tidy.health_rows(shown.all_of),
        "terms": tidy.term_rows(shown.all_of),
        "runs": tidy.run_rows(shown.all_of),
        "claims": claim_rows(shown.claims),
        "published": published_rows(shown.published),
        **({"similarity": map_groups.tidy_rows(shown.similarity.maps)} if shown.similarity else {}),
        "zeroshot": zeroshot_rows(shown.all_of),
    }
    for name, rows in tables.items():
        paths.tables.append(folder / "tables" / f"{name}.csv")
        tidy.write_csv(paths.tables[-1], list(rows), folder)
    paths.latex.extend(
        write_latex(folder / "tables", [one for kept in tables_of(shown).values() for one in kept])
    )
    if shown.similarity:
        paths.figures.extend(write_figures(folder, shown.similarity.groups))
    for path, text in ((paths.markdown, markdown(shown)), (paths.html, html(shown))):
        with atomic(path, below=folder) as file:
            file.write(text)
    return paths


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
