"""What nearest-neighbour stages share: how many neighbours there can be, and recall with its counts."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int64

from muybridge.core.errors import UsageError
from muybridge.measure.counts import counts_of
from muybridge.measure.features.ranking import hits


def within(flag: str, given: Sequence[int], usual: Iterable[int], gallery: int) -> tuple[int, ...]:
    """Numbers of neighbours: those given, else the usual ones as far as the gallery goes; rising, each once.

    Raises:
        UsageError: one of those given is below one or more than there are videos in the gallery.
    """
    for one in given:
        if not 1 <= one <= gallery:
            raise UsageError(
                f"{flag} {one}: the gallery has {gallery} videos; wanted 1 to {gallery} neighbours."
            )
    return tuple(sorted(set(given or [one for one in usual if one <= gallery])))


def recalled(
    order: Int64[np.ndarray, "q k"],
    labels: Int64[np.ndarray, "q"],
    groups: np.ndarray,
    ks: Sequence[int],
    gallery: Int64[np.ndarray, "n"] | None = None,
) -> list[dict[str, object]]:
    """Recall at each k over the labelled queries, and per source group how many of them were hit out of how many.

    Args:
        order: neighbours of each query, -1 for none.
        labels: class of each query, -1 where it has none.
        groups: source group of each query.
        ks: ranks; those beyond the neighbours at hand are left out.
        gallery: labels of the gallery; those of the queries when None.
    """
    known = labels >= 0
    found = hits(order, labels, ks, gallery) if known.any() else {}
    return [
        {"k": k, "value": float(hit[known].mean()), "groups": counts_of(hit[known], groups[known])}
        for k, hit in found.items()
    ]
