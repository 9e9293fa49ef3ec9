"""Several processes under torchrun: each has its rows of every batch, and together they do what one process with all rows would."""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch import distributed as dist

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.networks.gather import processes, rank, wide
from muybridge.train.synchronised import synchronise

T = TypeVar("T")
PATIENCE = "MUYBRIDGE_PATIENCE"
"""Environment variable: seconds that a process waits for the others; 1800."""


def start(device: torch.device) -> None:
    """Join the process group when torchrun started this process; do nothing otherwise."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        patience = timedelta(seconds=float(os.environ.get(PATIENCE, "1800")))
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=patience)


def barrier() -> None:
    """Wait until every process has come here."""
    if processes() > 1:
        dist.barrier()


@contextmanager
def together() -> Iterator[None]:
    """Say it in words when the others are gone or silent.

    Raises:
        MuybridgeError: a connection to another process broke, or it did not answer in time.
    """
    try:
        yield
    except RuntimeError as error:
        if processes() == 1 or not _lost(error):
            raise
        raise MuybridgeError(
            f"process {rank() + 1} of {processes()} lost the others: one of them ended or did not answer within"
            f" {os.environ.get(PATIENCE, '1800')} s ({PATIENCE}). What went wrong there is said by that process. The same command goes on"
            " from the last saved state."
        ) from error


def _lost(error: RuntimeError) -> bool:
    words = str(error).lower()
    return isinstance(error, dist.DistError) or "gloo" in words or "nccl" in words


def wrap(learner: nn.Module, hooks: bool = True) -> nn.Module:
    """DDP around the learner when there are several processes; batch norm and dropout span all of them.

    Without ``hooks`` there is no DDP: a weighting that takes gradients apart averages them itself.

    DDP would order its buckets anew after the first step of every start, and the sum of three processes depends on that order in its last
    bits: a run that went on after a kill would not be the undisturbed one. Looking for unused parameters keeps the order, and lets networks
    with such parameters train.
    """
    if processes() == 1:
        return learner
    if not hooks:
        return synchronise(learner)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 calls the argument forward_sync_buffers
        return nn.parallel.DistributedDataParallel(
            _Spare(synchronise(learner)), broadcast_buffers=False, find_unused_parameters=True
        )


class _Spare(nn.Module):
    """A learner beside a parameter that is never used: DDP warns when it looks for such parameters and finds none."""

    def __init__(self, learner: nn.Module) -> None:
        super().__init__()
        self.learner = learner
        self.spare = nn.Parameter(torch.zeros(1, device=next(learner.parameters()).device))

    def forward(self, views: Mapping[str, Tensor]) -> object:
        return self.learner(views)


def rank_rows(total: int) -> slice:
    """This process's rows of a batch of ``total``: one behind the other, numbers that differ by one at most.

    Raises:
        UsageError: fewer rows than processes.
    """
    if total < processes():
        raise UsageError(
            f"a batch of {total} videos is too small for {processes()} processes; wanted at least one video for each"
            " (a larger --batch or a smaller --nproc-per-node)."
        )
    least, more = divmod(total, processes())
    first = rank() * least + min(rank(), more)
    return slice(first, first + least + (rank() < more))


def shard_views(views: Mapping[str, Tensor], total: int) -> Mapping[str, Tensor]:
    """This process's rows of everything that has ``total`` of them; all of it without a group.

    Raises:
        UsageError: fewer rows than processes.
    """
    rows = rank_rows(total)
    if processes() == 1:
        return views
    return {name: value[rows] if value.shape[:1] == (total,) else value for name, value in views.items()}


def mean_over_ranks(values: Mapping[str, Float[Tensor, ""]], total: int) -> dict[str, Float[Tensor, ""]]:
    """Means over the ``total`` rows of all processes from each one's mean over its own; float32 or wider, with a gradient.

    The gradient is the one whose average over the processes (DDP) is that of the whole mean. All processes get the same bits.
    """
    if processes() == 1 or not values:
        return {name: wide(value) for name, value in values.items()}
    rows, device = rank_rows(total), next(iter(values.values())).device
    means = torch.stack([wide(value).to(device) for value in values.values()])
    own = means * ((rows.stop - rows.start) / total)
    apply: Any = _Sum.apply
    return dict(zip(values, apply(own).unbind(), strict=True))


def sum_over_ranks(number: int, device: torch.device) -> int:
    """Sum of an integer over all processes."""
    if processes() == 1:
        return number
    summed = torch.tensor(number, device=device)
    dist.all_reduce(summed)
    return int(summed)


def broadcast(value: T) -> T:
    """What the first process says, on all of them."""
    if processes() == 1:
        return value
    said = [value]
    dist.broadcast_object_list(said, src=0)
    return said[0]


def round_robin(work: Callable[[range], Iterator[T]], start: int, stop: int) -> Iterator[T]:
    """What numbers ``start`` to ``stop`` give, in their order and on every process; each is worked on by one of them.

    Args:
        work: gives one result for each of the numbers it is handed, in their order.
        start: first number.
        stop: behind the last.
    """
    mine = work(range(start + rank(), stop, processes()))
    if processes() == 1:
        yield from mine
        return
    for first in range(start, stop, processes()):
        own = next(mine) if first + rank() < stop else None
        found: list[Any] = [None] * processes()
        dist.all_gather_object(found, own)
        yield from found[: stop - first]


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, own: Tensor) -> Tensor:
        summed = own.detach().clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        return gradients[0] * processes()
