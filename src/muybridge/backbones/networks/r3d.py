"""R3D: residual network of 3-D convolutions (Tran et al., CVPR 2018, sec. 3.3) with one block a stage."""

from collections.abc import Sequence

from torch import nn

from muybridge.backbones.networks.network import Network, Triple
from muybridge.backbones.networks.residual import HALVE, stem_and_blocks


def convolve(inputs: int, outputs: int, kernel: Triple, stride: Triple) -> nn.Conv3d:
    """3-D convolution without bias that keeps the size up to its stride."""
    t, h, w = (k // 2 for k in kernel)
    return nn.Conv3d(inputs, outputs, kernel, stride, (t, h, w), bias=False)


class R3D(Network):
    """R3D with one block per stage; 14,361,792 parameters, 512-d, 39.8 GFLOP (2 MAC) at 3x16x112x112.

    Stem 3x7x7 of stride 2 in space and no max pool; stages of 64, 128, 256 and 512 channels, stride 2 in time and space from the
    second on. Mean 0.45 and std 0.225 per channel: the sources feed [0, 1] or ImageNet statistics; marked choice.
    """

    def __init__(self, widths: Sequence[int] = (64, 64, 128, 256, 512)) -> None:
        super().__init__(stem_and_blocks(convolve, widths), widths[-1])


def tiny(widths: Sequence[int] = (8, 16, 32, 128)) -> Network:
    """Three residual blocks behind a 3x3x3 stem for 8x32x32 clips, 128-d; the last map is 2x2x2."""
    strides = ((1, 2, 2), HALVE, HALVE)
    return Network(stem_and_blocks(convolve, widths, (3, 3, 3), strides), widths[-1])
