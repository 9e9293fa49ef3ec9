"""Optimisers and the learning-rate schedule."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import nn

Name = Literal["adamw", "sgd"]
Schedule: TypeAlias = Callable[[int, int, float], float]
"""``schedule(step, steps, warmup)``: factor on the highest learning rate, 0 to 1."""


def optimiser(
    module: nn.Module, name: Name, lr: float, weight_decay: float, momentum: float = 0.9
) -> torch.optim.Optimizer:
    """AdamW or SGD with momentum; biases and norms (1-d parameters) are not decayed.

    All tensors at once (``foreach``): the bits of one after the other, in less time. torch's fused AdamW takes half of
    that and rounds otherwise.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=lr, foreach=True)
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, foreach=True)


def cosine(step: int, steps: int, warmup: float) -> float:
    """Factor on the learning rate: linear from 0 to 1 over the first ``warmup`` share of the steps, half a cosine to 0 after it.

    Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5 without restarts.
    """
    ramp = max(1, round(warmup * steps))
    if step < ramp:
        return (step + 1) / ramp
    return 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(1, steps - ramp)))


def stepped(step: int, steps: int, warmup: float, decays: Sequence[float] = (), factor: float = 0.1) -> float:
    """Factor on the learning rate: the warm-up of ``cosine``, then constant, times ``factor`` at every decay.

    Args:
        step: which step, from 0.
        steps: how many in all.
        warmup: share of the steps with a rising learning rate.
        decays: where the learning rate falls, as shares of the steps; nowhere when not given.
        factor: what it is multiplied by there.
    """
    ramp = max(1, round(warmup * steps))
    if step < ramp:
        return (step + 1) / ramp
    return factor ** sum(step >= round(share * steps) for share in decays)


def set_lr(optim: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all groups."""
    for group in optim.param_groups:
        group["lr"] = lr


def clip_gradient(parameters: Iterable[nn.Parameter], limit: float) -> float:
    """Scale the gradient to at most ``limit`` (L2 norm over all parameters); returns the norm before."""
    return float(nn.utils.clip_grad_norm_(list(parameters), limit))
