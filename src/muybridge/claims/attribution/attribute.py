"""Does a source say a claim? The best sentence is found by words, then it is compared axis by axis.

Labels: ``quoted`` (the sentence stands there, but for spelling of signs and lost letters of a scan), ``paraphrase`` (its words do, and
nothing that it states differs), ``contradicted`` (its words do, and a number, unit, name, direction or negation differs), ``absent``,
with what of the source was looked at. The score says how well the best sentence supports the claim; it is no confidence: that is what
``calibrate`` makes of it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Literal

import numpy as np

from muybridge.claims.attribution.calibration import Calibration
from muybridge.claims.attribution.facts import Agreement, compare
from muybridge.claims.attribution.twins import replaced
from muybridge.claims.corpus.documents import Document, all_spans
from muybridge.claims.corpus.extract import place_of
from muybridge.claims.corpus.search import Index
from muybridge.claims.ledger.lines import Ledger
from muybridge.claims.review.synthesis import synthesis
from muybridge.core.text.formulas import formulas, same
from muybridge.core.text.sentences import STOP, Span, content_words, normal, stem, words

Label = Literal["quoted", "paraphrase", "contradicted", "absent"]
CANDIDATES = 12
ALIGNED = 0.6
"""Share of a claim's weight of words from which a sentence is about the same."""
TWIN = 0.8
"""Likeness from which a differing sentence counts as the same one, edited."""
METHOD = "BM25, then words, names, numbers, units, directions, negations and formulas by rules; version 1"


@dataclass(frozen=True)
class Attribution:
    """What a source says of a claim.

    Attributes:
        axes: how the best sentence agrees, by axis.
        score: support by it, in [0, 1].
        document: where it stands; None where no sentence was near.
    """

    label: Label
    axes: Mapping[str, Agreement]
    score: float
    document: Document | None = None
    span: Span | None = None
    coverage: tuple[str, ...] = ()
    why: str = ""


