"""A contrastive task with a momentum encoder and a queue of its keys."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from muybridge.core.errors import UsageError
from muybridge.core.networks.ema import follow, momentum_copy
from muybridge.core.networks.gather import processes
from muybridge.objectives.contrastive.contrast import Queue, in_groups
from muybridge.objectives.objective import Encode, Objective


class Momentum(Objective):
    """Owns the copies of backbone and head that give the keys, and the queue (He et al., CVPR 2020, sec. 3.2).

    After every step the copies follow and the keys of that step enter the queue. Copies and queue are part of the saved state.

    Args:
        name: of the task, for errors.
        heads: from a pooled feature to an embedding each.
        width: length of a key in the queue.
        queue: number of keys.
        momentum: share of the old weights that a copy keeps in a step.
        temperature: divides the similarities.
        groups: sub-batches in which keys are encoded, see ``in_groups``.
    """

    def __init__(
        self,
        name: str,
        heads: Sequence[nn.Module],
        width: int,
        queue: int,
        momentum: float,
        temperature: float,
        groups: int,
    ) -> None:
        super().__init__()
        if not 0 <= momentum < 1 or temperature <= 0 or groups < 1:
            raise ValueError(
                f"{name}: momentum={momentum}, temperature={temperature}, groups={groups};"
                " wanted 0 <= momentum < 1, temperature > 0 and groups >= 1"
            )
        self.name, self.momentum, self.temperature, self.groups = name, momentum, temperature, groups
        self.chance = 0.5
        self.heads = nn.ModuleList(heads)
        self.queue = Queue(queue, width)
        self.fresh: Tensor | None = None

    def attach(self, backbone: nn.Module, frames: int, size: int) -> None:
        """Copy the backbone and the heads."""
        self.slow_backbone, self.slow_heads = momentum_copy(backbone), momentum_copy(self.heads)

    def keys(self, frames: Float[Tensor, "b 3 t h w"], order: Int64[Tensor, "b"]) -> Float[Tensor, "b e"]:
        """Embeddings by the copies, those of several heads side by side; no gradient."""
        return in_groups(
            lambda part: embed(self.slow_backbone, self.slow_heads, part), frames, order, self.groups
        )

    def after_step(self, backbone: nn.Module) -> None:
        """Let the copies follow and put the keys of this step into the queue."""
        follow(self.slow_backbone, backbone, self.momentum)
        follow(self.slow_heads, self.heads, self.momentum)
        if self.fresh is not None:
            self.queue.push(self.fresh)
        self.fresh = None

    def needs(self, videos: int, dataset: int) -> None:
        """Two videos in every sub-batch, one for every process, and a queue between the batch and the data set."""
        least = max(2, processes()) * self.groups
        if videos < least:
            raise UsageError(
                f"--objective {self.name}: {videos} videos a step are too few for batch norm in {self.groups} sub-batches;"
                f" wanted --batch {least * self.clips} or more ({self.clips} clips a video)."
            )
        self.queue.check(self.name, videos, dataset)


def embed(
    encode: Encode, heads: Iterable[nn.Module], frames: Float[Tensor, "b 3 t h w"]
) -> Float[Tensor, "b e"]:
    """Embeddings of clips by all heads, side by side."""
    pooled = encode(frames).pooled
    return torch.cat([head(pooled) for head in heads], dim=1)
