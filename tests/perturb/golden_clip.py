"""A fixed clip made of integers, and what its perturbed versions are compared by."""

import hashlib

import torch
from torch import Tensor

from muybridge.core.clip import Clip
from muybridge.perturb.apply import perturb

EVERY = (slice(0, 1), slice(None), slice(3, None, 8), slice(4, None, 8), slice(4, None, 8))
"""The part of a batch that is stored of perturbations in floating point."""


def golden_clip(t: int = 16, h: int = 48, w: int = 64) -> Clip:
    """Two clips of moving ramps and squares."""
    b, c, f, y, x = torch.meshgrid(*(torch.arange(n) for n in (2, 3, t, h, w)), indexing="ij")
    squares = ((x + 2 * f) // 12 + (y + f) // 10 + b) % 2
    frames = (squares * 90 + x * (c + 1) + y * 2 + 3 * f + 40 * b) % 256
    return Clip(frames.to(torch.uint8), torch.zeros(2, dtype=torch.int64), ["first", "second"])


def perturbed(profile: str, type: str, severity: int) -> Tensor:
    """Frames of the golden clip in one cell."""
    return perturb(
        golden_clip(), type, severity, profile=profile, dataset="golden", views=[0, 1], seed=0
    ).frames


def checksum(frames: Tensor) -> str:
    """BLAKE2b of the bytes."""
    return hashlib.blake2b(frames.contiguous().numpy().tobytes(), digest_size=8).hexdigest()


def thinned(frames: Tensor) -> str:
    """A small part of the frames, as hexadecimal digits."""
    return frames[EVERY].contiguous().numpy().tobytes().hex()
