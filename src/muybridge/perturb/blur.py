"""Blur within a frame: out of focus, in motion, zooming.

Constants of Hendrycks and Dietterich, ICLR 2019, which the video benchmarks share. Sums are in float32 (zoom on a CPU: in whole numbers
from resized bytes), so machines and devices may differ by one level; the same machine gives the same bits.

Sizes in pixels are absolute in the published tables: at 112 x 112 a radius of 10 blurs twice as much of the picture as at 224 x 224. With
``reference`` they are those of a picture whose short side is ``reference`` pixels, and scale with the short side of the frames.
``rounding``: ``"half"`` to the nearest level, ``"floor"`` as in the sources.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64, UInt8
from torch import Tensor

from muybridge.core.clip import as_bytes
from muybridge.perturb.noise import Rounding
from muybridge.perturb.streams import Streams

Taps: TypeAlias = dict[tuple[int, int], float]
NEGLIGIBLE = 2.0**-11
MAX_ANGLE = 45.0


def defocus_blur(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    radius: int,
    alias: float,
    rounding: Rounding = "half",
) -> UInt8[Tensor, "b c t h w"]:
    """Mean over the pixels within ``radius``, the disc smoothed by a Gaussian of deviation ``alias``; border mirrored."""
    kernel = smoothed_disc(radius, alias)
    return each(frames, lambda clip: levels(convolved(clip, kernel), rounding))


def disc_blur(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, radius: float, reference: int
) -> UInt8[Tensor, "b c t h w"]:
    """Mean over a disc of ``radius`` at a short side of ``reference``, pixels counted by the area covered; border mirrored."""
    kernel = covered_disc(radius * min(frames.shape[-2:]) / reference + 0.5)
    return each(frames, lambda clip: levels(convolved(clip, kernel), "half"))


def motion_blur(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    radius: float,
    sigma: float,
    per: Literal["clip", "frame"] = "clip",
    reference: int | None = None,
    rounding: Rounding = "half",
) -> UInt8[Tensor, "b c t h w"]:
    """One-sided smear along a line: half of a Gaussian of deviation ``sigma``, cut at ``2 radius`` pixels; border repeated.

    The angle is drawn from -45 to 45 degrees, once per clip (one movement) or anew for every frame (as published, the direction
    flickers).
    """
    scale = min(frames.shape[-2:]) / reference if reference else 1.0
    weights = half_gaussian(round(2 * radius * scale) + 1, sigma * scale)
    result = torch.empty_like(frames, memory_format=torch.contiguous_format)
    for clip in range(len(frames)):
        angles = streams.rng(clip).uniform(-MAX_ANGLE, MAX_ANGLE, frames.shape[2])
        parts = [slice(None)] if per == "clip" else [slice(f, f + 1) for f in range(frames.shape[2])]
        for part, angle in zip(parts, angles, strict=False):
            result[clip, :, part] = levels(smeared(frames[clip, :, part], taps(weights, angle)), rounding)
    return result


def zoom_blur(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    zooms: Sequence[float],
    trim: Literal["centre", "corner"] = "centre",
    rounding: Rounding = "half",
) -> UInt8[Tensor, "b c t h w"]:
    """Mean of the clip and its enlargements by every factor of ``zooms``, each axis on its own.

    An enlargement is the central ``ceil(size / zoom)`` resized to ``round(ceil(size / zoom) zoom)``, corners on corners, and cut to
    size: in the centre, or at the top left as the resolution-free port imagecorruptions does.
    """
    return each(frames, lambda clip: levels(zoomed(clip, zooms, trim), rounding))


def each(
    frames: UInt8[Tensor, "b c t h w"],
    change: Callable[[UInt8[Tensor, "c t h w"]], UInt8[Tensor, "c t h w"]],
) -> UInt8[Tensor, "b c t h w"]:
    """Clip by clip, so that the arithmetic of a clip does not depend on its batch."""
    return torch.stack([change(clip) for clip in frames]) if len(frames) else frames


def levels(values: Float[Tensor, "..."], rounding: Rounding) -> UInt8[Tensor, "..."]:
    """Whole levels 0 to 255; changes ``values``. Sums just below a whole number count as that number."""
    return as_bytes(values.add_(0.5 if rounding == "half" else 2.0**-12).clamp_(0, 255))


def convolved(
    clip: UInt8[Tensor, "c t h w"], kernel: Float64[np.ndarray, "k k"]
) -> Float32[Tensor, "c t h w"]:
    """Every plane convolved, border mirrored; depth-wise over the frames of a channel, whose values stay in the cache of a CPU."""
    t = clip.shape[1]
    weight = torch.from_numpy(kernel).to(clip.device, torch.float32).expand(t, 1, -1, -1).contiguous()
    padded = (mirrored(channel[None].float(), len(kernel) // 2) for channel in clip)
    return torch.cat([F.conv2d(planes, weight, groups=t) for planes in padded])


def mirrored(planes: Float32[Tensor, "1 n h w"], pad: int) -> Float32[Tensor, "1 n h+2*{pad} w+2*{pad}"]:
    """Mirror at the border, as often as a picture smaller than the padding needs; a single row or column is repeated."""
    if 1 in planes.shape[-2:]:
        return F.pad(planes, (pad, pad, pad, pad), mode="replicate")
    left = [pad, pad]
    while any(left):
        step = [min(need, size - 1) for need, size in zip(left, planes.shape[-2:], strict=True)]
        planes = F.pad(planes, (step[1], step[1], step[0], step[0]), mode="reflect")
        left = [need - done for need, done in zip(left, step, strict=True)]
    return planes


def smoothed_disc(radius: int, alias: float) -> Float64[np.ndarray, "k k"]:
    """The published kernel: 17 x 17 up to radius 8, smoothed over 3 x 3, else as wide as the disc, over 5 x 5; zero rims cut off."""
    reach, taps = (8, 3) if radius <= 8 else (radius, 5)
    axis = np.arange(-reach, reach + 1)
    disc = (axis[:, None] ** 2 + axis**2 <= radius**2).astype(np.float64)
    smooth = np.exp(-((np.arange(taps) - taps // 2) ** 2) / (2 * alias**2))
    padded = np.pad(disc / disc.sum(), taps // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (taps, taps))
    kernel: np.ndarray = np.einsum("ijkl,k,l->ij", windows, smooth / smooth.sum(), smooth / smooth.sum())
    rim = min(int((kernel[reach] > 1e-9).argmax()), int((kernel[:, reach] > 1e-9).argmax()))
    return kernel[rim : len(kernel) - rim, rim : len(kernel) - rim]


def covered_disc(radius: float) -> Float64[np.ndarray, "k k"]:
    """The share of every pixel that a disc covers, sampled at 16 x 16 points, normalised."""
    reach = math.ceil(radius - 0.5)
    axis = (np.arange((2 * reach + 1) * 16) + 0.5) / 16 - reach - 0.5
    inside = axis[:, None] ** 2 + axis**2 <= radius**2
    kernel: np.ndarray = inside.reshape(2 * reach + 1, 16, 2 * reach + 1, 16).sum((1, 3), dtype=np.float64)
    kernel /= kernel.sum()
    return kernel


def half_gaussian(count: int, sigma: float) -> Float64[np.ndarray, "n"]:
    """Weights of a one-sided Gaussian kernel; the far end is left out where it weighs less than a 2,048th."""
    weights = np.exp(-(np.arange(count) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    kept: np.ndarray = weights[: int(np.searchsorted(np.cumsum(weights), 1 - NEGLIGIBLE)) + 1]
    kept /= kept.sum()
    return kept


def taps(weights: Float64[np.ndarray, "n"], angle: float) -> Taps:
    """Shift to the right and down of every weight along a line at an angle in degrees; those on one pixel are added up."""
    across, down = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    found: Taps = {}
    for i, weight in enumerate(weights.tolist()):
        shift = -math.ceil(i * across - 0.5), -math.ceil(i * down - 0.5)
        found[shift] = found.get(shift, 0.0) + weight
    return found


def smeared(clip: UInt8[Tensor, "c t h w"], taps: Taps) -> Float32[Tensor, "c t h w"]:
    """Sum of shifted and weighted clips, with the outermost pixels repeated beyond the border."""
    h, w = clip.shape[-2:]
    right, down = (max(max(shift[axis], 0) for shift in taps) for axis in (0, 1))
    left, up = (max(max(-shift[axis], 0) for shift in taps) for axis in (0, 1))
    padded = F.pad(clip.float(), (right, left, down, up), mode="replicate")
    total = torch.zeros_like(clip, dtype=torch.float32, memory_format=torch.contiguous_format)
    for (x, y), weight in taps.items():
        total.add_(padded[..., down - y : down - y + h, right - x : right - x + w], alpha=weight)
    return total


def zoomed(
    clip: UInt8[Tensor, "c t h w"], zooms: Sequence[float], trim: Literal["centre", "corner"]
) -> Float32[Tensor, "c t h w"]:
    """Mean of a clip and its enlargements. On a CPU bytes are resized to bytes, three times as fast as floats."""
    h, w = clip.shape[-2:]
    values, sums = working(clip.device)
    planes = clip.transpose(0, 1).contiguous(memory_format=torch.channels_last).to(values)
    total = planes.to(sums, copy=True)
    for zoom in zooms:
        top, height, above, tall = _cut(h, zoom, trim)
        left, width, before, wide = _cut(w, zoom, trim)
        centre = planes[..., top : top + height, left : left + width]
        large = F.interpolate(centre, size=(tall, wide), mode="bilinear", align_corners=True)
        total += large[..., above : above + h, before : before + w]
    return total.transpose(0, 1).float().div_(len(zooms) + 1)


def working(device: torch.device) -> tuple[torch.dtype, torch.dtype]:
    """Types in which pictures are resized and summed up: only CPUs resize bytes."""
    return (torch.uint8, torch.int16) if device.type == "cpu" else (torch.float32, torch.float32)


def _cut(size: int, zoom: float, trim: Literal["centre", "corner"]) -> tuple[int, int, int, int]:
    """Along one axis: start and length of the central part, start of the result in its enlargement and length of that."""
    part = math.ceil(size / zoom)
    large = max(round(part * zoom), size)
    return (size - part) // 2, part, (large - size) // 2 if trim == "centre" else 0, large
