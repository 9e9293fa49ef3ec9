"""C3D with batch norm: 3x3x3 convolutions and max pools (Tran et al., ICCV 2015), without its fully connected layers.

The benchmark's 27.7 M parameters (Kumar et al., arXiv 2306.06010, table 1) leave no room for the two 4096-d layers and the fifth pool
that its text names; global average pooling stands in their place, as in clip order prediction (Xu et al., CVPR 2019).
"""

from collections.abc import Sequence

from torch import nn

from muybridge.backbones.networks.network import Network, Triple, conv_norm


def _stages(
    widths: Sequence[Sequence[int]], pools: Sequence[Triple], first: Triple = (1, 1, 1)
) -> nn.Sequential:
    """Convolutions of each stage behind the pool of that stage ((1, 1, 1) pools nothing); ``first`` is the stride of the first one."""
    stages, inputs = [], 3
    for stage, pool in zip(widths, pools, strict=True):
        # odd maps keep their last frame, row and column, so that short clips do not vanish; the reference drops them
        layers: list[nn.Module] = [] if pool == (1, 1, 1) else [nn.MaxPool3d(pool, ceil_mode=True)]
        for outputs in stage:
            # a bias in front of batch norm has no effect; the reference has it and it is part of the count
            layers += [
                *conv_norm(inputs, outputs, 3, first if inputs == 3 else (1, 1, 1), bias=True),
                nn.ReLU(inplace=True),
            ]
            inputs = outputs
        stages.append(nn.Sequential(*layers))
    return nn.Sequential(*stages)


class C3D(Network):
    """C3D of eight convolutions; 27,661,440 parameters, 512-d, 77.0 GFLOP (2 MAC) at 3x16x112x112.

    Dropout (0.5 behind each of the missing fully connected layers) is left to the head.
    """

    def __init__(self) -> None:
        widths = ((64,), (128,), (256, 256), (512, 512), (512, 512))
        super().__init__(_stages(widths, ((1, 1, 1), (1, 2, 2), *[(2, 2, 2)] * 3)), 512)


def tiny(widths: Sequence[int] = (16, 32, 64, 128)) -> Network:
    """One convolution a stage for 8x32x32 clips, the first of stride 2 in space to save time; the last map is 2x2x2."""
    pools = ((1, 1, 1), (1, 2, 2), (2, 2, 2), (2, 2, 2))
    return Network(_stages([(width,) for width in widths], pools, (1, 2, 2)), widths[-1])
