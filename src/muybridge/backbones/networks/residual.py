"""The residual layout that R3D and R(2+1)D share; they differ in the convolution alone.

One basic block a stage instead of the two of Tran et al. (CVPR 2018): the networks of clip order prediction (Xu et al., CVPR 2019),
which the video self-supervision benchmark took over (Kumar et al., arXiv 2306.06010, table 1).
"""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.backbones.networks.network import Triple

Convolve = Callable[[int, int, Triple, Triple], nn.Module]
"""Builds a convolution without bias from channels in, channels out, kernel and stride; it keeps the size up to its stride."""
CUBE: Triple = (3, 3, 3)
KEEP: Triple = (1, 1, 1)
HALVE: Triple = (2, 2, 2)


class Block(nn.Module):
    """Basic residual block; the shortcut is a 1x1x1 convolution where the shape changes."""

    def __init__(self, convolve: Convolve, inputs: int, outputs: int, stride: Triple) -> None:
        super().__init__()
        self.conv1 = convolve(inputs, outputs, CUBE, stride)
        self.norm1 = nn.BatchNorm3d(outputs)
        self.conv2 = convolve(outputs, outputs, CUBE, KEEP)
        self.norm2 = nn.BatchNorm3d(outputs)
        same = stride == KEEP and inputs == outputs
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(convolve(inputs, outputs, KEEP, stride), nn.BatchNorm3d(outputs))
        )

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b c2 t2 h2 w2"]:
        """Two convolutions beside the shortcut."""
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def stem_and_blocks(
    convolve: Convolve,
    widths: Sequence[int],
    kernel: Triple = (3, 7, 7),
    strides: Sequence[Triple] = (KEEP, HALVE, HALVE, HALVE),
) -> nn.Sequential:
    """Stem of stride (1, 2, 2) without max pool, then one block a stage; ``widths`` are those of the stem and of every block."""
    stem = nn.Sequential(
        convolve(3, widths[0], kernel, (1, 2, 2)), nn.BatchNorm3d(widths[0]), nn.ReLU(inplace=True)
    )
    blocks = [
        Block(convolve, inputs, outputs, stride)
        for inputs, outputs, stride in zip(widths[:-1], widths[1:], strides, strict=True)
    ]
    return nn.Sequential(stem, *blocks)
