"""Constant weights."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from muybridge.core.catalogue import suggestion


class Fixed:
    """Weighted sum of the terms.

    Args:
        weights: weight per term name; terms without one count once.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self.weights = dict(weights or {})

    def __call__(self, terms: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        """One scalar to minimise.

        Raises:
            ValueError: a weight for a term that does not exist.
        """
        for name in self.weights:
            if name not in terms:
                raise ValueError(
                    f"fixed weighting: no term {name!r}.{suggestion(name, terms)} Terms: {sorted(terms)}"
                )
        return torch.stack([self.weights.get(name, 1.0) * value for name, value in terms.items()]).sum()
