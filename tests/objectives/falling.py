"""Made-up videos with an up, a down and an arrow of time: a bar with a bright lower edge falls through noise."""

import torch
from torch import Generator, Tensor

from muybridge.core.clip import Clip


def falling_bars(videos: int, frames: int, size: int, rng: Generator) -> Clip:
    """Bars that start near the top at times of their own and end in the lowest quarter."""
    start = 0.15 * size * torch.rand(videos, 1, 1, 1, generator=rng)
    end = size * (0.75 + 0.25 * torch.rand(videos, 1, 1, 1, generator=rng))
    edge = start + (end - start) * torch.linspace(0, 1, frames).view(-1, 1, 1)
    above = edge - torch.arange(size).view(-1, 1)
    bar: Tensor = ((1 - above / 8).clamp(0, 1) * (above >= 0)).unsqueeze(1)
    noise = torch.rand(videos, 3, frames, size, size, generator=rng)
    pixels = ((0.75 * bar + 0.25 * noise) * 255).to(torch.uint8)
    return Clip(pixels, torch.full((videos,), -1), tuple(f"bar{i}" for i in range(videos)))
