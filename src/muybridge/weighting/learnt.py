"""Auto-lambda and AuxiLearn: weights of auxiliary losses by what they do to the primary loss on a meta batch."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.core.networks.step import Meta
from muybridge.weighting.bilevel import Bilevel
from muybridge.weighting.combiner import Monotone
from muybridge.weighting.hyper import How


class AutoLambda(Bilevel):
    """One weight per auxiliary term, learnt through one step of descent (Liu et al., Auto-lambda, TMLR 2022, sec. 3).

    Departs: the derivative of the one step is exact (the paper takes finite differences), the weight of the primary task stays 1, and
    weights are kept at or above zero.

    Args:
        every: steps between updates; 1.
        start: first weight; 0.1.
        lr: learning rate of the weights (Adam); 1e-3 (1e-4 in the authors' code, which runs for many more steps).
        meta: ``held-out`` or ``replay``.
    """

    name = "auto-lambda"

    def __init__(
        self, every: int = 1, start: float = 0.1, lr: float = 1e-3, meta: Literal["held-out", "replay"] = "held-out"
    ) -> None:  # fmt: skip
        super().__init__(meta, every, "one-step", 1, None, 0.0, 0.0, False, 1e9)
        if start < 0:
            raise ValueError(f"auto-lambda: start={start:g}; wanted 0 or more")
        self.value, self.rate = start, lr

    def build(self, terms: int, primary: int) -> None:
        """The weights and their optimiser."""
        self.weights = nn.Parameter(torch.full((terms - primary,), self.value))
        self.optim = torch.optim.Adam([self.weights], lr=self.rate)

    def combine(self, losses: Float[Tensor, "k"]) -> Float[Tensor, ""]:
        """Primary terms plus the weighted auxiliary ones."""
        return losses[: self.leading].sum() + (self.weights * losses[self.leading :]).sum()

    @torch.no_grad()
    def project(self) -> None:
        """No weight below zero."""
        self.weights.clamp_(min=0.0)


class AuxiLearn(Bilevel):
    """Primary loss plus a monotone network of all losses, learnt by implicit differentiation (Navon et al., AuxiLearn, ICLR 2021, sec. 3).

    Args:
        kind: ``nonlinear`` (two hidden layers) or ``linear`` (a weight per term).
        every: steps between updates; 10 (30 and 50 in the paper, over far more steps).
        hypergradient: ``neumann`` (the paper's), ``identity``, ``one-step`` or ``cg``.
        terms: of the Neumann series; 3.
        eta: its step; 1e-4 in the paper, one over the largest stretch by the Hessian when not given.
        lr: learning rate of the network (SGD with momentum 0.9); 1e-3.
        clip: largest norm of the hyper-gradient; 25.
        meta: ``held-out`` or ``replay``.
        hidden: width of the hidden layers.
    """

    name = "auxilearn"

    def __init__(
        self, kind: Literal["nonlinear", "linear"] = "nonlinear", every: int = 10, hypergradient: How = "neumann", terms: int = 3,
        eta: float | None = None, lr: float = 1e-3, clip: float = 25.0,
        meta: Literal["held-out", "replay"] = "held-out", hidden: int = 10,
    ) -> None:  # fmt: skip
        batches: Meta = meta
        super().__init__(batches, every, hypergradient, terms, eta, 0.0, 0.0, False, clip)
        self.hidden, self.rate = (hidden, hidden) if kind == "nonlinear" else (), lr

    def build(self, terms: int, primary: int) -> None:
        """The network and its optimiser."""
        self.network = Monotone(terms, self.hidden)
        self.optim = torch.optim.SGD(self.network.parameters(), lr=self.rate, momentum=0.9)

    def combine(self, losses: Float[Tensor, "k"]) -> Float[Tensor, ""]:
        """Primary terms and what the network makes of all."""
        combined: Tensor = losses[: self.leading].sum() + self.network(losses)
        return combined

    def project(self) -> None:
        """Monotone again."""
        self.network.project()
