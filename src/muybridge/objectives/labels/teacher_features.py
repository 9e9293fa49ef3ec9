"""Features of teachers as targets: a projector for each, which is thrown away with the training."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.core.networks.gather import gather

SMALLEST = 1e-5
"""Added to a variance before it divides."""


class Standard(nn.Module):
    """Brings features to mean 0 and variance 1 by all that came so far, those of this batch and of all processes among them.

    Args:
        dim: of a feature.
    """

    count: Tensor
    mean: Tensor
    apart: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        for name, value in (
            ("count", torch.zeros(())),
            ("mean", torch.zeros(dim)),
            ("apart", torch.zeros(dim)),
        ):
            self.register_buffer(name, value.double())

    @torch.no_grad()
    def forward(self, rows: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """Take the rows in (Chan et al., The American Statistician 37(3), 1983), then standardise them."""
        if self.training:
            every = gather(rows).double()
            own = every.mean(0)
            total = self.count + len(every)
            shift = own - self.mean
            self.apart += ((every - own) ** 2).sum(0) + shift**2 * self.count * len(every) / total
            self.mean += shift * len(every) / total
            self.count.copy_(total)
        variance = self.apart / self.count.clamp(min=1)
        return ((rows - self.mean) / (variance + SMALLEST).sqrt()).to(rows.dtype)


class FeatureTargets(nn.Module):
    """Mean squared distance of the student's projected feature from that of each teacher; gradients reach student and projectors alone.

    Args:
        dim: length of the student's feature.
        dims: of each teacher's.
        standardised: whether each teacher's features are standardised first.
    """

    def __init__(self, dim: int, dims: Sequence[int], standardised: bool) -> None:
        super().__init__()
        self.dims = tuple(dims)
        self.projectors = nn.ModuleList(nn.Linear(dim, one) for one in dims)
        self.standards = nn.ModuleList(Standard(one) if standardised else nn.Identity() for one in dims)

    def forward(self, pooled: Float[Tensor, "b d"], theirs: Float[Tensor, "b n"]) -> list[Float[Tensor, ""]]:
        """The loss of each teacher; ``theirs`` are their features side by side."""
        parts = torch.split(theirs.detach().float(), list(self.dims), dim=1)
        return [
            F.mse_loss(project(pooled.float()), standard(part))
            for project, standard, part in zip(self.projectors, self.standards, parts, strict=True)
        ]
