"""R(2+1)D: every 3-D convolution split into a spatial and a temporal one.

Tran et al., A closer look at spatiotemporal convolutions for action recognition, CVPR 2018, sec. 3.5. The layout (one residual block
a stage, 14.4 M parameters) is the one of the video self-supervision benchmark (Kumar et al., arXiv 2306.06010, table 1), which took it
from clip order prediction (Xu et al., CVPR 2019).
"""

from collections.abc import Sequence

from torch import nn

from muybridge.backbones.networks.network import Network, Triple
from muybridge.backbones.networks.residual import stem_and_blocks


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


class R2Plus1D(Network):
    """R(2+1)D with one block per stage; 14,365,303 parameters, 512-d, 42.7 GFLOP (2 MAC) at 3x16x112x112.

    Stem 7x7 spatial and 3 temporal, stride 2 in space; stages of 64, 128, 256 and 512 channels, stride 2 in time and space from the
    second on. No max pool. Mean 0.45 and std 0.225 per channel: the sources feed [0, 1] or ImageNet statistics; marked choice.
    """

    def __init__(self, widths: Sequence[int] = (64, 64, 128, 256, 512)) -> None:
        super().__init__(stem_and_blocks(Conv2Plus1, widths), widths[-1])


def tiny(widths: Sequence[int] = (16, 32, 64, 128)) -> Network:
    """Plain (2+1)D network for 8x32x32 clips: no residuals, as wide between the halves as behind them; 163 k parameters, 128-d.

    Stride 2 in space at every stage, in time at the last two.
    """
    stages: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(zip((3, *widths[:-1]), widths, strict=True)):
        stride = (2 if i >= len(widths) - 2 else 1, 2, 2)
        stages += [Conv2Plus1(inputs, outputs, (3, 3, 3), stride, between=outputs)]
        stages += [nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)]
    ends = [f"stages.{3 * i + 2}" for i in range(len(widths))]
    return Network(nn.Sequential(*stages), widths[-1], layers=ends)
