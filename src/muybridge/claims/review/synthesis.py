"""Reading a machine-made synthesis: its question, what it counts, its table of claims with confidences, its references."""

import re
from dataclasses import dataclass, field

from muybridge.claims.corpus.documents import Document
from muybridge.claims.corpus.works import names_in
from muybridge.core.text.sentences import Span


@dataclass(frozen=True)
class Stated:
    """A row of its table of claims."""

    span: Span
    verified: bool
    confidence: float


@dataclass(frozen=True)
class Synthesis:
    """What such a report says of itself.

    Attributes:
        counts: ``papers``, ``claims``, ``verified``, ``score`` as its text has them; those it does not say are missing.
        references: works by their number.
    """

    question: str
    counts: dict[str, float]
    claims: list[Stated] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


_QUESTION = re.compile(
    r"(?:addressing the following )?research question:\s*(.+?)(?:\?\.|\?|\.\s+\d+ claims|\.\s*\n)",
    re.IGNORECASE | re.DOTALL,
)
_COUNTS = {
    "papers": r"(\d+)\s+(?:peer-reviewed\s+)?papers",
    "claims": r"(\d+)\s+claims",
    "verified": r"(\d+)\s+(?:was\s+|were\s+)?independently verified",
    "score": r"score (?:of|:)\s*(\d+(?:\.\d+)?)\s*/\s*10",
}
_ROW = re.compile(
    r"^(?P<text>[^\t\n]+)\t+(?P<mark>[^\t\n]{1,12})\t+(?P<confidence>[01]?\.\d+|[01])[ \t]*$", re.MULTILINE
)
_YES = ("\u2713", "\u2714", "yes", "true", "verified")


def synthesis(document: Document) -> Synthesis | None:
    """The synthesis that a document is; None for any other text."""
    rows = [
        Stated(
            Span(number, found.start("text"), found.end("text"), found["text"]),
            found["mark"].strip().lower() in _YES,
            float(found["confidence"]),
        )
        for number, page in enumerate(document.pages, 1)
        for found in _ROW.finditer(page)
    ]
    text = "\n".join(document.pages)
    if len(rows) < 2 or "confidence" not in text.lower():
        return None
    asked = _QUESTION.search(text)
    counts = {
        name: float(found[1])
        for name, pattern in _COUNTS.items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    }
    tail = re.split(r"\n#+\s*references\s*\n", text, flags=re.IGNORECASE)
    cited = names_in(tail[1]) if len(tail) > 1 else []
    return Synthesis(" ".join(asked[1].split()) if asked else "", counts, rows, cited)
