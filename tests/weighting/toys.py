"""Small problems in float64 whose every derivative can be taken by hand or by differences."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.core.networks.step import Step, Weighting

NAMES = ("main.main", "a.a", "b.b", "c.c", "d.d")


class ConvNet(nn.Module):
    """A conv3d backbone with batch norm and five heads; losses of one batch and the primary loss of another."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.backbone = nn.Sequential(
            nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4, track_running_stats=False), nn.GELU()
        )
        self.heads = nn.ModuleList(nn.Linear(4, 3) for _ in NAMES)
        self.double()
        self.clips = torch.randn(2, len(NAMES), 4, 2, 4, 5, 5, dtype=torch.float64)
        self.targets = torch.randint(3, (2, len(NAMES), 4))

    def loss(self, batch: int, task: int) -> Tensor:
        pooled = self.backbone(self.clips[batch, task]).mean((2, 3, 4))
        return F.cross_entropy(self.heads[task](pooled), self.targets[batch, task])

    def terms(self) -> dict[str, Tensor]:
        return {name: self.loss(0, task) for task, name in enumerate(NAMES)}

    def meta(self) -> Tensor:
        return self.loss(1, 0)


def step_of(net: Any, number: int = 0, lr: float = 0.1, terms: dict[str, Tensor] | None = None) -> Step:
    """A step on a network of this file."""
    values = terms or net.terms()
    return Step(
        number, lr, values, tuple(list(values)[:1]), list(net.backbone.parameters()), list(net.heads.parameters()), net.meta, net.terms
    )  # fmt: skip


class Quadratics(nn.Module):
    """Terms 0.5 (w - c_t)' A_t (w - c_t) with A_t >= 0 that share the eigenvectors and whose sum has a given condition number."""

    def __init__(self, kappa: float, seed: int, size: int = 5, terms: int = 3) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        turn, _ = torch.linalg.qr(torch.randn(size, size, generator=rng, dtype=torch.float64))
        share = torch.rand(terms, size, generator=rng, dtype=torch.float64) + 0.1
        scale = torch.linspace(1, kappa, size, dtype=torch.float64) * share / share.sum(0)
        self.curves = turn @ torch.diag_embed(scale) @ turn.T
        self.centres = torch.randn(terms, size, generator=rng, dtype=torch.float64)
        self.aim = torch.randn(size, generator=rng, dtype=torch.float64)
        self.backbone = nn.ParameterList([torch.zeros(size, dtype=torch.float64)])
        self.heads = nn.ParameterList([])

    def terms(self) -> dict[str, Tensor]:
        apart = self.backbone[0] - self.centres
        found = 0.5 * torch.einsum("td,tde,te->t", apart, self.curves, apart)
        return dict(zip(NAMES, found.unbind(), strict=False))

    def meta(self) -> Tensor:
        return 0.5 * (self.backbone[0] - self.aim).square().sum()

    def solve(self, weights: Tensor) -> None:
        """Put the weights where the weighted sum of the terms is least."""
        hessian = torch.einsum("t,tde->de", weights, self.curves)
        right = torch.einsum("t,tde,te->d", weights, self.curves, self.centres)
        self.backbone[0].data.copy_(torch.linalg.solve(hessian, right))


def prepared(weighting: Weighting, terms: Sequence[str] = NAMES, seed: int = 0) -> Weighting:
    """A weighting for these terms, the first of the primary task, in float64."""
    torch.manual_seed(seed)
    weighting.prepare(list(terms), list(terms)[:1])
    return weighting.double()


def central(
    function: Callable[[], float],
    parameters: Sequence[Tensor],
    directions: Sequence[Sequence[Tensor]],
    by: float,
) -> Tensor:
    """Derivatives of a function of the parameters along directions, by central differences."""
    found = []
    for direction in directions:
        sides = []
        for sign in (1, -1):
            for parameter, part in zip(parameters, direction, strict=True):
                parameter.data.add_(part, alpha=sign * by)
            sides.append(function())
            for parameter, part in zip(parameters, direction, strict=True):
                parameter.data.sub_(part, alpha=sign * by)
        found.append((sides[0] - sides[1]) / (2 * by))
    return torch.tensor(found, dtype=torch.float64)
