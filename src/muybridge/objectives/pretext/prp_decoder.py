"""The branches of PRP: one names the rate, the other paints frames from the last map of a backbone."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

GROWTH = 16
"""By how much the painter enlarges a map in time, height and width."""


class Branches(nn.Module):
    """Both branches, with what makes them fit a map of any shape.

    Args:
        channels: channels of the map.
        width: channels of the branches; 512 in the authors' code.
        rates: number of rates.
        shape: frames, height and width to be painted.
    """

    def __init__(self, channels: int, width: int, rates: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape
        self.narrow = nn.Identity() if channels == width else nn.Conv3d(channels, width, 1)
        self.namer = convolved(width, width)
        self.fc8 = nn.Linear(width, rates)
        self.painter = painter(width)

    def forward(
        self, last: Float[Tensor, "b c t h w"]
    ) -> tuple[Float[Tensor, "b rates"], Float[Tensor, "b 3 t2 h2 w2"]]:
        """Scores of the rates, and the painted frames (from 0 up)."""
        t, h, w = (-(-edge // GROWTH) for edge in self.shape)
        x = resized(self.narrow(last), (t, h, w))
        return self.fc8(self.namer(x).mean((2, 3, 4))), resized(self.painter(x), self.shape)


def convolved(inputs: int, outputs: int) -> nn.Sequential:
    """3x3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, padding=1), nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)
    )


def painter(width: int) -> nn.Sequential:
    """Four doublings of time, height and width, the first three with half the channels each."""
    layers: list[nn.Module] = [convolved(width, width)]
    for channels in (width, width // 2, width // 4):
        layers += [nn.ConvTranspose3d(channels, channels, 2, 2), convolved(channels, channels // 2)]
    last = width // 8
    return nn.Sequential(*layers, nn.ConvTranspose3d(last, last, 2, 2), convolved(last, 3))


def resized(x: Float[Tensor, "b c t h w"], shape: tuple[int, int, int]) -> Float[Tensor, "b c t2 h2 w2"]:
    """Trilinear resize to a shape; nothing where it has it."""
    return x if x.shape[2:] == shape else F.interpolate(x, shape, mode="trilinear", align_corners=False)
