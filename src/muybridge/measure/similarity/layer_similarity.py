"""Maps of similarity between the layers of two networks, from Gram matrices that come batch by batch.

``cka`` is without bias and raw; ``cka-biased``, ``procrustes`` and ``mutual-knn`` are means of what each batch says, and high for
independent features where clips are few: compare them with their null band. The band is of permuted pairings: the clips of one network in
another order within their batches, so that nothing but the pairing differs. Intervals of ``cka`` redraw source groups of videos.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from muybridge.core.seeding import rng
from muybridge.measure.similarity.cka import Grams, biased_rows, permuted, products, ratio, unbiased_rows
from muybridge.measure.similarity.cka_weighted import Weighted

Others = Float64[Tensor, "l2 n n"]
"""Gram matrices of the other network, which may have another number of layers."""
Measure = Literal["cka", "cka-biased", "procrustes", "mutual-knn"]
MEASURES: tuple[Measure, ...] = ("cka", "cka-biased", "procrustes", "mutual-knn")
BAND = (0.025, 0.975)
"""Quantiles of null bands and intervals."""
NEAREST = 5
"""Neighbours of a clip among the others of its batch, at most a third of them."""
FEW = 20
"""Permutations of ``procrustes``, whose singular values cost a thousand times an inner product; its band is that of a normal law."""
NORMAL = 1.959964


@dataclass(frozen=True)
class LayerMap:
    """One measure for every pair of layers.

    Attributes:
        value: raw; NaN where a layer puts out the same for all clips.
        null: 2.5 and 97.5 % quantiles over permuted pairings.
        interval: those over redrawn groups of videos; None where there is none.
    """

    value: Float64[np.ndarray, "l l2"]
    null: tuple[Float64[np.ndarray, "l l2"], Float64[np.ndarray, "l l2"]]
    interval: tuple[Float64[np.ndarray, "l l2"], Float64[np.ndarray, "l l2"]] | None = None

    def arrays(self) -> dict[str, Float64[np.ndarray, "l l2"]]:
        """Everything by name, as ``runs.contents.layer_maps`` keeps it."""
        found = {"value": self.value, "null_low": self.null[0], "null_high": self.null[1]}
        if self.interval is not None:
            found |= {"low": self.interval[0], "high": self.interval[1]}
        return found


def neighbour_rows(grams: Grams) -> Grams:
    """Which clips are the k nearest of each, as rows of which the inner product is the mean share of neighbours in common.

    Mutual k nearest neighbours (Huh et al., The platonic representation hypothesis, ICML 2024, sec. 2), by Euclidean distance, within a
    batch; k is ``NEAREST``, or a third of the other clips if that is less.
    """
    n = grams.shape[-1]
    k = max(1, min(NEAREST, (n - 1) // 3))
    lengths = grams.diagonal(dim1=1, dim2=2)
    distance = lengths[:, :, None] + lengths[:, None, :] - 2 * grams
    distance.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    found = torch.zeros_like(grams)
    found.scatter_(2, distance.topk(k, largest=False).indices, 1.0)
    rows: Tensor = found / (n * k) ** 0.5
    return rows


def roots(grams: Grams) -> Grams:
    """Square roots of centred Gram matrices of trace one; NaN where there is no spread."""
    centred = biased_rows(grams)
    trace = centred.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
    whole = trace > 0
    values, vectors = torch.linalg.eigh((centred / trace).where(whole, torch.zeros_like(centred)))
    root = (vectors * values.clamp(min=0).sqrt()[:, None, :]) @ vectors.transpose(1, 2)
    found: Tensor = root.where(whole, torch.full_like(root, torch.nan))
    return found


def procrustes(a: Grams, b: Others) -> Float64[Tensor, "l l2"]:
    """Cosine of the angular Procrustes distance of all pairs (Williams et al., NeurIPS 2021, eq. 5), from ``roots``: 1 for equal shapes.

    The sum of the singular values of X'Y, divided by the norms of X and Y, is the sum of those of the product of the roots.
    """
    clean = [rows.nan_to_num() for rows in (a, b)]
    found = torch.linalg.svdvals(clean[0][:, None] @ clean[1][None]).sum(2)
    empty = a[:, 0, 0].isnan()[:, None] | b[:, 0, 0].isnan()[None]
    known: Tensor = found.masked_fill(empty, torch.nan)
    return known


@dataclass
class LayerSums:
    """What batches add up to, each counting as much as it has clips: a rest of four says little.

    Args:
        measures: which of ``MEASURES``.
        multiplicities: how often each source group was drawn in each replicate, ``r g``; None for no interval.
        permutations: pairings behind the null band.
        seed: names the permutations.
    """

    measures: Sequence[Measure]
    multiplicities: Float64[np.ndarray, "r g"] | None = None
    permutations: int = 200
    seed: int = 0
    batches: int = 0
    clips: int = 0
    _sums: dict[str, Tensor] = field(default_factory=dict)

    def add(self, a: Grams, b: Others, groups: Int64[np.ndarray, "n"]) -> None:
        """One batch.

        Args:
            a: Gram matrices of the layers of one network.
            b: those of another, on the same clips.
            groups: number of the source group of each clip.
        """
        n = a.shape[-1]
        self.clips += n
        stream = rng(self.seed, "null", self.batches)
        orders = torch.from_numpy(stream.permuted(np.tile(np.arange(n), (self.permutations, 1)), axis=1))
        for name in self.measures:
            if name == "procrustes":
                self._add_procrustes(roots(a), roots(b), orders[:FEW])
            else:
                make = {"cka": unbiased_rows, "cka-biased": biased_rows, "mutual-knn": neighbour_rows}[name]
                self._add_rows(name, make(a), make(b), orders)
        if "cka" in self.measures and self.multiplicities is not None:
            self._add_redrawn(a, b, torch.from_numpy(self.multiplicities[:, groups]))
        self.batches += 1

    def maps(self) -> dict[str, LayerMap]:
        """The maps of all batches so far."""
        found: dict[str, LayerMap] = {}
        redrawn = self.redrawn()
        for name in self.measures:
            if name in ("cka", "cka-biased"):
                selves = self._sums[f"{name} a"], self._sums[f"{name} b"]
                value, null = (ratio(self._sums[f"{name} {what}"], *selves) for what in ("ab", "null"))
            else:
                value, null = (self._sums[f"{name} {what}"] / self.clips for what in ("ab", "null"))
            band = _normal(null.numpy()) if name == "procrustes" else quantiles(null.numpy())
            interval = None if name != "cka" or redrawn is None else quantiles(redrawn)
            found[name] = LayerMap(value.numpy(), band, interval)
        return found

    def redrawn(self) -> Float64[np.ndarray, "r l l2"] | None:
        """The map of ``cka`` in every replicate; None where no groups are redrawn."""
        if "redrawn ab" not in self._sums:
            return None
        return ratio(*(self._sums[f"redrawn {what}"] for what in ("ab", "a", "b"))).numpy()

    def _add_rows(self, name: str, a: Grams, b: Others, orders: Int64[Tensor, "p n"]) -> None:
        n = a.shape[-1]
        a, b = a * n**0.5, b * n**0.5
        self._more(f"{name} ab", products(a, b))
        self._more(f"{name} null", products(a, permuted(b, orders)))
        self._more(f"{name} a", a.square().sum((1, 2)))
        self._more(f"{name} b", b.square().sum((1, 2)))

    def _add_procrustes(self, a: Grams, b: Others, orders: Int64[Tensor, "p n"]) -> None:
        n = a.shape[-1]
        self._more("procrustes ab", n * procrustes(a, b))
        self._more("procrustes null", n * torch.stack([procrustes(a, one) for one in permuted(b, orders)]))

    def _add_redrawn(self, a: Grams, b: Others, weights: Float64[Tensor, "r n"]) -> None:
        weighted = Weighted(weights)
        rows = weighted.rows(a)
        other = rows if a is b else weighted.rows(b)
        n = a.shape[-1]
        self._more("redrawn ab", n * weighted.products(rows, other))
        self._more("redrawn a", n * weighted.alike(rows, rows))
        self._more("redrawn b", n * weighted.alike(other, other))

    def _more(self, name: str, values: Tensor) -> None:
        self._sums[name] = self._sums[name] + values if name in self._sums else values


def quantiles(values: Float64[np.ndarray, "r *l"]) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the middle 95 %; NaN where some are NaN."""
    low, high = np.quantile(values, BAND, axis=0)
    return low, high


def _normal(values: Float64[np.ndarray, "r *l"]) -> tuple[np.ndarray, np.ndarray]:
    mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    return mean - NORMAL * spread, mean + NORMAL * spread
