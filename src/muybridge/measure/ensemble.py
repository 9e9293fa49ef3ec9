"""The mean answer of several networks on the same clips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import log_softmax, logsumexp

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
    logs = np.stack([log_softmax(one.scores.astype(np.float64), axis=1) for one in members])
    mean = logsumexp(logs, axis=0) - np.log(len(members))
    return replace(first, scores=mean.astype(np.float32))
