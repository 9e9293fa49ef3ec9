"""Gaussian blur as two one-dimensional passes, one width per clip."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def kernel_size(size: int) -> int:
    """A tenth of the frame, made odd (CVRL's code: crop // 10)."""
    return size // 10 // 2 * 2 + 1


def blur(
    pixels: Float[Tensor, "b c t h w"], sigma: Float[Tensor, "b"], kernel: int
) -> Float[Tensor, "b c t h w"]:
    """Convolve every frame with a Gaussian of ``kernel`` taps, odd; borders are mirrored (reflect).

    The taps are renormalised samples of the density, as torchvision has them.
    """
    b, c, t, h, w = pixels.shape
    reach = kernel // 2
    at = torch.arange(-reach, reach + 1, device=pixels.device)
    taps = torch.softmax(-0.5 * (at / sigma.to(pixels).view(-1, 1)) ** 2, dim=1)
    each = taps.repeat_interleave(
        c * t, dim=0
    )  # one group per frame and channel: far faster than one channel at a time
    padded = F.pad(pixels.reshape(1, b * c * t, h, w), (reach,) * 4, mode="reflect")
    across = F.conv2d(padded, each.view(-1, 1, 1, kernel), groups=len(each))
    return F.conv2d(across, each.view(-1, 1, kernel, 1), groups=len(each)).view(pixels.shape)
