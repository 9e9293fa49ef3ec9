"""Shares as counts by source group: what a result keeps, so that intervals can be drawn and folds be joined later."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Shaped

from muybridge.measure.estimate import Estimate, Interval
from muybridge.measure.intervals import resample_groups

Counts = Mapping[str, Sequence[float]]
"""Group to [sum of the values, how many]."""


def counts_of(values: Shaped[np.ndarray, "n"], groups: Shaped[np.ndarray, "n"]) -> dict[str, list[float]]:
    """Sum and number of values in each group; values that are NaN do not count.

    Args:
        values: marks (bool) or scores between 0 and 1.
        groups: source group of each.
    """
    known = ~np.isnan(values.astype(np.float64))
    values, groups = values[known], groups[known]
    return {str(g): [float(values[groups == g].sum()), int((groups == g).sum())] for g in np.unique(groups)}


def joined(parts: Sequence[Counts]) -> dict[str, list[float]]:
    """Counts of several folds together."""
    names = sorted({name for part in parts for name in part})
    return {name: [sum(part[name][i] for part in parts if name in part) for i in (0, 1)] for name in names}


def share(counts: Counts) -> Interval:
    """The mean of the values, with its interval over source groups.

    Raises:
        ValueError: no values.
    """
    table = np.array([counts[name] for name in sorted(counts)], dtype=np.float64).reshape(-1, 2)
    total = table[:, 1].sum()
    if not total:
        raise ValueError("no values: the mean of nothing is undefined")
    draws = resample_groups(table[:, :1], table[:, 1:])[:, 0]
    return Estimate(float(table[:, 0].sum() / total), draws, len(table)).interval(of_accuracy=True)
