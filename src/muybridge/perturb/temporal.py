"""Temporal perturbations: a new order of the frames of the sampled clip.

Types of Schiappa et al., Large-scale robustness analysis of video action recognition models, CVPR 2023 (arXiv 2207.01398); they apply
them to the whole video before sampling, we to the sampled clip.
"""

import torch
from jaxtyping import Int64, UInt8
from torch import Generator, Tensor

FREEZE_PROBABILITY = (0.12, 0.24, 0.36, 0.48, 0.60)


def jumbled(frames: int, severity: int, rng: Generator) -> Int64[Tensor, "t"]:
    """Order with frames shuffled inside aligned segments of ``max(2, severity / 5 of the clip)`` frames."""
    length = max(2, round(severity * frames / 5))
    starts = range(0, frames, length)
    return torch.cat([start + torch.randperm(min(length, frames - start), generator=rng) for start in starts])


def frozen(frames: int, severity: int, rng: Generator) -> Int64[Tensor, "t"]:
    """Order in which each frame but the first repeats its predecessor with probability .12 times the severity."""
    kept = torch.rand(frames, generator=rng) >= FREEZE_PROBABILITY[severity - 1]
    return torch.where(kept, torch.arange(frames), 0).cummax(0).values


def reversed_(frames: int, severity: int) -> Int64[Tensor, "t"]:
    """Order that plays every ``severity``-th frame, held, backwards; severity 1 is plain reversal."""
    held = torch.arange(frames) // severity * severity
    return held.flip(0)


def jumbling(frames: UInt8[Tensor, "c t h w"], severity: int, rng: Generator) -> UInt8[Tensor, "c t h w"]:
    """Shuffle frames inside segments."""
    return frames[:, jumbled(frames.shape[1], severity, rng).to(frames.device)]


def freezing(frames: UInt8[Tensor, "c t h w"], severity: int, rng: Generator) -> UInt8[Tensor, "c t h w"]:
    """Hold frames."""
    return frames[:, frozen(frames.shape[1], severity, rng).to(frames.device)]


def reversal(frames: UInt8[Tensor, "c t h w"], severity: int, rng: Generator) -> UInt8[Tensor, "c t h w"]:
    """Play backwards; deterministic."""
    return frames[:, reversed_(frames.shape[1], severity).to(frames.device)]
