"""Colour augmentation, drawn once per clip and applied to all its frames at once."""

import torch
from jaxtyping import Float, UInt8
from torch import Generator, Tensor

LUMA = (0.299, 0.587, 0.114)


def jitter_matrix(
    clips: int, strength: float, rng: Generator
) -> tuple[Float[Tensor, "b 3 3"], Float[Tensor, "b"]]:
    """Random brightness and saturation as one 3x3 matrix per clip, and the contrast factor.

    Factors are uniform in [1 - strength, 1 + strength], as in torchvision's ColorJitter without hue.
    """
    brightness, contrast, saturation = 1 + strength * (2 * torch.rand(3, clips, generator=rng) - 1)
    grey = torch.tensor(LUMA).expand(3, 3)
    s = saturation.view(-1, 1, 1)
    return brightness.view(-1, 1, 1) * (s * torch.eye(3) + (1 - s) * grey), contrast


def colour_jitter(
    frames: UInt8[Tensor, "b c t h w"], rng: Generator, strength: float = 0.4
) -> UInt8[Tensor, "b c t h w"]:
    """Brightness, contrast and saturation jitter, the same for all frames of a clip.

    Contrast pulls towards the mean luma of the whole clip, so frames do not flicker against each other. All three are one affine map
    of each pixel: ``f M x + (1 - f) m`` with ``m`` the mean luma of the clip under the matrix ``M``.
    """
    matrix, contrast = (x.to(frames.device) for x in jitter_matrix(len(frames), strength, rng))
    pixels = frames.flatten(2).float()
    luma = torch.tensor(LUMA, device=frames.device)
    mean = (matrix @ pixels.mean(2, keepdim=True)).mul(luma.view(3, 1)).sum(1, keepdim=True)
    factor = contrast.view(-1, 1, 1)
    changed = torch.baddbmm((1 - factor) * mean, factor * matrix, pixels)
    return changed.round_().clamp_(0, 255).to(torch.uint8).view(frames.shape)
