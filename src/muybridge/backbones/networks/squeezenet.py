"""3D-SqueezeNet v1.1: Fire modules that squeeze by 1x1x1 and expand by 1x1x1 beside 3x3x3 convolutions.

Iandola et al., SqueezeNet, arXiv 1602.07360; in 3-D: Köpüklü et al., Resource efficient 3D convolutional neural networks, ICCVW 2019.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.backbones.networks.network import Network, Triple, conv_norm


class Fire(nn.Module):
    """Squeeze to ``squeezed`` channels, expand by two convolutions of half the outputs each; adds its input where asked (bypass).

    Batch norm behind every convolution, which the 2-D original has not; the convolutions keep their bias, as in the reference.
    """

    def __init__(self, inputs: int, squeezed: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(*conv_norm(inputs, squeezed, 1, bias=True), nn.ReLU(inplace=True))
        self.expand1 = nn.Sequential(*conv_norm(squeezed, outputs // 2, 1, bias=True))
        self.expand3 = nn.Sequential(*conv_norm(squeezed, outputs // 2, 3, bias=True))
        self.adds = inputs == outputs

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c2 t h w"]:
        """Squeeze, expand, bypass."""
        squeezed = self.squeeze(x)
        y = torch.cat([self.expand1(squeezed), self.expand3(squeezed)], dim=1)
        return F.relu(x + y if self.adds else y)


def _stages(
    stem: int, squeezed: Sequence[int], widths: Sequence[int], pools: Sequence[Triple]
) -> nn.Sequential:
    """Stem, then per stage a max pool of 3x3x3, a Fire module and one with bypass."""
    first = nn.Sequential(*conv_norm(3, stem, 3, (1, 2, 2), bias=True), nn.ReLU(inplace=True))
    stages, inputs = [first], stem
    for inside, outputs, stride in zip(squeezed, widths, pools, strict=True):
        fires = Fire(inputs, inside, outputs), Fire(outputs, inside, outputs)
        stages.append(nn.Sequential(nn.MaxPool3d(3, stride, 1), *fires))
        inputs = outputs
    return nn.Sequential(*stages)


class SqueezeNet(Network):
    """3D-SqueezeNet v1.1 with simple bypass; 1,837,760 parameters, 512-d, 1.80 GFLOP (2 MAC) at 3x16x112x112.

    Departs from the original classifier (dropout 0.5, 1x1x1 convolution, ReLU on the logits, average pool): the benchmark's rule is
    global average pool and one linear layer, which is the head's.
    """

    def __init__(self) -> None:
        widths = (128, 256, 384, 512)
        super().__init__(_stages(64, (16, 32, 48, 64), widths, [(2, 2, 2)] * 4), 512)


def tiny(widths: Sequence[int] = (32, 64, 128), stem: int = 16) -> Network:
    """Three stages of two Fire modules for 8x32x32 clips; the last map is 2x2x2."""
    pools = ((1, 2, 2), (2, 2, 2), (2, 2, 2))
    return Network(_stages(stem, [width // 4 for width in widths], widths, pools), widths[-1])
