"""Layers whose output for a clip depends on its batch: over the batches of all processes they give what one process would.

Batch norm takes its statistics over all processes, dropout draws for the whole batch and keeps its own rows. torch's ``SyncBatchNorm``
does the first on GPUs, and only there; ``GlobalNorm`` does it elsewhere.
"""

from typing import Any

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional as F

from muybridge.core.networks.gather import counts, processes, rank, wide

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def synchronise(module: nn.Module) -> nn.Module:
    """Let batch norm and dropout below a module span all processes, in place; whoever holds a part of it sees that.

    Other layers that draw numbers or look at the batch (stochastic depth, ``nn.Dropout2d``, dropout inside attention) stay as they are.
    """
    gpu = any(weight.is_cuda for weight in module.parameters())
    for part in module.modules():
        if type(part) is nn.Dropout:
            part.__class__ = GlobalDropout
        elif type(part) in NORMS and gpu:
            part.__class__ = nn.SyncBatchNorm
            part.process_group = None  # type: ignore[assignment]  # all processes
        elif type(part) in NORMS:
            part.__class__ = GlobalNorm
    return module


class GlobalDropout(nn.Dropout):
    """Dropout by the place of a row in the batch of all processes; their random generators must be in the same state."""

    def forward(self, rows: Float[Tensor, "b *shape"]) -> Float[Tensor, "b *shape"]:
        """Drop what one process with all rows would drop."""
        if not self.training:
            return rows
        sizes = counts(len(rows))
        everything = F.dropout(rows.new_ones(sum(sizes), *rows.shape[1:]), self.p)
        first = sum(sizes[: rank()])
        return rows * everything[first : first + len(rows)]


class GlobalNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over the rows of all processes (Ioffe and Szegedy, ICML 2015, algorithm 1); plain batch norm in evaluation.

    Processes may have different numbers of rows. Their means and variances are joined in float64 in the order of their ranks (Chan et
    al., Updating formulae and a pairwise algorithm for computing sample variances, 1979, eq. 2.1), so that all have the same bits.
    """

    def _check_input_dim(self, x: Tensor) -> None:
        if x.ndim < 2:
            raise ValueError(f"batch norm: {x.ndim} dimensions; wanted 2 or more")

    def forward(self, x: Float[Tensor, "b c *shape"]) -> Float[Tensor, "b c *shape"]:
        """Normalise, and let the running statistics follow.

        Raises:
            ValueError: one value per channel over all processes.
        """
        if not self.training:
            normal: Tensor = super().forward(x)
            return normal
        mean, variance, total = moments(x)
        if total < 2:
            raise ValueError("batch norm: one value per channel over all processes; wanted 2 or more")
        if self.running_mean is not None and self.running_var is not None:
            self._follow(mean, variance * total / (total - 1))
        apply: Any = _Normalise.apply
        made: Tensor = apply(x, self.weight, self.bias, mean, variance, total, self.eps)
        return made

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        for running, value in ((self.running_mean, mean), (self.running_var, variance)):
            assert running is not None
            running.mul_(1 - share).add_(value, alpha=share)


@torch.no_grad()
def moments(x: Float[Tensor, "b c *shape"]) -> tuple[Float32[Tensor, "c"], Float32[Tensor, "c"], int]:
    """Mean and biased variance of each channel over all processes, and the number of values behind them."""
    variance, mean = torch.var_mean(wide(x), _others(x), correction=0)
    own = torch.stack([torch.full_like(mean, x.numel() // x.shape[1]), mean, variance]).double()
    every = [torch.empty_like(own) for _ in range(processes())]
    if processes() > 1:
        dist.all_gather(every, own)
    else:
        every = [own]
    numbers, means, variances = torch.stack(every, 1)
    total = numbers.sum(0)
    mean = (numbers * means).sum(0) / total
    variance = (numbers * (variances + (means - mean).square())).sum(0) / total
    return mean.to(wide(x)), variance.to(wide(x)), int(total[0])


class _Normalise(torch.autograd.Function):
    """``(x - mean) / sqrt(variance + eps) * weight + bias``, where mean and variance depend on the rows of all processes."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor, total: int, eps: float
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt())
        ctx.total = total
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        shape = (1, -1, *[1] * (x.ndim - 2))
        slope, centred = wide(gradients[0]), wide(x) - mean.view(shape)
        own = torch.stack([slope.sum(_others(x)), (slope * centred).sum(_others(x))])
        sums = own.clone()
        if processes() > 1:
            dist.all_reduce(sums)
        shift, tilt = sums / ctx.total
        back = slope - shift.view(shape) - centred * (tilt * scale**2).view(shape)
        back *= (scale if weight is None else scale * weight).view(shape)
        towards = (None, None) if weight is None else (own[1] * scale, own[0])
        return back.to(x.dtype), *towards, None, None, None, None


def _others(x: Tensor) -> list[int]:
    """All dimensions but that of the channels."""
    return [0, *range(2, x.ndim)]
