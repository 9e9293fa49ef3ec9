"""Claims of documents: whole sentences with their places, or the rows of a synthesis."""

from collections.abc import Sequence

from muybridge.claims.corpus.documents import Document, kept
from muybridge.claims.corpus.kinds import checkable
from muybridge.claims.ledger.claim_record import Claim, new_claim
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.review.synthesis import synthesis
from muybridge.core.text.sentences import Span


def extract(ledger: Ledger, only: str = "", documents: Sequence[str] | None = None) -> list[Claim]:
    """Write the claims of every document, of one work, or of some documents by hash; those that are there already stay as they are.

    A synthesis gives the rows of its table, named C1, C2, ...; its own text about itself gives none. Every other document gives its
    sentences that state a number, a comparison or a definition.
    """
    made = []
    for document in kept(ledger):
        if (only and document.work != only) or (documents is not None and document.sha256 not in documents):
            continue
        made += _of_synthesis(ledger, document) or _of_text(document)
    held = ledger.all("claim")
    new = [claim for claim in made if claim["claim_id"] not in held]
    for claim in new:
        ledger.append("claim", claim["claim_id"], claim)
    return made


def place_of(document: Document, span: Span) -> dict[str, object]:
    """Where a sentence stands."""
    return {
        "work": document.work,
        "doc_sha256": document.sha256,
        "locator": {"page": span.page, "char_start": span.start, "char_end": span.end},
        "quote": span.text,
        "coverage": document.coverage,
    }


def _of_synthesis(ledger: Ledger, document: Document) -> list[Claim]:
    found = synthesis(document)
    if found is None:
        return []
    ledger.append(
        "synthesis", document.sha256,
        {"doc_sha256": document.sha256, "question": found.question, "counts": found.counts, "references": found.references},
    )  # fmt: skip
    return [
        new_claim(
            one.span.text,
            place_of(document, one.span),
            f"C{number}",
            stated={"confidence": one.confidence, "verified": one.verified},
        )
        for number, one in enumerate(found.claims, 1)
    ]


def _of_text(document: Document) -> list[Claim]:
    return [
        new_claim(" ".join(span.text.split()), place_of(document, span))
        for span in document.spans
        if checkable(span.text)
    ]