@dataclass
class Attributor:
    """Answers for claims against a set of documents; the sentences are indexed once.

    Attributes:
        documents: the sources. Syntheses among them are no evidence of what they collect and are left out, and so are
            lists of words.
    """

    documents: Sequence[Document]
    _places: list[tuple[Document, Span]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.documents = [one for one in self.documents if one.coverage != "words" and synthesis(one) is None]
        self._places = list(all_spans(self.documents))
        self._index = Index([span.text for _, span in self._places])
        self._same: dict[tuple[str, ...], list[int]] = {}
        counts: dict[str, int] = {}
        for place, tokens in enumerate(self._index.tokens):
            self._same.setdefault(tuple(tokens), []).append(place)
            for word in set(tokens):
                counts[word] = counts.get(word, 0) + 1
        self._formulas: dict[tuple[str, str], list[int]] = {}
        for place, (_, span) in enumerate(self._places):
            for one in formulas(span.text) if "=" in span.text else []:
                self._formulas.setdefault(one.name, []).append(place)
        self._rare = {word: float(np.log1p(len(self._places) / number)) for word, number in counts.items()}

    def attribute(self, text: str, without: str = "") -> Attribution:
        """The label of a claim, from the sentence that fits it best; a quotation anywhere decides.

        Args:
            text: the claim.
            without: hash of the document it was taken from, which is no evidence for it.
        """
        coverage = tuple(sorted({one.coverage for one in self.documents if one.sha256 != without}))
        found = [self._judge(text, *place) for place in self._candidates(text, without)]
        if not found:
            why = (
                "no sentence shares a word with it"
                if coverage
                else "there is no document beside the one it was taken from"
            )
            return Attribution("absent", {}, 0.0, coverage=coverage, why=why)
        order = {"quoted": 3, "contradicted": 2, "paraphrase": 2, "absent": 1}
        best = max(found, key=lambda one: (order[one.label], self._rank(text, one)))
        return Attribution(best.label, best.axes, best.score, best.document, best.span, coverage, best.why)

    def _rank(self, text: str, one: Attribution) -> float:
        """Likeness; of quotations the shortest, since a longer one has words besides."""
        if one.label == "quoted" and one.span is not None:
            return -float(len(one.span.text))
        return 0.0 if one.span is None else self.alignment(text, one.span.text) + _ratio(text, one.span.text)

    def _places_of(self, text: str, without: str) -> list[int]:
        """Places of sentences of its words, of the best by BM25 and of formulas, each once; none of the document left out."""
        # BM25 may rank the same words low among many sentences that differ in a number.
        same_words = self._same.get(tuple(content_words(text)), [])
        best = self._index.best(text, CANDIDATES * (4 if without else 1))
        named = [self._formulas.get(one.name, []) for one in formulas(text)] if "=" in text else []
        near = (islice(self._elsewhere(places, without), CANDIDATES) for places in (same_words, best))
        alike = (self._elsewhere(places, without) for places in named)
        return list(dict.fromkeys(chain.from_iterable(chain(near, alike))))

    def _elsewhere(self, places: Sequence[int], without: str) -> Iterator[int]:
        return (place for place in places if self._places[place][0].sha256 != without)

    def _candidates(self, text: str, without: str) -> Iterator[tuple[Document, Span]]:
        """Sentences that may say it, each also with the one behind it on its page."""
        for place in self._places_of(text, without):
            document, span = self._places[place]
            yield document, span
            if place + 1 < len(self._places):
                other, after = self._places[place + 1]
                if other is document and after.page == span.page and len(text) > 1.2 * len(span.text):
                    page = document.pages[span.page - 1]
                    yield document, Span(span.page, span.start, after.end, page[span.start : after.end])

    def alignment(self, claim: str, source: str) -> float:
        """Share of a claim's words that a sentence has, each weighed by how rare it is in the corpus."""
        claimed, said = content_words(claim), set(content_words(source))
        usual = float(np.log1p(max(len(self._places), 1)))
        weights = {word: self._rare.get(word, usual) for word in claimed}
        whole = sum(weights.values())
        return sum(weight for word, weight in weights.items() if word in said) / whole if whole else 0.0

    def _judge(self, claim: str, document: Document, span: Span) -> Attribution:
        aligned, ratio = self.alignment(claim, span.text), _ratio(claim, span.text)
        axes = compare(claim, span.text)
        if ratio >= TWIN:
            axes |= replaced(claim, span.text)
        told = _formula_axis(claim, span.text)
        if told != "none":
            axes["formula"] = told
        label, why = _label(claim, span.text, aligned, ratio, axes)
        return Attribution(
            label, axes, round(_score(label, aligned, ratio, axes), 4), document, span, why=why
        )


def _label(
    claim: str, source: str, aligned: float, ratio: float, axes: Mapping[str, Agreement]
) -> tuple[Label, str]:
    differing = [axis for axis, one in axes.items() if one == "differs"]
    unsaid = [axis for axis, one in axes.items() if one == "not stated"]
    if axes.get("formula") == "agrees":
        return "quoted", "the same formula"
    if normal(claim).strip(" .") in normal(source) or (
        not differing and not unsaid and _spelt_alike(claim, source)
    ):
        return "quoted", "word for word"
    if max(aligned, ratio) < ALIGNED or aligned < 0.5 * ALIGNED:
        return "absent", "no sentence is about the same"
    if differing:
        if aligned >= 0.75 or ratio >= TWIN:
            return "contradicted", f"differs in {', '.join(differing)}"
        return "absent", f"a sentence near it differs in {', '.join(differing)}"
    if unsaid:
        return "absent", f"a sentence near it does not state its {', '.join(unsaid)}"
    return "paraphrase", "its words, and nothing that differs"


def _score(label: Label, aligned: float, ratio: float, axes: Mapping[str, Agreement]) -> float:
    """Support: likeness, cut where something differs or is not stated; deterministic and on no scale of probability."""
    if label == "quoted":
        return 0.9 + 0.1 * ratio
    whole = 0.85 * (0.5 * aligned + 0.5 * ratio)
    for one in axes.values():
        whole *= {"differs": 0.1, "not stated": 0.5}.get(one, 1.0)
    return whole


def _ratio(claim: str, source: str) -> float:
    """Likeness of two texts, in [0, 1]: of the claim with the part of a longer sentence that is most like it."""
    from rapidfuzz import fuzz

    a, b = normal(claim), normal(source)
    return float(fuzz.partial_ratio(a, b) if len(a) <= len(b) else fuzz.ratio(a, b)) / 100


def _spelt_alike(claim: str, source: str) -> bool:
    """Whether every word of a claim stands in the source in order, but for two letters lost or changed in a long word."""
    from rapidfuzz.distance import Levenshtein

    said = iter(words(source))
    exact = wrong = 0
    for word in words(claim):
        for other in said:
            if other == word:
                exact += 1
                break
            if (
                len(word) > 5
                and word.isalpha()
                and other not in STOP
                and _slip(word, other, Levenshtein.distance(word, other))
            ):
                wrong += 1
                break
        else:
            return False
    return exact > 0 and wrong <= 1 + exact // 12


def _slip(word: str, other: str, distance: int) -> bool:
    """A slip of spelling changes two letters at most and neither prefix nor stem to another word's."""
    return (
        distance <= 2 and stem(word)[:3] == stem(other)[:3] and not {word, other} & {"increase", "decrease"}
    )


def _formula_axis(claim: str, source: str) -> Agreement:
    claimed = formulas(claim)
    if not claimed:
        return "none"
    said = [one for one in formulas(source) if one.name in {two.name for two in claimed}]
    if not said:
        return "not stated"
    kept = all(any(one.name == two.name and same(one, two) for two in said) for one in claimed)
    return "agrees" if kept else "differs"


def attribute_all(
    ledger: Ledger,
    found: Sequence[Document],
    calibration: Calibration | None = None,
    name: str = "",
    only: Sequence[str] = (),
) -> dict[str, Attribution]:
    """Write the attribution of every claim that was taken from a source (or of those named) to the ledger.

    Args:
        ledger: holds the claims.
        found: sources; a claim's own document is no evidence for it.
        calibration: turns the score into a confidence; without it there is none.
        name: of the calibration's line in the ledger.
        only: ids.
    """
    made: dict[str, Attribution] = {}
    attributor = Attributor(found)
    looked: dict[str, str] = {}
    for id_, claim in ledger.all("claim").items():
        if id_ not in only if only else not claim["source"]:
            continue
        own = claim["source"]["doc_sha256"] if claim["source"] else ""
        one = attributor.attribute(claim["text"], own)
        made[id_] = one
        if own not in looked:
            looked[own] = _corpus(ledger, attributor.documents, own)
        ledger.append("claim", id_, {**claim, "attribution": as_body(one, looked[own], calibration, name)})
    return made


def _corpus(ledger: Ledger, documents: Sequence[Document], without: str) -> str:
    """Write which documents are looked at; returns the id of the line."""
    looked = sorted(document.sha256 for document in documents if document.sha256 != without)
    name = hashlib.sha256(" ".join(looked).encode()).hexdigest()[:16]
    ledger.append("corpus", name, {"documents": looked})
    return name


def as_body(one: Attribution, corpus: str, calibration: Calibration | None, name: str) -> dict[str, object]:
    """An attribution as the ledger holds it; what was not looked at is said and is never a low confidence.

    Args:
        one: the attribution.
        corpus: id of the line with the documents that were looked at.
        calibration: turns its score into a confidence.
        name: of the calibration.
    """
    coverage = list(one.coverage)
    looked = f"source: {' and '.join(coverage)} only" if coverage else "no source at hand"
    said = f"{one.label} ({looked})" if one.label == "absent" and "full text" not in coverage else one.label
    confidence = calibration.confidence(one.score) if calibration and one.label != "absent" else None
    body: dict[str, object] = {
        "label": one.label,
        "words": f"{said}: {one.why}",
        "score": one.score,
        "confidence": confidence,
        "calibration": name or None,
        "method": METHOD,
        "axes": dict(one.axes),
        "coverage": coverage,
        "corpus": corpus,
        "span": None,
    }
    if one.document is not None and one.span is not None and one.label != "absent":
        body["span"] = place_of(one.document, one.span)
    return body


def overlaps(claims: Sequence[str], source: str) -> list[float]:
    """Share of words that each claim and a text have in common (Jaccard, no stop words): what a verifier without sense would score."""
    said = {word for word in words(source) if word not in STOP}
    return [_jaccard({word for word in words(one) if word not in STOP}, said) for one in claims]


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
