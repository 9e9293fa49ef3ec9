"""Several processes under torchrun: one slice of every batch each, averaged gradients."""

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError


def start(device: torch.device) -> None:
    """Join the process group when torchrun started this process; do nothing otherwise."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def rank() -> int:
    """Number of this process, 0 without a group."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def meet() -> None:
    """Wait until every process has come here."""
    if world() > 1:
        dist.barrier()


def wrap(learner: nn.Module) -> nn.Module:
    """DDP around the learner when there are several processes, batch norm over all of them on GPUs."""
    if world() == 1:
        return learner
    if next(learner.parameters()).is_cuda:
        learner = nn.SyncBatchNorm.convert_sync_batchnorm(learner)  # type: ignore[no-untyped-call]
    return nn.parallel.DistributedDataParallel(learner)


def share(clip: Clip) -> Clip:
    """This process's equal part of a global batch.

    Raises:
        UsageError: the batch cannot be divided evenly.
    """
    if world() == 1:
        return clip
    if len(clip) % world():
        raise UsageError(
            f"a batch of {len(clip)} videos cannot be shared evenly by {world()} processes; wanted a multiple (--batch)."
        )
    return clip.rows(slice(rank(), None, world()))


def mean(values: Sequence[Tensor]) -> list[float]:
    """Average of scalars over all processes."""
    stacked: Any = torch.stack([value.detach().float() for value in values])
    if world() > 1:
        dist.all_reduce(stacked)
        stacked /= world()
    averaged: list[float] = stacked.tolist()
    return averaged
