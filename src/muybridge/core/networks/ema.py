"""Momentum copies of networks (He et al., Momentum contrast, CVPR 2020, eq. 2)."""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def momentum_copy(module: M) -> M:
    """An equal network of its own that takes no gradient."""
    return deepcopy(module).requires_grad_(False)


@torch.no_grad()
def follow(copy: nn.Module, source: nn.Module, momentum: float) -> None:
    """Set the weights of a copy to ``momentum * copy + (1 - momentum) * source``.

    Buffers stay: the copy keeps its own running statistics of batch norm.
    """
    for mine, theirs in zip(copy.parameters(), source.parameters(), strict=True):
        mine.lerp_(theirs.to(mine), 1 - momentum)
