"""3D-MobileNet V2: inverted residuals with depthwise 3x3x3 convolutions.

Sandler et al., MobileNetV2, CVPR 2018; in 3-D: Köpüklü et al., Resource efficient 3D convolutional neural networks, ICCVW 2019.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones.networks.network import Network, Triple, conv_norm


class Row(NamedTuple):
    """One line of table 2 of Sandler et al.: ``repeats`` blocks, the first with ``stride``."""

    expansion: int
    channels: int
    repeats: int
    stride: Triple


KEEP: Triple = (1, 1, 1)
HALVE: Triple = (2, 2, 2)
ROWS = (
    Row(1, 16, 1, KEEP),
    Row(6, 24, 2, HALVE),
    Row(6, 32, 3, HALVE),
    Row(6, 64, 4, HALVE),
    Row(6, 96, 3, KEEP),
    Row(6, 160, 3, HALVE),
    Row(6, 320, 1, KEEP),
)
TINY_ROWS = (Row(1, 16, 1, (1, 2, 2)), Row(3, 24, 2, HALVE), Row(3, 48, 2, HALVE))


class InvertedResidual(nn.Module):
    """1x1x1 expansion, depthwise 3x3x3, 1x1x1 without activation; the input is added where the shape stays.

    An expansion of 1 has no convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: Triple, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [] if expansion == 1 else [*conv_norm(inputs, hidden, 1), nn.ReLU6(inplace=True)]
        self.branch = nn.Sequential(
            *expand,
            *conv_norm(hidden, hidden, 3, stride, groups=hidden),
            nn.ReLU6(inplace=True),
            *conv_norm(hidden, outputs, 1),
        )
        self.adds = stride == KEEP and inputs == outputs

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c2 t2 h2 w2"]:
        """Branch, and the input where the shape stays."""
        y: Tensor = self.branch(x)
        return x + y if self.adds else y


def _stages(stem: int, rows: Sequence[Row], last: int) -> nn.Sequential:
    stages = [nn.Sequential(*conv_norm(3, stem, 3, (1, 2, 2)), nn.ReLU6(inplace=True))]
    inputs = stem
    for row in rows:
        blocks = []
        for i in range(row.repeats):
            stride = row.stride if i == 0 else KEEP
            blocks.append(InvertedResidual(inputs, row.channels, stride, row.expansion))
            inputs = row.channels
        stages.append(nn.Sequential(*blocks))
    stages.append(nn.Sequential(*conv_norm(inputs, last, 1), nn.ReLU6(inplace=True)))
    return nn.Sequential(*stages)


class MobileNet(Network):
    """3D-MobileNet V2 of width 1.0; 2,354,048 parameters and a 1280 to 512 projection, 1.04 GFLOP (2 MAC) at 3x16x112x112.

    The dropout of 0.2 in front of the original classifier is left to the head.
    """

    def __init__(self) -> None:
        super().__init__(_stages(32, ROWS, 1280), 1280, dim=512)


def tiny(rows: Sequence[Row] = TINY_ROWS, dim: int = 128) -> Network:
    """Five inverted residuals of expansion 3 for 8x32x32 clips; the last map is 2x2x2."""
    return Network(_stages(16, rows, 192), 192, dim=dim)
