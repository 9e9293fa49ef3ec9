"""The mean answer of several networks on the same clips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64

from muybridge.runs.contents.predictions import Predictions

NAMED = ("video", "group", "label", "view", "perturbation", "severity")


def mean_answer(members: Sequence[Predictions]) -> Predictions:
    """Rows whose probabilities are the mean of those of the members, as log-probabilities; NaN where a member has none.

    Args:
        members: rows of the same clips in the same order, with the classes in the same order.

    Raises:
        ValueError: no members, or rows of other clips or numbers of classes.
    """
    if not members:
        raise ValueError("an ensemble wants one member or more")
    first, *others = members
    for other in others:
        if other.scores.shape != first.scores.shape or any(
            not np.array_equal(getattr(first, name), getattr(other, name)) for name in NAMED
        ):
            raise ValueError("the members of an ensemble answered for different clips or classes")
    mean = np.mean([_probabilities(one.scores) for one in members], axis=0)
    return replace(first, scores=np.log(np.maximum(mean, np.finfo(np.float32).tiny)).astype(np.float32))


def _probabilities(scores: Float32[np.ndarray, "n k"]) -> Float64[np.ndarray, "n k"]:
    raised: np.ndarray = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return shares
