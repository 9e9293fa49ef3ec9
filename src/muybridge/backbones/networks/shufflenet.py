"""3D-ShuffleNet V1: grouped 1x1x1 convolutions, a channel shuffle between them, depthwise 3x3x3 convolutions.

Zhang et al., ShuffleNet, CVPR 2018; in 3-D: Köpüklü et al., Resource efficient 3D convolutional neural networks, ICCVW 2019.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.backbones.networks.network import Network, Triple, conv_norm


class Unit(nn.Module):
    """Grouped 1x1x1 to a quarter of the channels, shuffle, depthwise 3x3x3, grouped 1x1x1.

    Stride 1 adds the input, other strides put its average pool beside the result: the branch itself gives outputs - inputs channels.
    """

    def __init__(self, inputs: int, outputs: int, stride: Triple, groups: int) -> None:
        super().__init__()
        self.stride, self.adds = stride, stride == (1, 1, 1)
        middle, own = outputs // 4, outputs if self.adds else outputs - inputs
        # the paper's "first layer ungrouped" is coded by the reference as a comparison with 24, the stem at width 1.0;
        # at 2.0 the stem has 48 channels and the layer stays grouped: kept, the parameter count depends on it
        first = 1 if inputs == 24 else groups
        self.branch = nn.Sequential(
            *conv_norm(inputs, middle, 1, groups=first),
            nn.ReLU(inplace=True),
            nn.ChannelShuffle(groups),
            *conv_norm(middle, middle, 3, stride, groups=middle),
            *conv_norm(middle, own, 1, groups=groups),
        )

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c2 t2 h2 w2"]:
        """Branch and shortcut."""
        y = self.branch(x)
        return F.relu(x + y if self.adds else torch.cat([self._pooled(x), y], dim=1))

    def _pooled(self, x: Tensor) -> Tensor:
        """Average pool (2,3,3) of stride 2 by its two halves; a last odd frame is pooled alone.

        Departs from the reference, whose 3-D pool refuses maps of one frame or fewer than three pixels; all others come out the same.
        """
        b, c, t, _, _ = x.shape
        y = F.avg_pool2d(x.flatten(1, 2), 3, 2, 1)
        h, w = y.shape[2:]
        if self.stride[0] > 1:
            y = F.avg_pool2d(y.reshape(b, c, t, h * w), (2, 1), ceil_mode=True)
        return y.reshape(b, c, -1, h, w)


def _stage(inputs: int, outputs: int, repeats: int, stride: Triple, groups: int = 3) -> nn.Sequential:
    units = [Unit(inputs, outputs, stride, groups)]
    units += [Unit(outputs, outputs, (1, 1, 1), groups) for _ in range(repeats - 1)]
    return nn.Sequential(*units)


def _stem(outputs: int) -> list[nn.Module]:
    return [*conv_norm(3, outputs, 3, (1, 2, 2)), nn.ReLU(inplace=True)]


class ShuffleNet(Network):
    """3D-ShuffleNet V1 of width 2.0 and 3 groups; 3,606,288 parameters and a 1920 to 512 projection, 1.03 GFLOP (2 MAC) at 3x16x112x112.

    The dropout of 0.2 in front of the original classifier is left to the head.
    """

    def __init__(self) -> None:
        stages = [nn.Sequential(*_stem(48), nn.MaxPool3d(3, 2, 1))]
        for inputs, outputs, repeats in ((48, 480, 4), (480, 960, 8), (960, 1920, 4)):
            stages.append(_stage(inputs, outputs, repeats, (2, 2, 2)))
        super().__init__(nn.Sequential(*stages), 1920, dim=512)


def tiny(widths: Sequence[int] = (12, 96, 192), dim: int = 128) -> Network:
    """Two stages of three units for 8x32x32 clips, behind a max pool in space alone; the last map is 2x2x2."""
    stages = [nn.Sequential(*_stem(widths[0]), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)))]
    for inputs, outputs in pairwise(widths):
        stages.append(_stage(inputs, outputs, 3, (2, 2, 2)))
    return Network(nn.Sequential(*stages), widths[-1], dim=dim)
