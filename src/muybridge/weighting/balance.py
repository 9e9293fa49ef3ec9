"""Weightings by the gradients of the terms on the shared weights: GradNorm and the gate of Du et al."""

from collections.abc import Sequence

import torch
from torch import Tensor

from muybridge.core.errors import UsageError
from muybridge.core.networks.step import Row, Step, Weighed, Weighting, inner, weighted


def refuse_one(name: str, terms: Sequence[str]) -> None:
    """Refuse a single term, which has nothing to be balanced with.

    Raises:
        UsageError: says the way out.
    """
    if len(terms) < 2:
        raise UsageError(
            f"--weighting {name}: one term ({terms[0]}) has nothing to be balanced with. Name tasks with --auxiliary, or use"
            " --weighting fixed."
        )


def shared_part(step: Step, row: Row) -> Row:
    """A gradient on the weights of the backbone alone."""
    return row[: len(step.shared)]


def joined(step: Step, shared: Row, rows: Sequence[Row]) -> Row:
    """A gradient on the backbone beside the sum of the terms' gradients on their heads."""
    return [*shared, *weighted(rows, [1.0] * len(rows))[len(step.shared) :]]


class GradNorm(Weighting):
    """Weights that give all terms gradients of like norm, more to those that fall slowly (Chen et al., ICML 2018, algorithm 1).

    The norm is over all shared weights, where the paper takes the last shared layer: the gradients are there anyway.

    Args:
        alpha: how strongly slow terms are pulled; 1.5.
        lr: learning rate of the weights (Adam); 0.025.
    """

    name = "gradnorm"
    begun: Tensor

    def __init__(self, alpha: float = 1.5, lr: float = 0.025) -> None:
        super().__init__()
        self.alpha, self.rate = alpha, lr

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """One weight per term.

        Raises:
            UsageError: one term.
        """
        refuse_one(self.name, terms)
        self.weights = torch.nn.Parameter(torch.ones(len(terms)))
        self.register_buffer("begun", torch.zeros(len(terms)))
        self.optim = torch.optim.Adam([self.weights], lr=self.rate)

    def backward(self, step: Step) -> Weighed:
        """The weighted gradient; then the weights move towards equal training rates and keep their sum."""
        losses = step.stacked().detach()
        if step.number == 0:
            self.begun.copy_(losses)
        rows, used = step.rows(), self.weights.detach().clone()
        step.put(weighted(rows, used))
        norms = torch.stack([inner(part, part).sqrt() for part in (shared_part(step, row) for row in rows)])
        norms = norms.to(used)
        rates = losses / self.begun.clamp(min=1e-8)
        pull = (rates / rates.mean()) ** self.alpha
        target = (used * norms).mean() * pull
        self.weights.grad = torch.sign(used * norms - target) * norms
        assert self.optim is not None
        self.optim.step()
        with torch.no_grad():
            self.weights.clamp_(min=1e-4)
            self.weights.mul_(len(used) / self.weights.sum())
        loss = (used * losses).sum()
        return Weighed(loss, dict(zip(step.terms, used.tolist(), strict=True)))


class CosineGate(Weighting):
    """An auxiliary gradient counts on the shared weights where it does not oppose the primary one (Du et al., arXiv 1812.02224, sec. 3).

    Heads always learn their own terms, as in the paper.

    Args:
        graded: weigh by the cosine instead of letting pass whole (the paper's weighted version).
    """

    name = "cosine-gate"

    def __init__(self, graded: bool = False) -> None:
        super().__init__()
        self.graded = graded

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """Refuse a primary task alone.

        Raises:
            UsageError: says the way out.
        """
        refuse_one(self.name, terms)
        if len(terms) == len(primary):
            raise UsageError(f"--weighting {self.name}: no auxiliary term. Name tasks with --auxiliary.")

    def backward(self, step: Step) -> Weighed:
        """Gate every auxiliary gradient."""
        rows, leading = step.rows(), len(step.primary)
        parts = [shared_part(step, row) for row in rows]
        main = weighted(parts[:leading], [1.0] * leading)
        size = inner(main, main).sqrt()
        weights = [1.0] * leading
        for part in parts[leading:]:
            cosine = float(inner(main, part) / (size * inner(part, part).sqrt()).clamp(min=1e-30))
            weights.append(max(cosine, 0.0) if self.graded else float(cosine >= 0))
        step.put(joined(step, weighted(parts, weights), rows))
        loss = step.stacked().detach().sum()
        return Weighed(loss, dict(zip(step.terms, weights, strict=True)))
