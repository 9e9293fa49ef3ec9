"""Noise, drawn anew for every pixel, channel and frame.

Constants of Hendrycks and Dietterich, Benchmarking neural network robustness, ICLR 2019, which the video benchmarks share
(Schiappa et al., CVPR 2023, arXiv 2207.01398).
"""

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

GAUSSIAN_SIGMA = (0.08, 0.12, 0.18, 0.26, 0.38)


def gaussian_noise(
    frames: UInt8[Tensor, "c t h w"], severity: int, rng: Generator
) -> UInt8[Tensor, "c t h w"]:
    """Add normal noise; rounds to the nearest level (the sources floor, which darkens by half a level)."""
    noise = torch.randn(frames.shape, generator=rng, device=rng.device).to(frames.device)
    noisy = noise.mul_(255 * GAUSSIAN_SIGMA[severity - 1]).add_(frames)
    return noisy.round_().clamp_(0, 255).to(torch.uint8)
