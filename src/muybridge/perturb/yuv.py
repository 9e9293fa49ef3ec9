"""RGB to 8-bit YCbCr with colours at half resolution and back, in whole numbers: the same on every machine and device.

ITU-R BT.601, limited range (luma 16 to 235, chroma 16 to 240), 16-bit fixed point, halves up. Chroma is the mean of 2 x 2 pixels and is
repeated on the way back, as FFmpeg's plain converter does.
"""

import torch
from jaxtyping import Int32, UInt8
from torch import Tensor

LUMA = (16829, 33039, 6416)
BLUE = (-9714, -19070, 28784)
RED = (28784, -24103, -4681)
GAIN = 76309
BACK = ((0, 104597), (-25675, -53279), (132201, 0))
"""What red, green and blue take from the two chroma values."""


def packed(frames: UInt8[Tensor, "b 3 t h w"]) -> UInt8[Tensor, "b t h*3//2 w"]:
    """Frames of even size as planes of YUV 4:2:0, one after the other: luma, then the two chroma planes."""
    b, _, t, h, w = frames.shape
    rgb = frames.int()
    rows = rgb[..., 0::2, :] + rgb[..., 1::2, :]
    four = rows[..., 0::2] + rows[..., 1::2]
    planes = [_weighted(rgb, LUMA, 16, 16), _weighted(four, BLUE, 128, 18), _weighted(four, RED, 128, 18)]
    return torch.cat([plane.flatten(2) for plane in planes], 2).view(b, t, h * 3 // 2, w)


def unpacked(planes: UInt8[Tensor, "b t tall w"]) -> UInt8[Tensor, "b 3 t tall*2//3 w"]:
    """RGB of planes of YUV 4:2:0."""
    b, t, tall, w = planes.shape
    h = tall * 2 // 3
    luma, blue, red = torch.split(planes.flatten(2), [h * w, h * w // 4, h * w // 4], 2)
    bright = luma.int().sub_(16).mul_(GAIN).add_(1 << 15).view(b, t, h // 2, 2, w)
    blue, red = (_doubled(plane).int().sub_(128).view(b, t, h // 2, 1, w) for plane in (blue, red))
    rgb = torch.empty(b, 3, t, h, w, dtype=torch.uint8, device=planes.device)
    for channel, (by_blue, by_red) in enumerate(BACK):
        value = bright + (blue * by_blue + red * by_red)
        rgb[:, channel] = value.bitwise_right_shift_(16).clamp_(0, 255).view(b, t, h, w)
    return rgb


def _doubled(plane: UInt8[Tensor, "b t n"]) -> UInt8[Tensor, "b t 2*n"]:
    """Every value twice: a number of 16 bits whose bytes are both that value."""
    return plane.to(torch.int16).mul_(257).view(torch.uint8)


def _weighted(
    rgb: Int32[Tensor, "b 3 t h w"], weights: tuple[int, ...], offset: int, shift: int
) -> UInt8[Tensor, "b t h w"]:
    total = rgb[:, 0] * weights[0]
    total.add_(rgb[:, 1], alpha=weights[1]).add_(rgb[:, 2], alpha=weights[2]).add_(1 << (shift - 1))
    return total.bitwise_right_shift_(shift).add_(offset).to(torch.uint8)
