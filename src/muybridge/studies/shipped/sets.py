"""Sets of auxiliary losses for a study of their diversity: distinct, balanced, and chosen so that diversity is not one loss's doing."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float64

from muybridge.core.errors import UsageError
from muybridge.core.seeding import rng
from muybridge.measure.diversity.loss_diversity import rao
from muybridge.objectives import OBJECTIVES

POOL = ("rotnet", "cvrl", "sigreg", "vcop", "speed", "arrow-of-time", "tdl", "tcons", "prp", "rspnet")
"""Losses of the confirmatory sets: three look at space, five at time, two at both; four contrast, six do not."""
PLACEBOS = (
    "placebo-colour",
    "placebo-coarse",
    "placebo-blocks",
    "placebo-projection",
    "placebo-fine",
    "placebo-finest",
)
"""Losses of the placebo sets, which are all 15 sets of four of them."""
DRAWS = 20_000
Score = Callable[[tuple[str, ...]], float]


def rao_of(losses: Sequence[str]) -> float:
    """Rao's quadratic entropy of named losses by what the catalogue says of them: axis, and contrastive or not."""
    facts = [OBJECTIVES[name].facts if name in OBJECTIVES else {} for name in losses]
    return rao([one.get("kind", "") for one in facts], [bool(one.get("contrastive")) for one in facts])


def choose_sets(
    pool: Sequence[str] = POOL,
    size: int = 4,
    number: int = 48,
    seed: int = 0,
    draws: int = DRAWS,
    score: Score = rao_of,
) -> list[tuple[str, ...]]:
    """Distinct sets of ``size`` losses in which each loss stands equally often (to within one) and that part score and membership.

    Starts from a random choice and tries ``draws`` exchanges of one set for another; one is kept when it makes the imbalance less, or at
    equal imbalance the largest correlation of the score with the membership of any loss.

    Raises:
        UsageError: there are not that many sets, or no balanced choice was met.
    """
    every = list(combinations(pool, size))
    if not 1 <= number <= len(every):
        raise UsageError(
            f"{number} sets of {size} of {len(pool)} losses: there are {len(every)}. Ask for fewer, or give more losses."
        )
    members = np.array([[loss in one for loss in pool] for one in every], np.float64)
    scores = np.array([score(one) for one in every])
    stream = rng(seed, "sets", size, number)
    order = stream.permutation(len(every))
    chosen, rest = list(order[:number]), list(order[number:])
    best = _cost(members[chosen], scores[chosen])
    for _ in range(draws if rest else 0):
        out, into = int(stream.integers(number)), int(stream.integers(len(rest)))
        chosen[out], rest[into] = rest[into], chosen[out]
        cost = _cost(members[chosen], scores[chosen])
        if cost <= best:
            best = cost
        else:
            chosen[out], rest[into] = rest[into], chosen[out]
    counts = members[chosen].sum(0)
    if np.ptp(counts) > 1:
        raise UsageError(
            f"no balanced choice of {number} sets was met in {draws} draws. Ask for more draws or another number."
        )
    return [every[place] for place in sorted(chosen)]


def _cost(members: Float64[np.ndarray, "n l"], scores: Float64[np.ndarray, "n"]) -> tuple[float, float]:
    counts = members.sum(0)
    imbalance = float(np.maximum(0, np.abs(counts - counts.mean()) - 0.999).sum())
    return imbalance, float(np.abs(confounding(members, scores)).max())


def confounding(
    members: Float64[np.ndarray, "n l"], scores: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "l"]:
    """Correlation of a score with the membership of each loss; 0 where one of them does not differ."""
    a, b = members - members.mean(0), scores - scores.mean()
    size = np.sqrt((a * a).sum(0) * (b @ b))
    return np.asarray(np.divide(b @ a, size, out=np.zeros(a.shape[1]), where=size > 1e-12))
