"""Whether a network still tells which clip it sees when the clip is perturbed: is the nearest clean clip its own clean twin?

Every clip is a class of its own, as in instance discrimination (Wu et al., Unsupervised feature learning via non-parametric instance
discrimination, CVPR 2018): perturbed clips are queries, all clean clips the gallery, and recall at 1 is the share of queries whose twin has
the largest cosine. Features that say nothing find it once in n times, for n clips, so shares from unlike numbers of clips do not compare.
It says nothing of accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from muybridge.measure.similarity.layer_similarity import quantiles

BLOCK = 512
"""Queries that are compared with the gallery at a time."""
TIE = 1e-12
"""Cosines closer than this are equal: those of directions within a millionth of a radian, which float32 features do not tell apart."""


@dataclass(frozen=True)
class TwinShare:
    """Recall at 1.

    Attributes:
        value: share of the perturbed clips that find their clean twin, in [0, 1].
        interval: 2.5 and 97.5 % quantiles over redrawn source groups of queries, the gallery as it is; NaN where a replicate has no clip,
            None where no groups are redrawn. Without width where all groups have the same share.
    """

    value: float
    interval: tuple[float, float] | None


def twin_hits(clean: Float[Tensor, "n c"], perturbed: Float[Tensor, "n c"]) -> Bool[Tensor, "n"]:
    """Whether the clean clip nearest to each perturbed one, by cosine in float64, is its own.

    A twin that shares the largest cosine with another clip (``TIE``) is no hit: a network that puts out the same for all clips finds none.
    A zero vector has no direction: it is no hit as a query, and nobody's nearest in the gallery.

    Args:
        clean: features of all clips.
        perturbed: those of the same clips, in the same order.

    Raises:
        ValueError: other clips or channels on one side.
    """
    if clean.shape != perturbed.shape:
        raise ValueError(
            f"{tuple(clean.shape)} clean and {tuple(perturbed.shape)} perturbed features; wanted equal shapes"
        )
    (gallery, known), (queries, asked) = (_directions(one) for one in (clean, perturbed))
    hits = []
    for start in range(0, len(queries), BLOCK):
        cosines = (queries[start : start + BLOCK] @ gallery.T).masked_fill(~known, -torch.inf)
        twins = cosines.diagonal(start)
        own = twins.clone()
        twins.fill_(-torch.inf)
        hits.append(own > cosines.amax(1) + TIE)
    return torch.cat(hits) & asked


def _directions(features: Float[Tensor, "n c"]) -> tuple[Float64[Tensor, "n c"], Bool[Tensor, "n"]]:
    """Unit vectors, and which have a direction."""
    vectors = features.double()
    length = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    return vectors / length.where(length > 0, 1.0), length[:, 0] > 0


def twin_share(
    hits: Bool[Tensor, "n"],
    groups: Int64[np.ndarray, "n"],
    multiplicities: Float64[np.ndarray, "r g"] | None,
) -> TwinShare:
    """Share of hits, with its interval over source groups.

    Args:
        hits: of each perturbed clip.
        groups: number of its source group.
        multiplicities: how often each group was drawn in each replicate; None for no interval.
    """
    right = hits.double().numpy()
    value = float(right.mean())
    if multiplicities is None:
        return TwinShare(value, None)
    number = multiplicities.shape[1]
    drawn = multiplicities @ np.bincount(groups, minlength=number)
    found = multiplicities @ np.bincount(groups, weights=right, minlength=number)
    low, high = quantiles(np.divide(found, drawn, out=np.full(len(drawn), np.nan), where=drawn > 0))
    return TwinShare(value, (float(low), float(high)))


@dataclass
class TwinSums:
    """Features of all batches, clean and under every condition: a query looks among all clips, not among those of its batch.

    Args:
        multiplicities: how often each source group was drawn in each replicate, ``r g``; None for no interval.
    """

    multiplicities: Float64[np.ndarray, "r g"] | None = None
    _features: list[list[Tensor | None]] = field(default_factory=list)
    _groups: list[np.ndarray] = field(default_factory=list)

    def add(self, features: Sequence[Float[Tensor, "n c"] | None], groups: Int64[np.ndarray, "n"]) -> None:
        """One batch.

        Args:
            features: of clean clips, then of the same clips under each condition; None where a layer has no vector per clip.
            groups: number of the source group of each clip.
        """
        self._features.append(list(features))
        self._groups.append(groups)

    def shares(self) -> list[TwinShare | None]:
        """Recall at 1 under each condition; None where features were missing."""
        whole = [_joined(batches) for batches in zip(*self._features, strict=True)]
        clean, groups = whole[0], np.concatenate(self._groups)
        return [
            None
            if clean is None or one is None
            else twin_share(twin_hits(clean, one), groups, self.multiplicities)
            for one in whole[1:]
        ]


def _joined(batches: Sequence[Tensor | None]) -> Tensor | None:
    known = [one for one in batches if one is not None]
    return torch.cat(known) if len(known) == len(batches) else None
