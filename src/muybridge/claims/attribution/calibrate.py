"""How good attribution is: precision, recall and calibration error on the fixture, with intervals over its sentences."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from muybridge.claims.attribution.attribute import METHOD, Attributor
from muybridge.claims.attribution.calibration import Calibration, calibration_error, fit
from muybridge.claims.attribution.fixture import Pair, pairs, source
from muybridge.claims.corpus.documents import Document
from muybridge.claims.ledger.lines import Ledger
from muybridge.core.seeding import rng

LABELS = ("quoted", "paraphrase", "contradicted", "absent")
SUPPORTED = ("quoted", "paraphrase")
REDRAWS = 2_000
Share = tuple[float, float, float]


@dataclass(frozen=True)
class Judged:
    """A pair with what attribution said."""

    pair: Pair
    label: str
    score: float

    @property
    def supported(self) -> bool:
        """Whether the source does say the claim."""
        return self.pair.label in SUPPORTED


@dataclass(frozen=True)
class Quality:
    """What came out.

    Attributes:
        precision: by label: value and 95 % bounds over redrawn sentences.
        recall: by label.
        by_edit: edit -> pairs, and how many got their label.
        ece: of confidences learnt from the other half of the sentences, over all pairs.
        false_positives: share of unrelated claims that were called quoted or a paraphrase.
        calibration: learnt from all pairs, for use.
    """

    pairs: int
    precision: Mapping[str, Share]
    recall: Mapping[str, Share]
    by_edit: Mapping[str, tuple[int, int]]
    ece: Share
    false_positives: Share
    calibration: Calibration


def fixture_document(sentences: Sequence[str] | None = None) -> Document:
    """The source of the fixture, or any sentences, as a document."""
    text = "\n\n".join(source() if sentences is None else sentences)
    return Document("0" * 64, "fixture", "Invented sentences", "full text", (text,), "text")


def judge_fixture(made: Sequence[Pair] | None = None, sentences: Sequence[str] | None = None) -> list[Judged]:
    """Attribution of every pair; of the fixture's unless others are given with their source."""
    attributor = Attributor([fixture_document(sentences)])
    found = []
    for pair in pairs() if made is None else made:
        one = attributor.attribute(pair.claim)
        found.append(Judged(pair, one.label, one.score))
    return found


def quality(judged: Sequence[Judged]) -> Quality:
    """Precision, recall and calibration, with intervals.

    The calibration error is of confidences that were learnt without the sentence: the curve of even sentences serves the odd ones, and
    the reverse.
    """
    bases = np.array([one.pair.base for one in judged])
    supported = np.array([one.supported for one in judged])
    scores = np.array([one.score for one in judged])
    confidences = np.empty(len(judged))
    for half in (0, 1):
        curve = fit(scores[bases % 2 == half], supported[bases % 2 == half])
        other = bases % 2 != half
        confidences[other] = [curve.confidence(score) for score in scores[other]]
    true, said = (np.array([one.label if which else one.pair.label for one in judged]) for which in (0, 1))
    draws = _redraws(bases)

    def share(of: Callable[[Any], float]) -> Share:
        found = [of(index) for index in draws]
        low, high = np.nanquantile(found, [0.025, 0.975])
        return float(of(np.arange(len(judged)))), float(low), float(high)

    def ratio(hit: Any, among: Any) -> Callable[[object], float]:
        return lambda index: float(hit[index].sum() / max(among[index].sum(), 1))

    unrelated = true == "absent"
    edits = Counter(one.pair.edit for one in judged)
    return Quality(
        len(judged),
        {label: share(ratio((true == label) & (said == label), said == label)) for label in LABELS},
        {label: share(ratio((true == label) & (said == label), true == label)) for label in LABELS},
        {
            edit: (number, sum(one.pair.edit == edit and one.label == one.pair.label for one in judged))
            for edit, number in edits.items()
        },
        share(lambda index: calibration_error(confidences[index], supported[index])),
        share(ratio(unrelated & np.isin(said, SUPPORTED), unrelated)),
        fit(scores, supported),
    )


def _redraws(bases: np.ndarray) -> list[np.ndarray]:
    """Pairs of redrawn sentences: pairs of one sentence are drawn together."""
    draw = rng(0, "claims-calibration")
    members = [np.flatnonzero(bases == base) for base in np.unique(bases)]
    return [
        np.concatenate([members[i] for i in draw.integers(len(members), size=len(members))])
        for _ in range(REDRAWS)
    ]


def calibrate(ledger: Ledger) -> Quality:
    """Measure, and write the curve and the figures to the ledger; attribution uses it from then on."""
    found = quality(judge_fixture())
    ledger.append("calibration", "fixture", as_body(found))
    return found


def as_body(found: Quality) -> dict[str, object]:
    """Figures and curve as the ledger holds them."""

    def rounded(told: Mapping[str, Share]) -> dict[str, list[float]]:
        return {name: [round(value, 4) for value in share] for name, share in told.items()}

    return {
        "pairs": found.pairs, "method": METHOD, "labels": {"precision": rounded(found.precision), "recall": rounded(found.recall)},
        "by_edit": {edit: list(counts) for edit, counts in found.by_edit.items()}, "ece": [round(value, 4) for value in found.ece],
        "false_positives": [round(value, 4) for value in found.false_positives], "curve": found.calibration.as_body(),
    }  # fmt: skip


def calibration_of(ledger: Ledger) -> tuple[Calibration | None, str]:
    """The curve of a ledger for the present method, and the name of its line; None where there is none."""
    held = ledger.all("calibration")
    for name, body in held.items():
        if body.get("method") == METHOD and "curve" in body:
            return Calibration.from_body(body["curve"]), name
    return None, ""
