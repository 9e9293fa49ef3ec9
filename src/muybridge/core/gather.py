"""Rows of all processes in one tensor, with a gradient."""

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist


def gather(rows: Tensor) -> Tensor:
    """Concatenate the equally many rows of every process, in the order of their ranks; the tensor itself without a group.

    The gradient that comes back is summed over the processes and each takes that of its own rows, so that averaged weight gradients
    (DDP) are those of one process with all rows.
    """
    if processes() == 1:
        return rows
    apply: Any = _Gather.apply  # typed in some releases of torch and not in others
    gathered: Tensor = apply(rows)
    return gathered


def processes() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def offset(rows: int) -> int:
    """Where this process's ``rows`` begin in what ``gather`` gives."""
    return rows * dist.get_rank() if dist.is_initialized() else 0


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        whole = gradients[0].contiguous()
        dist.all_reduce(whole)
        return whole.chunk(dist.get_world_size())[dist.get_rank()]
