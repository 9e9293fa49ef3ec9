"""Forward passes that leave no trace: running statistics, fresh keys and the random state are as before."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def still(module: nn.Module) -> Iterator[None]:
    """Batch norm inside normalises by its batch, as in training, and its running statistics stay where they are."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    before = [
        (part.momentum, None if (n := part.num_batches_tracked) is None else n.clone()) for part in norms
    ]
    for part in norms:
        part.momentum = 0.0
    try:
        yield
    finally:
        for part, (momentum, number) in zip(norms, before, strict=True):
            part.momentum = momentum
            if number is not None and part.num_batches_tracked is not None:
                part.num_batches_tracked.copy_(number)


@contextmanager
def aside(module: nn.Module, seed: int) -> Iterator[None]:
    """A forward pass beside the training: ``still``, dropout drawn from a seed, and keys that wait for their queue kept.

    Args:
        module: backbone and objective.
        seed: of torch's global generators inside.
    """
    waiting = [(part, part.fresh) for part in module.modules() if hasattr(part, "fresh")]
    with still(module), torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            yield
        finally:
            for part, keys in waiting:
                part.fresh = keys
