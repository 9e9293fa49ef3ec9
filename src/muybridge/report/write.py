"""Write a report: HTML, Markdown and CSV, each file atomically."""

from dataclasses import dataclass
from pathlib import Path

from muybridge.core.records import atomic


@dataclass(frozen=True)
class ReportPaths:
    """Where a report lies."""

    html: Path
    markdown: Path
    tables: list[Path]


def write_report(folder: Path) -> ReportPaths:
    """Report on every finished run of a folder as ``report.html``, ``report.md`` and ``tables/*.csv``.

    Equal runs give equal bytes. The page needs no network and no other file.

    Raises:
        UsageError: no finished run; says what was looked for.
        MuybridgeError: a run is damaged; names the file and the way out.
    """
    from muybridge.report import tidy
    from muybridge.report.collect import collect
    from muybridge.report.content import content
    from muybridge.report.html import html
    from muybridge.report.markdown import markdown

    folder = Path(folder)
    shown = content(collect(folder))
    paths = ReportPaths(folder / "report.html", folder / "report.md", [])
    both = [*shown.scored, *shown.robust]
    tables = {
        "accuracy": tidy.accuracy_rows(shown.scored),
        "comparisons": tidy.comparison_rows(both),
        "robustness": tidy.robustness_rows(shown.robust),
        "per_class": tidy.per_class_rows(shown.scored),
        "confusion": tidy.confusion_rows(shown.scored),
        "budget": tidy.budget_rows(shown.all_of),
        "curves": tidy.curve_rows(shown.all_of),
        "runs": tidy.run_rows(shown.all_of),
    }
    for name, rows in tables.items():
        paths.tables.append(folder / "tables" / f"{name}.csv")
        tidy.write_csv(paths.tables[-1], list(rows))
    for path, text in ((paths.markdown, markdown(shown)), (paths.html, html(shown))):
        with atomic(path) as file:
            file.write(text)
    return paths
