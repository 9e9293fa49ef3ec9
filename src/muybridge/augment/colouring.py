"""Colour, one parameter per clip: every linear change folds into one affine map of the pixels, and the map is applied once.

Pixels are float32 from 0 to 255. Brightness, contrast about the mean luma, saturation and hue as a rotation of YIQ space commute as linear
maps, so there is no order to draw.

Departs from torchvision's ColorJitter: hue turns the chroma plane of YIQ and keeps luma, where torchvision turns the hexagon of HSV and
keeps the largest channel; contrast pulls towards the mean of the whole clip, where torchvision takes each frame's own mean and so lets
frames flicker against each other; the result is clipped once, where torchvision clips after each change.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""
YIQ = (LUMA, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))
"""From RGB to luma and the two chroma axes (NTSC)."""

Factor = Float[Tensor, "b"]


@dataclass(frozen=True)
class Affine:
    """``matrix @ pixel + offset`` per clip, and where it takes the mean pixel of the clip."""

    matrix: Float[Tensor, "b 3 3"]
    offset: Float[Tensor, "b 3 1"]
    mean: Float[Tensor, "b 3 1"]

    def then(self, matrix: Float[Tensor, "b 3 3"]) -> "Affine":
        """Another linear map after this one."""
        return Affine(matrix @ self.matrix, matrix @ self.offset, matrix @ self.mean)

    def contrasted(self, factor: Factor) -> "Affine":
        """Pull towards (below 1) or away from (above 1) the mean luma of the clip after this map."""
        share = factor.view(-1, 1, 1)
        middle = (1 - share) * _luma(self.mean).unsqueeze(0) @ self.mean
        return Affine(share * self.matrix, share * self.offset + middle, share * self.mean + middle)


def identity(pixels: Float[Tensor, "b 3 n"]) -> Affine:
    """The map that changes nothing."""
    mean = pixels.mean(2, keepdim=True)
    return Affine(torch.eye(3, device=pixels.device).expand(len(pixels), 3, 3), torch.zeros_like(mean), mean)


def jittered(colour: Affine, brightness: Factor, contrast: Factor, saturation: Factor, hue: Factor) -> Affine:
    """Colour jitter after a map: factors around 1, and hue in turns of the colour circle (-0.5 to 0.5)."""
    tint = hue_matrix(hue) @ saturation_matrix(saturation)
    return colour.then(brightness.view(-1, 1, 1) * tint).contrasted(contrast)


def saturation_matrix(factor: Factor) -> Float[Tensor, "b 3 3"]:
    """Blend with the luma of the pixel: 0 makes grey, 1 changes nothing."""
    share = factor.view(-1, 1, 1)
    grey = _luma(factor).expand(3, 3)
    return share * torch.eye(3, device=factor.device) + (1 - share) * grey


def hue_matrix(turns: Factor) -> Float[Tensor, "b 3 3"]:
    """Rotation of the chroma plane of YIQ; positive turns go from red over green to blue, as in HSV."""
    angle = 2 * math.pi * turns
    cos, sin, one, zero = angle.cos(), angle.sin(), torch.ones_like(angle), torch.zeros_like(angle)
    turn = torch.stack([one, zero, zero, zero, cos, sin, zero, -sin, cos], 1).view(-1, 3, 3)
    there = torch.tensor(YIQ, dtype=torch.float64)
    back = torch.linalg.inv(there).float()
    turned: Tensor = back.to(turn.device) @ turn @ there.float().to(turn.device)
    return turned


def recolour(pixels: Float[Tensor, "b 3 n"], colour: Affine) -> Float[Tensor, "b c n"]:
    """Apply a map to every pixel and clip to the range of bytes; one channel stands for all three where the map makes all clips grey."""
    rows = torch.cat([colour.matrix, colour.offset], 2)
    kept = 1 if bool((rows == rows[:, :1]).all()) else 3
    return torch.baddbmm(colour.offset[:, :kept], colour.matrix[:, :kept], pixels).clamp_(0, 255)


def gamma(pixels: Float[Tensor, "b *shape"], power: Factor) -> Float[Tensor, "b *shape"]:
    """``255 (x / 255) ^ power``."""
    return pixels.div(255).pow_(_each(power, pixels)).mul_(255)


def solarise(pixels: Float[Tensor, "b *shape"], threshold: float) -> Float[Tensor, "b *shape"]:
    """Invert the values from ``threshold`` (0 to 1) on."""
    return torch.where(pixels >= 255 * threshold, 255 - pixels, pixels)


def _each(values: Factor, pixels: Tensor) -> Tensor:
    return values.view(-1, *[1] * (pixels.ndim - 1))


def _luma(like: Tensor) -> Float[Tensor, "1 3"]:
    return torch.tensor([LUMA], dtype=like.dtype, device=like.device)
