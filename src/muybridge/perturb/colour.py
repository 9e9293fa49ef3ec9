"""Colour: contrast, brightness and saturation; deterministic, each frame by itself.

Hendrycks and Dietterich, Benchmarking neural network robustness, ICLR 2019, whose code goes through HSV. Adding to the value V scales R, G
and B alike; scaling the saturation S scales their distances to the largest of them: no hue is needed.
"""

import math

import torch
from jaxtyping import Float, Num, UInt8
from torch import Tensor

from muybridge.core.clip import as_bytes
from muybridge.perturb.noise import Rounding
from muybridge.perturb.streams import Streams


def contrast(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, factor: float, rounding: Rounding = "half"
) -> UInt8[Tensor, "b c t h w"]:
    """Scale the distances to the mean of each frame and channel."""
    mean = means(frames, (-2, -1))
    return to_bytes(frames.float().sub_(mean).mul_(factor).add_(mean), rounding)


def brightness(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, shift: float, rounding: Rounding = "half"
) -> UInt8[Tensor, "b c t h w"]:
    """Add a share ``shift`` of the full range to the value V of HSV; hue and saturation stay, black turns grey."""
    value = frames.amax(1, keepdim=True).float()
    brighter = (value + 255 * shift).clamp_(max=255)
    scaled = frames.float().mul_(brighter).div_(value)
    return to_bytes(torch.where(value > 0, scaled, brighter), rounding)


def saturate(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    factor: float,
    shift: float,
    rounding: Rounding = "half",
) -> UInt8[Tensor, "b c t h w"]:
    """Scale and shift the saturation S of HSV, 0 to 1; hue and value stay.

    Grey has hue 0, as in the source: with a shift it turns reddish.
    """
    value = frames.amax(1, keepdim=True).float()
    spread = value - frames.amin(1, keepdim=True)
    wanted = spread.div(value).mul_(factor).add_(shift).clamp_(0, 1).mul_(value)
    red = torch.tensor([0.0, 1.0, 1.0], device=frames.device).view(3, 1, 1, 1)
    distance = torch.where(spread > 0, (value - frames).mul_(wanted).div_(spread), red * wanted)
    return to_bytes(torch.where(value > 0, value - distance, 0), rounding)


def means(levels: Num[Tensor, "..."], axes: tuple[int, ...]) -> Float[Tensor, "..."]:
    """Means of whole numbers over axes, which stay; their sums are exact in float64, whatever the order of adding."""
    count = math.prod(levels.shape[axis] for axis in axes)
    return levels.sum(axes, keepdim=True, dtype=torch.float64).div_(count).float()


def to_bytes(values: Float[Tensor, "*s"], rounding: Rounding) -> UInt8[Tensor, "*s"]:
    """Levels 0 to 255, rounded to the nearest or down; the values are overwritten."""
    rounded = values.round_() if rounding == "half" else values.floor_()
    return as_bytes(rounded.clamp_(0, 255))
