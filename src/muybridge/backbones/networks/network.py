"""What the convolutional backbones share: own statistics, stages one behind the other, global average pool, projection."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.core.networks.features import Features, Head, average

Triple = tuple[int, int, int]


class Network(nn.Module):
    """Frames in [0, 1] to zero mean and unit deviation, stages, global average pool, linear projection where ``dim`` differs.

    The benchmark's rule (Kumar et al., arXiv 2306.06010, table 1): every backbone ends in 512 features. What was in front of the
    original classifiers (dropout 0.2 or 0.5) belongs to whoever classifies; no backbone holds any.

    Attributes:
        dim: length of the pooled feature.
        layers: names of the submodules where the stages end, first to last; capture points.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: nn.Sequential,
        channels: int,
        *,
        dim: int | None = None,
        layers: Sequence[str] = (),
        mean: float = 0.45,
        std: float = 0.225,
    ) -> None:
        super().__init__()
        self.dim = dim or channels
        self.layers = tuple(layers) or tuple(f"stages.{i}" for i in range(len(stages)))
        self.stages = stages
        self.projection = nn.Identity() if self.dim == channels else Head(channels, self.dim)
        self.register_buffer("mean", torch.full((1, 3, 1, 1, 1), mean))
        self.register_buffer("std", torch.full((1, 3, 1, 1, 1), std))

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Pooled feature and last map of each clip."""
        last = self.stages((frames - self.mean).div_(self.std))
        return Features(self.projection(average(last, (2, 3, 4))), {"last": last})


def conv_norm(
    inputs: int, outputs: int, kernel: int, stride: Triple = (1, 1, 1), *, groups: int = 1, bias: bool = False
) -> list[nn.Module]:
    """Cubic convolution that keeps the size up to its stride, and batch norm."""
    return [
        nn.Conv3d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias),
        nn.BatchNorm3d(outputs),
    ]
