"""Rows of all processes in one tensor, with a gradient."""

from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch import distributed as dist


def gather(rows: Shaped[Tensor, "b *shape"]) -> Shaped[Tensor, "n *shape"]:
    """Concatenate the rows of every process, in the order of their ranks; the tensor itself without a group.

    Processes may have different numbers of rows. The gradient that comes back is summed over the processes and each takes that of its
    own rows, so that averaged weight gradients (DDP) are those of one process with all rows.
    """
    if processes() == 1:
        return rows
    apply: Any = _Gather.apply  # typed in some releases of torch and not in others
    gathered: Tensor = apply(rows, counts(len(rows)))
    return gathered


def processes() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, 0 without a group."""
    return dist.get_rank() if dist.is_initialized() else 0


def counts(rows: int) -> list[int]:
    """How many rows each process has, in the order of their ranks; every process says its own number."""
    if processes() == 1:
        return [rows]
    own = torch.tensor([rows], device="cuda" if dist.get_backend() == "nccl" else "cpu")
    every = [torch.empty_like(own) for _ in range(processes())]
    dist.all_gather(every, own)
    return [int(one) for one in every]


def offset(rows: int) -> int:
    """Where this process's ``rows`` begin in what ``gather`` gives."""
    return sum(counts(rows)[: rank()])


def wide(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """In float32, or wider where it is: the format in which means and similarities are taken."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, sizes: list[int]) -> Tensor:
        ctx.sizes = sizes
        padded = rows.new_zeros(max(sizes), *rows.shape[1:])  # gloo wants equal shapes
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        whole = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(whole)
        first = sum(ctx.sizes[: rank()])
        return whole[first : first + ctx.sizes[rank()]], None
