"""Clips whose pixels say where they come from, and clips of noise."""

import torch
from torch import Tensor
from torch.nn import functional as F


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(b: int = 6, t: int = 3, h: int = 9, w: int = 11) -> Tensor:
    return torch.randint(0, 256, (b, 3, t, h, w), generator=rng(7), dtype=torch.uint8)


def smooth(b: int = 2, t: int = 3, h: int = 45, w: int = 61) -> Tensor:
    """Soft coloured blobs, different in every frame."""
    coarse = torch.rand(b * t, 3, 7, 9, generator=rng(8))
    images = F.interpolate(coarse, (h, w), mode="bicubic").clamp(0, 1) * 255
    return images.round().to(torch.uint8).view(b, t, 3, h, w).transpose(1, 2).contiguous()


def places(b: int, h: int, w: int, t: int = 2) -> Tensor:
    """Frames whose first channel is the row and second the column; the third is the frame."""
    frames = torch.zeros(b, 3, t, h, w, dtype=torch.uint8)
    frames[:, 0] = torch.arange(h).view(h, 1)
    frames[:, 1] = torch.arange(w)
    frames[:, 2] = torch.arange(t).view(t, 1, 1)
    return frames
