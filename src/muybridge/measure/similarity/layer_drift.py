"""How much of what a layer tells of clips is left when the clips are perturbed: CKA of its clean with its perturbed features.

1 means that distances between clips stayed as they were, up to scale; a shift that is the same for all clips costs nothing. It says
nothing of accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from muybridge.core.seeding import rng
from muybridge.measure.similarity.cka import Grams, permuted, unbiased_rows
from muybridge.measure.similarity.cka_weighted import Weighted
from muybridge.measure.similarity.layer_similarity import LayerMap, quantiles


@dataclass
class DriftSums:
    """What batches add up to, for every condition and layer, each counting as much as it has clips.

    Args:
        multiplicities: how often each source group was drawn in each replicate, ``r g``; None for no interval.
        permutations: pairings behind the null band.
        seed: names the permutations.
    """

    multiplicities: Float64[np.ndarray, "r g"] | None = None
    permutations: int = 200
    seed: int = 0
    batches: int = 0
    _sums: dict[str, Tensor] = field(default_factory=dict)

    def add(self, clean: Grams, perturbed: Sequence[Grams], groups: Int64[np.ndarray, "n"]) -> None:
        """One batch: Gram matrices of all layers on clean clips, and on the same clips under each condition."""
        n = clean.shape[-1]
        stream = rng(self.seed, "null", self.batches)
        orders = torch.from_numpy(stream.permuted(np.tile(np.arange(n), (self.permutations, 1)), axis=1))
        rows = unbiased_rows(clean) * n**0.5
        others = [unbiased_rows(one) * n**0.5 for one in perturbed]
        self._more("own", rows.square().sum((1, 2)))
        self._more("other", torch.stack([one.square().sum((1, 2)) for one in others]))
        self._more("between", torch.stack([(rows * one).sum((1, 2)) for one in others]))
        found = [(permuted(one, orders) * rows).sum((2, 3)) for one in others]
        self._more("null", torch.stack(found, dim=1))
        if self.multiplicities is not None:
            weighted = Weighted(torch.from_numpy(self.multiplicities[:, groups]))
            kept = weighted.rows(clean)
            self._more("redrawn own", n * weighted.alike(kept, kept)[:, None])
            moved = [weighted.rows(one) for one in perturbed]
            self._more("redrawn other", n * torch.stack([weighted.alike(one, one) for one in moved], dim=1))
            self._more(
                "redrawn between", n * torch.stack([weighted.alike(kept, one) for one in moved], dim=1)
            )
        self.batches += 1

    def map(self) -> LayerMap:
        """CKA by condition and layer."""
        value, null = (self._divided("", what) for what in ("between", "null"))
        interval = None
        if self.multiplicities is not None:
            interval = quantiles(self._divided("redrawn ", "redrawn between").numpy())
        return LayerMap(value.numpy(), quantiles(null.numpy()), interval)

    def _divided(self, kind: str, what: str) -> Tensor:
        size = self._sums[f"{kind}own"] * self._sums[f"{kind}other"]
        nan = torch.tensor(torch.nan, dtype=torch.float64)
        return self._sums[what] / size.where(size > 0, nan).sqrt()

    def _more(self, name: str, values: Tensor) -> None:
        self._sums[name] = self._sums[name] + values if name in self._sums else values
