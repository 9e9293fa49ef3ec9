"""R(2+1)D: every 3-D convolution split into a spatial and a temporal one.

Tran et al., A closer look at spatiotemporal convolutions for action recognition, CVPR 2018, sec. 3.5. The layout (one residual block
a stage, 14.4 M parameters) is the one of the video self-supervision benchmark (Kumar et al., arXiv 2306.06010, table 1), which took it
from clip order prediction (Xu et al., CVPR 2019).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.core.features import Features

Triple = tuple[int, int, int]


def middle(kernel: Triple, inputs: int, outputs: int) -> int:
    """Channels between the two halves that keep the parameter count of the full 3-D convolution (Tran et al., sec. 3.5)."""
    t, h, w = kernel
    return t * h * w * inputs * outputs // (h * w * inputs + t * outputs)


class Conv2Plus1(nn.Sequential):
    """Spatial convolution, batch norm, ReLU, temporal convolution; both without bias."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Triple, stride: Triple, between: int | None = None
    ) -> None:
        (t, h, w), (st, sh, sw) = kernel, stride
        width = between or middle(kernel, inputs, outputs)
        super().__init__(
            nn.Conv3d(inputs, width, (1, h, w), (1, sh, sw), (0, h // 2, w // 2), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
            nn.Conv3d(width, outputs, (t, 1, 1), (st, 1, 1), (t // 2, 0, 0), bias=False),
        )


class Block(nn.Module):
    """Basic residual block; the shortcut is a 1x1x1 (2+1)D convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        steps = (stride, stride, stride)
        self.conv1 = Conv2Plus1(inputs, outputs, (3, 3, 3), steps)
        self.norm1 = nn.BatchNorm3d(outputs)
        self.conv2 = Conv2Plus1(outputs, outputs, (3, 3, 3), (1, 1, 1))
        self.norm2 = nn.BatchNorm3d(outputs)
        self.shortcut = (
            nn.Identity() if stride == 1 and inputs == outputs else _shortcut(inputs, outputs, steps)
        )

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c2 t2 h2 w2"]:
        """Two convolutions beside the shortcut."""
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def _shortcut(inputs: int, outputs: int, stride: Triple) -> nn.Sequential:
    return nn.Sequential(Conv2Plus1(inputs, outputs, (1, 1, 1), stride), nn.BatchNorm3d(outputs))


class _Normalised(nn.Module):
    """Frames in [0, 1] to zero mean and unit deviation, stages, global average pool."""

    mean: Tensor
    std: Tensor

    def __init__(self, stages: nn.Sequential, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.stages = stages
        self.register_buffer("mean", torch.full((1, 3, 1, 1, 1), 0.45))
        self.register_buffer("std", torch.full((1, 3, 1, 1, 1), 0.225))

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Pooled feature and last map of each clip."""
        last = self.stages((frames - self.mean) / self.std)
        return Features(last.mean(dim=(2, 3, 4)), {"last": last})


class R2Plus1D(_Normalised):
    """R(2+1)D with one block per stage; 14,365,303 parameters, 512-d, 42.7 GFLOP (2 MAC) at 3x16x112x112.

    Stem 7x7 spatial and 3 temporal, stride 2 in space; stages of 64, 128, 256 and 512 channels, stride 2 in time and space from the
    second on. No max pool. Mean 0.45 and std 0.225 per channel: the sources feed [0, 1] or ImageNet statistics; marked choice.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512)) -> None:
        stem = nn.Sequential(
            Conv2Plus1(3, widths[0], (3, 7, 7), (1, 2, 2)), nn.BatchNorm3d(widths[0]), nn.ReLU(inplace=True)
        )
        inputs = [widths[0], *widths[:-1]]
        blocks = [
            Block(a, b, stride=1 if i == 0 else 2)
            for i, (a, b) in enumerate(zip(inputs, widths, strict=True))
        ]
        super().__init__(nn.Sequential(stem, *blocks), widths[-1])


def tiny(widths: Sequence[int] = (16, 32, 64, 128)) -> nn.Module:
    """Plain (2+1)D network for 8x32x32 clips: no residuals, as wide between the halves as behind them; 163 k parameters, 128-d.

    Stride 2 in space at every stage, in time at the last two.
    """
    stages: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(zip((3, *widths[:-1]), widths, strict=True)):
        stride = (2 if i >= len(widths) - 2 else 1, 2, 2)
        stages += [Conv2Plus1(inputs, outputs, (3, 3, 3), stride, between=outputs)]
        stages += [nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)]
    return _Normalised(nn.Sequential(*stages), widths[-1])
