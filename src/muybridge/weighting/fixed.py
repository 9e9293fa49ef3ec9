"""Constant weights."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from muybridge.core.catalogue import suggestion
from muybridge.core.networks.step import Step, Weighed, Weighting


class Fixed(Weighting):
    """Weighted sum of the terms.

    Args:
        weights: weight per term, or per task for all of its terms; terms without one have their usual weight.
        usual: usual weight of a term beside the others of its task, where it is not 1 (``Objective.term_weights``).
    """

    name, hooks = "fixed", True

    def __init__(
        self, weights: Mapping[str, float] | None = None, usual: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        self.weights, self.usual = dict(weights or {}), dict(usual or {})

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """Refuse a weight for a term that does not exist.

        Raises:
            ValueError: says the nearest one.
        """
        tasks = {name.partition(".")[0] for name in terms}
        for name in self.weights:
            if name not in terms and name not in tasks:
                raise ValueError(
                    f"fixed weighting: no term {name!r}.{suggestion(name, [*terms, *tasks])} Terms: {sorted(terms)}"
                )

    def weight(self, name: str) -> float:
        """Weight of a term: the one given, else that of its task (1 where none was given) times its usual one."""
        task = self.weights.get(name.partition(".")[0], 1.0)
        return self.weights.get(name, task * self.usual.get(name, 1.0))

    def forward(self, terms: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        """One scalar to minimise.

        Raises:
            ValueError: a weight for a term that does not exist.
        """
        self.prepare(list(terms), [])
        return torch.stack([self.weight(name) * value for name, value in terms.items()]).sum()

    def backward(self, step: Step) -> Weighed:
        """One backward pass of the weighted sum."""
        loss = self(step.terms)
        loss.backward()
        return Weighed(loss, {name: self.weight(name) for name in step.terms})
