"""Geometric augmentation, drawn once per clip and applied to all its frames at once."""

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor


def centre_crop(frames: UInt8[Tensor, "b c t h w"], size: int) -> UInt8[Tensor, "b c t size size"]:
    """The middle ``size`` x ``size`` window of every clip."""
    top, left = ((edge - size) // 2 for edge in frames.shape[-2:])
    return frames[..., top : top + size, left : left + size]


def random_crop(
    frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
) -> UInt8[Tensor, "b c t size size"]:
    """One uniformly drawn ``size`` x ``size`` window per clip.

    Raises:
        ValueError: the window is larger than the frame.
    """
    b, _, _, h, w = frames.shape
    if size > min(h, w):
        raise ValueError(f"random_crop: a window of {size} does not fit into frames of {h}x{w}")
    top = torch.randint(h - size + 1, (b,), generator=rng).tolist()
    left = torch.randint(w - size + 1, (b,), generator=rng).tolist()
    windows = [
        clip[..., y : y + size, x : x + size] for clip, y, x in zip(frames, top, left, strict=True)
    ]
    return torch.stack(windows)


def random_flip(frames: UInt8[Tensor, "b c t h w"], rng: Generator, p: float = 0.5) -> UInt8[Tensor, "b c t h w"]:
    """Mirror whole clips left to right with probability ``p``."""
    mirrored = torch.rand(len(frames), generator=rng) < p
    return torch.where(mirrored.to(frames.device).view(-1, 1, 1, 1, 1), frames.flip(-1), frames)
