"""What the contrastive tasks share: heads, queue, InfoNCE, and keys whose batch norm cannot give the answer away."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import gather, offset, processes, rank, wide


class Head(nn.Module):
    """One linear layer to the unit sphere.

    Args:
        dim: length of the feature.
        width: length of the embedding.
        norm: batch norm behind the layer; neither paper has it, tiny networks learn little without.
    """

    def __init__(self, dim: int, width: int, norm: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dim, width), *([nn.BatchNorm1d(width)] if norm else []))

    def forward(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b e"]:
        """Embeddings of length one, float32."""
        return unit(self.layers(features))


class Queue(nn.Module):
    """The last ``size`` keys, oldest overwritten first; starts with random ones, as in MoCo's code.

    A ring, so that ``size`` need be no multiple of the batch (the reference codes round it down to one). Several processes have the
    same queue: the keys of all of them enter in the order of the batch.
    """

    keys: Tensor
    place: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"queue={size}; wanted 1 or more")
        self.register_buffer("keys", unit(torch.randn(size, width)))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def push(self, keys: Float[Tensor, "b e"]) -> None:
        """Put the keys of all processes in."""
        keys = gather(keys.detach())
        places = (self.place + torch.arange(len(keys), device=keys.device)) % len(self.keys)
        self.keys[places] = keys.to(self.keys)
        self.place.add_(len(keys)).remainder_(len(self.keys))

    def check(self, name: str, videos: int, dataset: int) -> None:
        """Refuse a queue that would hold a video twice, or not even one batch.

        Raises:
            UsageError: says the way out.
        """
        size = len(self.keys)
        if not videos <= size <= dataset:
            raise UsageError(
                f"--objective {name}: a queue of {size} keys does not fit {dataset} training videos at {videos} a step; wanted at least"
                f" {videos} and at most {dataset} (--objective-options queue={max(videos, min(size, dataset))}"
                + (", more videos, or a smaller --batch)." if videos > dataset else ").")
            )


def unit(rows: Tensor) -> Tensor:
    """Rows of length one, in float32 or wider."""
    return F.normalize(wide(rows), dim=1)


def scores(rows: Float[Tensor, "a e"], others: Float[Tensor, "b e"]) -> Float[Tensor, "a b"]:
    """All dot products, in float32 also under autocast, whose rounding a low temperature would blow up."""
    with torch.autocast(rows.device.type, enabled=False):
        return wide(rows) @ wide(others).T


def pairwise(rows: Float[Tensor, "b e"], others: Float[Tensor, "b e"]) -> Float[Tensor, "b 1"]:
    """Dot product of each row with its partner."""
    return (rows * others).sum(1, keepdim=True)


def first_is_right(logits: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Cross-entropy of logits whose first column is the positive (InfoNCE)."""
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))


def deal(videos: int, rng: Generator) -> Int64[Tensor, "b"]:
    """A random order of the videos of a batch, for ``in_groups``."""
    return torch.randperm(videos, generator=rng)


@torch.no_grad()
def in_groups(
    encode: Callable[[Tensor], Tensor],
    frames: Float[Tensor, "b 3 t h w"],
    order: Int64[Tensor, "b"],
    groups: int,
) -> Float[Tensor, "b e"]:
    """Encode keys in random sub-batches, so that batch norm sees another company than the queries had.

    The counterpart on one device of MoCo's shuffled batch norm (CVPR 2020, sec. 3.3), which deals the batch out anew among the GPUs.
    Several processes deal out the batch of all of them: each encodes its part of every sub-batch, whose batch norm spans them all.

    Args:
        encode: frames to keys.
        frames: this process's clips.
        order: its part of an order of the clips of all processes.
        groups: number of sub-batches, each of them with a clip for every process at least.
    """
    own, frames, order = len(frames), gather(frames), gather(order).to(frames.device)
    parts = [
        part.tensor_split(processes())[rank()] for part in frames[order].tensor_split(min(groups, len(order)))
    ]
    keys = torch.cat([gather(encode(part)) for part in parts])
    first = offset(own)
    return keys[order.argsort()][first : first + own]
