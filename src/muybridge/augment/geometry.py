"""Geometric augmentation, drawn once per clip and applied to all its frames at once."""

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor


def centre_crop(frames: UInt8[Tensor, "b c t h w"], size: int) -> UInt8[Tensor, "b c t size size"]:
    """The middle ``size`` x ``size`` window of every clip.

    Raises:
        ValueError: the window is larger than the frame.
    """
    _check_fit("centre_crop", frames, size)
    top, left = ((edge - size) // 2 for edge in frames.shape[-2:])
    return frames[..., top : top + size, left : left + size]


def random_crop(
    frames: UInt8[Tensor, "b c t h w"], size: int, rng: Generator
) -> UInt8[Tensor, "b c t size size"]:
    """One uniformly drawn ``size`` x ``size`` window per clip.

    Raises:
        ValueError: the window is larger than the frame.
    """
    _check_fit("random_crop", frames, size)
    b, _, _, h, w = frames.shape
    top = torch.randint(h - size + 1, (b,), generator=rng).tolist()
    left = torch.randint(w - size + 1, (b,), generator=rng).tolist()
    windows = [clip[..., y : y + size, x : x + size] for clip, y, x in zip(frames, top, left, strict=True)]
    return torch.stack(windows)


def random_flip(
    frames: UInt8[Tensor, "b c t h w"], rng: Generator, p: float = 0.5
) -> UInt8[Tensor, "b c t h w"]:
    """Mirror whole clips left to right with probability ``p``."""
    mirrored = torch.rand(len(frames), generator=rng) < p
    return torch.where(mirrored.to(frames.device).view(-1, 1, 1, 1, 1), frames.flip(-1), frames)


def _check_fit(name: str, frames: Tensor, size: int) -> None:
    h, w = frames.shape[-2:]
    if size > min(h, w):
        raise ValueError(f"{name}: a window of {size} does not fit into frames of {h}x{w}")
