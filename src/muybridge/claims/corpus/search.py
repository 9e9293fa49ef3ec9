"""Search in the corpus: BM25 over title, abstract and body, each a field with its weight; every search is logged with its hits.

BM25 is that of Robertson and Zaragoza (Found. Trends Inf. Retr. 3(4), 2009) in the variant of Lucene, by the package bm25s; the score of a
document is the weighted sum over its fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from muybridge.claims.corpus.documents import Document, kept
from muybridge.claims.ledger.lines import Ledger
from muybridge.core.text.sentences import content_words

WEIGHTS = {"title": 3.0, "abstract": 2.0, "body": 1.0}
ABSTRACT = 2_000
"""Letters from which the abstract of a full text is taken where it has no heading for it."""


class Index:
    """BM25 over texts; empty texts and unknown words score 0."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.size = len(texts)
        self.tokens = [content_words(text) for text in texts]
        self.engine: Any = None
        if any(self.tokens):
            import bm25s

            self.engine = bm25s.BM25(method="lucene")
            self.engine.index([words or ["\0"] for words in self.tokens], show_progress=False)

    def scores(self, query: str) -> Float64[np.ndarray, "n"]:
        """Score of each text."""
        known = (
            []
            if self.engine is None
            else [word for word in content_words(query) if word in self.engine.vocab_dict]
        )
        if not known:
            return np.zeros(self.size)
        found: Float64[np.ndarray, "n"] = np.asarray(self.engine.get_scores(known), np.float64)
        return found

    def best(self, query: str, number: int) -> list[int]:
        """Places of the texts that score highest, best first; none that scores 0."""
        scores = self.scores(query)
        near = (
            np.flatnonzero(scores >= np.partition(scores, -number)[-number])
            if number < self.size
            else np.arange(self.size)
        )
        order = near[np.argsort(-scores[near], kind="stable")][:number]
        return [int(i) for i in order if scores[i] > 0]


@dataclass(frozen=True)
class Hit:
    """A document that answers to a query."""

    document: Document
    score: float


def search(ledger: Ledger, query: str, weights: Mapping[str, float] = WEIGHTS) -> list[Hit]:
    """Documents by score, best first; the search is logged."""
    found = kept(ledger)
    total = np.zeros(len(found))
    for field, weight in weights.items():
        total += weight * Index([_field(one, field) for one in found]).scores(query)
    order = [int(i) for i in np.argsort(-total, kind="stable") if total[i] > 0]
    hits = [Hit(found[i], float(total[i])) for i in order]
    ledger.append(
        "search", query,
        {
            "query": query, "field_weights": dict(weights), "documents": len(found), "kept": len(hits),
            "hits": [{"sha256": hit.document.sha256, "work": hit.document.work, "score": round(hit.score, 4)} for hit in hits],
        },
    )  # fmt: skip
    return hits


def _field(document: Document, field: str) -> str:
    text = "\n".join(document.pages)
    if field == "title":
        return document.title
    if document.coverage == "abstract":
        return text if field == "abstract" else ""
    lower = text.lower()
    start = max(lower.find("abstract"), 0)
    return text[start : start + ABSTRACT] if field == "abstract" else text


def flow(ledger: Ledger) -> dict[str, object]:
    """Counts as in a PRISMA flow: files seen, left out with reasons by stage, documents that are kept."""
    documents, out = ledger.all("document"), ledger.all("exclusion")
    reasons: dict[str, list[str]] = {}
    for one in out.values():
        reasons.setdefault(one["stage"], []).append(f"{one['name']}: {one['reason']}")
    return {
        "identified": len({*documents, *out}), "screening": reasons.get("screening", []), "eligibility": reasons.get("eligibility", []),
        "included": sum(sha not in out for sha in documents), "searches": len(ledger.all("search")),
    }  # fmt: skip
