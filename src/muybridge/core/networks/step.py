"""One training step as a weighting sees it, and what every weighting is.

A weighting owns the way from named loss terms to the gradients that the optimiser takes: it may sum the terms, balance their gradients, or
learn their weights on batches that were kept out of training.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch import distributed as dist

from muybridge.core.networks.gather import processes

Row = list[Tensor | None]
"""A gradient, one tensor per parameter; None where a parameter has no part in it."""
Meta = Literal["", "held-out", "replay"]
"""Where the batches come from on which weights are learnt: nowhere, from videos held out of training, from recent training batches."""


@dataclass(frozen=True)
class Step:
    """What a weighting may use of one optimiser step. All gradients are means over the batch of all processes.

    Attributes:
        number: of the step, from 0.
        lr: learning rate of the step.
        terms: named scalars with a graph; means over all processes, the same bits on each.
        primary: names of the terms of the primary task, which come first; the others are auxiliary.
        shared: parameters of the backbone.
        private: parameters of heads and decoders.
        meta: sum of the primary terms on the meta batch of this step at the present weights, with a graph; no running statistic moves.
        again: the terms of this batch at the present weights, without a graph.
        per_epoch: steps of a pass over the training videos, not rounded.
        monitors: named scalars that are watched, means over all processes, without a graph.
        answer: bias of the layer whose scores the primary task is judged by, where it has one: the gradient of a term there is the sum over
            the clips of its gradients at their scores.
    """

    number: int
    lr: float
    terms: Mapping[str, Float[Tensor, ""]]
    primary: tuple[str, ...]
    shared: Sequence[nn.Parameter]
    private: Sequence[nn.Parameter]
    meta: Callable[[], Float[Tensor, ""]]
    again: Callable[[], Mapping[str, Float[Tensor, ""]]]
    per_epoch: float = 1.0
    monitors: Mapping[str, Float[Tensor, ""]] = field(default_factory=dict)
    answer: nn.Parameter | None = None

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Shared, then private ones."""
        return [*self.shared, *self.private]

    def stacked(self) -> Float[Tensor, "k"]:
        """All terms, in their order."""
        return torch.stack(list(self.terms.values()))

    def gradient(self, value: Float[Tensor, ""], keep: bool = False) -> Row:
        """Gradient of a scalar on all parameters; ``keep`` leaves its graph for another one."""
        found = torch.autograd.grad(value, self.parameters, retain_graph=keep, allow_unused=True)
        return mean_over_processes(list(found))

    def rows(self, keep: bool = False) -> list[Row]:
        """Gradient of every term on all parameters, one backward pass each; ``keep`` leaves the graph."""
        values = list(self.terms.values())
        return [self.gradient(value, keep or place + 1 < len(values)) for place, value in enumerate(values)]

    def descend(self, value: Float[Tensor, ""]) -> None:
        """Leave the gradient of a scalar in the parameters."""
        self.put(self.gradient(value))

    def put(self, row: Row) -> None:
        """Leave a gradient in the parameters."""
        for parameter, value in zip(self.parameters, row, strict=True):
            parameter.grad = value


@dataclass(frozen=True)
class Weighed:
    """What a weighting made of a step.

    Attributes:
        loss: the scalar that was descended, for the training curve.
        weights: effective weight of every term: its derivative in that scalar, or the aggregator's weight of its gradient.
    """

    loss: Tensor
    weights: Mapping[str, float | Tensor]


class Weighting(nn.Module):
    """From named terms to gradients. What it learns are parameters and buffers, equal on all processes, part of the saved state.

    Attributes:
        name: as listed.
        hooks: whether it calls ``backward`` once, on one scalar, so that gradients may be averaged over processes on the way (DDP);
            the others average themselves.
        meta: where its meta batches come from.
        every: steps between meta steps, 0 where there are none.
        looks: forward passes of the whole batch beside the step's own, for the account of what a step costs.
        twice: whether it differentiates the network's gradient: attention needs the maths kernel then, and one process.
        optim: optimiser of its own parameters.
    """

    name: str = ""
    hooks: bool = False
    meta: Meta = ""
    every: int = 0
    looks: int = 0
    twice: bool = False
    optim: torch.optim.Optimizer | None = None

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """Called once before training with the names of all terms, in their order: build what depends on them, refuse what cannot be.

        Raises:
            UsageError: says the way out.
        """

    def is_meta(self, number: int) -> bool:
        """Whether a step learns weights on a meta batch: every ``every``-th one does."""
        return self.every > 0 and (number + 1) % self.every == 0

    def forward_pass(self, number: int) -> AbstractContextManager[object]:
        """Context of the forward pass of a step."""
        return nullcontext()

    def backward(self, step: Step) -> Weighed:
        """Leave the gradient of the step in ``step.parameters``."""
        raise NotImplementedError

    def after_step(self, step: Step) -> None:
        """Called when the optimiser has moved the parameters."""

    def words(self) -> list[str]:
        """What is to be said about a finished training."""
        return []

    def snapshot(self) -> dict[str, object]:
        """What a saved state keeps, as plain data and tensors; empty if it has learnt nothing."""
        own = self.optim.state_dict() if self.optim else None
        kept = {"module": self.state_dict(), "optim": own}
        return {"name": self.name, **kept} if kept["module"] else {}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take it from a saved state.

        Raises:
            ValueError: it is that of another weighting.
        """
        if kept.get("name", "fixed") != (self.name if self.snapshot() else "fixed"):
            raise ValueError(f"it is of the weighting {kept.get('name', 'fixed')}, this one is {self.name}")
        if kept:
            self.load_state_dict(kept["module"])
            if self.optim:
                self.optim.load_state_dict(kept["optim"])


def mean_over_processes(row: Row) -> Row:
    """Average a gradient over the processes; every process gets the same bits."""
    if processes() > 1:
        for place, value in enumerate(row):  # parameters unused in one process are unused in all
            if value is not None:
                whole = value.contiguous()
                dist.all_reduce(whole)
                row[place] = whole / processes()
    return row


def weighted(rows: Sequence[Row], weights: Sequence[float] | Tensor) -> Row:
    """Sum of gradients, each times its weight."""
    total: Row = [None] * len(rows[0])
    for row, weight in zip(rows, weights, strict=True):
        for place, value in enumerate(row):
            if value is not None:
                part = value * weight
                before = total[place]
                total[place] = part if before is None else before + part
    return total


def inner(one: Row, other: Row) -> Tensor:
    """Inner product of two gradients; float64, so that it hangs little on the order of sums."""
    found = [
        (a.double() * b.double()).sum()
        for a, b in zip(one, other, strict=True)
        if a is not None and b is not None
    ]
    return torch.stack(found).sum() if found else torch.zeros((), dtype=torch.float64)
