"""The report of a ledger: HTML and Markdown, from the ledger alone; written only if the lint finds nothing."""

from dataclasses import dataclass
from pathlib import Path

from muybridge.claims.corpus.search import flow
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.pages.page import Cell, Part, as_html, as_text, lint, ref
from muybridge.claims.pages.review_sections import LABELS, VERDICTS, parts
from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic


@dataclass(frozen=True)
class Pages:
    """Where a report lies."""

    html: Path
    markdown: Path


def write_review(ledger: Ledger) -> Pages:
    """Write ``review.html`` and ``review.md`` beside the ledger; equal ledgers give equal bytes.

    Raises:
        MuybridgeError: the page shows something that the ledger does not hold.
    """
    from muybridge.report.formats.html import render

    summarise(ledger)
    found = parts(ledger)
    title = _title(ledger)
    page = render(
        "review.html",
        {
            "title": title,
            "name": "".join(one if isinstance(one, str) else one.shown for one in title),
            "parts": found,
            "as_html": as_html,
            "problems": ledger.problems,
        },
    )
    wrong = lint(page, ledger)
    if wrong:
        raise MuybridgeError(
            f"{ledger.folder}: the report is not written, since the lint finds: {'; '.join(wrong[:5])}."
        )
    pages = Pages(ledger.folder / "review.html", ledger.folder / "review.md")
    for path, text in ((pages.html, page), (pages.markdown, markdown(title, found))):
        with atomic(path, below=ledger.folder) as file:
            file.write(text)
    return pages


def summarise(ledger: Ledger) -> None:
    """Write the counts that the report shows: they are lines of the ledger as all else."""
    claims = ledger.all("claim").values()
    verdicts = {
        word: sum(bool(one["result"]) and one["result"]["verdict"] == word for one in claims)
        for word in VERDICTS
    }
    labels = {
        word: sum(bool(one["attribution"]) and one["attribution"]["label"] == word for one in claims)
        for word in LABELS
    }
    told = flow(ledger)
    values = {
        "claims": len(claims),
        "verdicts": verdicts,
        "labels": labels,
        "unjudged": sum(not one["result"] for one in claims),
        "identified": told["identified"],
        "included": told["included"],
        "excluded": len(ledger.all("exclusion")),
        "searches": told["searches"],
        "problems": len(ledger.problems),
    }
    ledger.append(
        "check",
        "summary",
        {
            "item": "summary",
            "words": "counts of the ledger",
            "passed": None,
            "values": values,
            "evidence": [],
        },
    )


def _title(ledger: Ledger) -> Cell:
    return [ref(ledger, "text", "question", name, "text") for name in list(ledger.all("question"))[:1]] or [
        "Claims"
    ]


def markdown(title: Cell, found: list[Part]) -> str:
    """The same as Markdown."""
    lines = [f"# {as_text(title)}", ""]
    for part in found:
        lines += [f"## {part.title}", "", *(text for cell in part.paragraphs for text in (as_text(cell), ""))]
        for grid in [*part.tables, *part.folded]:
            lines += [
                f"**{as_text(grid.caption)}**",
                "",
                "| " + " | ".join(grid.head) + " |",
                "|" + " --- |" * len(grid.head),
            ]
            lines += ["| " + " | ".join(as_text(cell) for cell in row) + " |" for row in grid.rows] + [""]
    return "\n".join(lines)
