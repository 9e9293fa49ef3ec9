"""From scores to confidences: isotonic regression on pairs with known answers, and how far confidences and shares lie apart (ECE).

Isotonic regression by pooling adjacent violators (Ayer et al., Ann. Math. Stat. 26(4), 1955), by SciPy; expected calibration error
over equal bins (Naeini, Cooper and Hauskrecht, AAAI 2015). Confidences are kept from 0 and 1 by Laplace's rule: what was right n times
may be wrong the next time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """A curve from scores to confidences, constant between its knots' ends and straight between them."""

    scores: tuple[float, ...]
    confidences: tuple[float, ...]

    def confidence(self, score: float) -> float:
        """How often a claim of this score is supported by its source, in [0, 1]."""
        return round(float(np.interp(score, self.scores, self.confidences)), 4)

    def as_body(self) -> dict[str, list[float]]:
        """As the ledger holds it."""
        return {"scores": list(self.scores), "confidences": list(self.confidences)}

    @classmethod
    def from_body(cls, body: Mapping[str, Sequence[float]]) -> "Calibration":
        """From a line of the ledger."""
        return cls(tuple(map(float, body["scores"])), tuple(map(float, body["confidences"])))


def fit(scores: Float64[np.ndarray, "n"], right: Bool[np.ndarray, "n"]) -> Calibration:
    """The curve of pairs with known answers.

    Args:
        scores: of each pair.
        right: whether the source says the claim.
    """
    from scipy.optimize import isotonic_regression

    least, most = 1 / (len(scores) + 2), 1 - 1 / (len(scores) + 2)
    knots, place, pairs = np.unique(
        scores, return_inverse=True, return_counts=True
    )  # equal scores are one knot
    shares = np.bincount(place, right) / pairs
    risen = np.clip(isotonic_regression(shares, weights=pairs).x, least, most)
    steps = risen[1:] != risen[:-1]
    ends = np.append(True, steps) | np.append(
        steps, True
    )  # of flat stretches: what lies between them says nothing more
    return Calibration(
        tuple(round(float(x), 6) for x in knots[ends]), tuple(round(float(y), 6) for y in risen[ends])
    )


def calibration_error(confidences: Float64[np.ndarray, "n"], right: Bool[np.ndarray, "n"]) -> float:
    """ECE: mean distance of mean confidence and share of right answers over ``BINS`` equal bins, weighed by their pairs."""
    place = np.minimum((confidences * BINS).astype(int), BINS - 1)
    total = 0.0
    for bin_ in np.unique(place):
        own = place == bin_
        total += float(own.mean()) * abs(float(confidences[own].mean()) - float(right[own].mean()))
    return total
