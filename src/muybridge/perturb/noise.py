"""Noise, drawn anew for every pixel, channel and frame, by integer arithmetic alone: the same bits on every machine and device.

A 16-bit random word picks a quantile of the exact law from a table made once in float64, at the midpoint of its share: Gaussian noise
from 65,536 quantiles, whose tails end at 4.3 standard deviations; shot and speckle noise from 4,096 quantiles for each of the 256 pixel
values, whose tails end at 3.7.

Laws of Hendrycks and Dietterich, Benchmarking neural network robustness, ICLR 2019, which the video benchmarks share. ``rounding`` is
``"half"``, to the nearest level, or ``"floor"`` as in the sources, which darkens by half a level.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int16, Int32, UInt8
from scipy.special import ndtri, pdtr
from torch import Tensor

from muybridge.perturb.streams import Streams

Rounding: TypeAlias = Literal["half", "floor"]
Change: TypeAlias = Callable[[UInt8[Tensor, "..."], Int16[Tensor, "..."]], UInt8[Tensor, "..."]]
BITS = 12


def gaussian_noise(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, sigma: float, rounding: Rounding = "half"
) -> UInt8[Tensor, "b c t h w"]:
    """Add normal noise of standard deviation ``sigma``, a share of the full range."""
    table = gaussian_table(sigma, rounding).to(frames.device)
    return by_frame(frames, streams, lambda x, word: _look_up(table, _row(word)).add_(x).clamp_(0, 255))


def shot_noise(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, photons: float, rounding: Rounding = "half"
) -> UInt8[Tensor, "b c t h w"]:
    """Replace each value by a Poisson count whose mean is ``photons`` at full range."""
    return _by_quantile(frames, streams, shot_table(photons, rounding))


def speckle_noise(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, sigma: float, rounding: Rounding = "half"
) -> UInt8[Tensor, "b c t h w"]:
    """Multiply each value by 1 plus normal noise of standard deviation ``sigma``."""
    return _by_quantile(frames, streams, speckle_table(sigma, rounding))


def impulse_noise(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, amount: float
) -> UInt8[Tensor, "b c t h w"]:
    """Set a share ``amount`` of the values to 0 or 255, half of them each; pixels lose single channels, not all three."""
    edge = round(amount / 2 * 65536)
    darkest, brightest = edge - 32768, 32767 - edge

    def change(x: Tensor, word: Tensor) -> Tensor:
        return _mask(word >= darkest).bitwise_and_(x).bitwise_or_(_mask(word > brightest))

    return by_frame(frames, streams, change)


def by_frame(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, change: Change
) -> UInt8[Tensor, "b c t h w"]:
    """Apply ``change(values, words)`` with one word per value; on a CPU frame by frame, so that what it makes stays in the cache."""
    b, c, t, h, w = frames.shape
    words = streams.on(frames.device).words(t * c * h * w).view(b, t, c, h, w)
    if frames.device.type != "cpu":
        return change(frames, words.transpose(1, 2)).to(torch.uint8)
    result = torch.empty_like(frames, memory_format=torch.contiguous_format)
    for clip in range(b):
        for frame in range(t):
            result[clip, :, frame] = change(frames[clip, :, frame], words[clip, frame])
    return result


def _by_quantile(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, table: UInt8[Tensor, "values quantiles"]
) -> UInt8[Tensor, "b c t h w"]:
    flat = table.flatten().to(frames.device)

    def change(x: Tensor, word: Tensor) -> Tensor:
        return _look_up(flat, _row(word).bitwise_right_shift_(16 - BITS).add_(x.int() << BITS))

    return by_frame(frames, streams, change)


def _mask(where: Bool[Tensor, "..."]) -> UInt8[Tensor, "..."]:
    """255 where true, else 0."""
    return where.view(torch.uint8).neg_()


def _row(word: Int16[Tensor, "..."]) -> Int32[Tensor, "..."]:
    """Words as numbers from 0 to 65535."""
    return word.int().add_(32768)


def _look_up(table: Tensor, row: Int32[Tensor, "..."]) -> Tensor:
    return table.index_select(0, row.flatten()).view(row.shape)


@lru_cache(maxsize=64)
def gaussian_table(sigma: float, rounding: Rounding) -> Int16[Tensor, "65536"]:
    """Quantiles of 255 times a normal law of standard deviation ``sigma``, in whole levels."""
    return torch.from_numpy(_whole(255 * sigma * ndtri(_midpoints(16)), rounding).astype(np.int16))


@lru_cache(maxsize=64)
def shot_table(photons: float, rounding: Rounding) -> UInt8[Tensor, "256 4096"]:
    """Quantiles of ``255 Poisson(photons x / 255) / photons`` for every value x."""
    means, shares = photons * np.arange(256) / 255, _midpoints(BITS)
    possible = np.arange(int(photons + 6 * photons**0.5) + 6)
    counts = np.stack([np.searchsorted(pdtr(possible, mean), shares) for mean in means])
    return _levels(255 * counts / photons, rounding)


@lru_cache(maxsize=64)
def speckle_table(sigma: float, rounding: Rounding) -> UInt8[Tensor, "256 4096"]:
    """Quantiles of ``x (1 + sigma N)`` for every value x."""
    return _levels(np.arange(256)[:, None] * (1 + sigma * ndtri(_midpoints(BITS))), rounding)


def _midpoints(bits: int) -> Float64[np.ndarray, "n"]:
    return (np.arange(1 << bits) + 0.5) / (1 << bits)


def _levels(values: Float64[np.ndarray, "..."], rounding: Rounding) -> UInt8[Tensor, "..."]:
    return torch.from_numpy(np.clip(_whole(values, rounding), 0, 255).astype(np.uint8))


def _whole(values: Float64[np.ndarray, "..."], rounding: Rounding) -> Float64[np.ndarray, "..."]:
    """Whole levels: halves go up, or everything down."""
    return np.floor(values + 0.5 if rounding == "half" else values)
