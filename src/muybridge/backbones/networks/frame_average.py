"""A network that sees frames one by one and averages them: what it tells, no order of frames told it.

The control beside networks that see time, and what every image-text model does with a video. ``by_content`` makes the independence of the
order exact: the frames of a clip are sorted by what they show before anything is computed, so that every order of the same frames gives
the same bits, whatever order a sum is taken in.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from muybridge.backbones.networks.network import Network
from muybridge.core.networks.features import Features


@lru_cache(8)
def _weights(numbers: int, device: str) -> Int64[Tensor, "n"]:
    drawn = torch.randint(
        -(2**62), 2**62, (numbers,), generator=torch.Generator().manual_seed(0), dtype=torch.int64
    )
    return (drawn | 1).to(device)


def by_content(frames: Float[Tensor, "b 3 t h w"]) -> Int64[Tensor, "b t"]:
    """An order of the frames of each clip that depends on the set of its frames alone.

    Frames are sorted by a 64-bit sum of their bits under random odd weights, whole numbers that wrap around: the same on every device and
    in every order of summation. Two different frames get the same sum with a probability of about 2**-64.

    Returns:
        Numbers of the frames in that order.
    """
    rows = frames.transpose(1, 2).float().contiguous().flatten(2)
    sums = (rows.view(torch.int32).to(torch.int64) * _weights(rows.shape[2], str(rows.device))).sum(dim=2)
    return sums.argsort(dim=1, stable=True)


def arranged(values: Float[Tensor, "b c t h w"], order: Int64[Tensor, "b t"]) -> Float[Tensor, "b c t h w"]:
    """Clips with their frames in another order."""
    index = order[:, None, :, None, None].expand(-1, values.shape[1], -1, *values.shape[3:])
    return values.gather(2, index)


class FrameAverage(Network):
    """Convolutions within each frame and the mean over all of them; any order of the frames gives the same bits."""

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Pooled feature, and the last map with its frames in the order of their content."""
        return super().forward(arranged(frames, by_content(frames)))


def tiny(widths: Sequence[int] = (16, 32, 64, 128)) -> FrameAverage:
    """Two convolutions a stage for 8x32x32 clips, the first of stride 2; the last map has every frame and 2x2 pixels."""
    stages: list[nn.Module] = []
    inputs = 3
    for outputs in widths:
        first = nn.Conv3d(inputs, outputs, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        second = nn.Conv3d(outputs, outputs, (1, 3, 3), 1, (0, 1, 1), bias=False)
        norms = (nn.BatchNorm3d(outputs), nn.BatchNorm3d(outputs))
        stages.append(
            nn.Sequential(first, norms[0], nn.ReLU(inplace=True), second, norms[1], nn.ReLU(inplace=True))
        )
        inputs = outputs
    return FrameAverage(nn.Sequential(*stages), widths[-1])
