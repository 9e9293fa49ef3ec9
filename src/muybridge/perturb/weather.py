"""Weather: fog and rain.

Fog: Hendrycks and Dietterich, Benchmarking neural network robustness, ICLR 2019. Rain, and one layer of fog per clip: Yi et al.,
NeurIPS 2021 datasets track (arXiv 2110.06513).
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, UInt8
from torch import Tensor
from torch.nn import functional as F

from muybridge.perturb.colour import means, to_bytes
from muybridge.perturb.noise import Rounding
from muybridge.perturb.streams import Streams

DROP = 220
"""Grey level of a drop, and its opacity in 1/255."""


def fog(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    density: float,
    decay: float,
    flicker: bool = False,
    rounding: Rounding = "half",
) -> UInt8[Tensor, "b c t h w"]:
    """Add a cloud and scale back to the brightest level of each frame.

    Args:
        frames: clips.
        streams: one per clip.
        density: the cloud's largest value, a multiple of the full range.
        decay: by which finer and finer parts of the cloud get weaker; smaller is finer grained.
        flicker: another cloud for every frame, as for still pictures, instead of one per clip.
        rounding: to the nearest level or down.
    """
    t, h, w = frames.shape[2:]
    size, layers = 1 << (max(h, w) - 1).bit_length(), t if flicker else 1
    clouds = [plasma(layers, size, decay, streams.rng(clip))[:, :h, :w] for clip in range(len(frames))]
    cloud = torch.from_numpy(255 * density * np.stack(clouds)).float().to(frames.device)
    brightest = frames.amax((1, 3, 4), keepdim=True).float()
    foggy = cloud[:, None].add(frames).mul_(brightest).div_(brightest + 255 * density)
    return to_bytes(foggy, rounding)


def plasma(count: int, size: int, decay: float, rng: np.random.Generator) -> Float64[np.ndarray, "n s s"]:
    """Clouds in [0, 1] by the diamond-square algorithm on a torus: means of four neighbours plus ever weaker noise.

    Args:
        count: number of clouds.
        size: of a side, a power of two.
        decay: the noise is divided by its square from one step to the next.
        rng: noise.
    """
    cloud, step, noise = np.zeros((count, size, size)), size, 100.0

    def mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.asarray((first + second) / 4 + noise * rng.uniform(-noise, noise, first.shape))

    while step >= 2:
        half = step // 2
        corners = cloud[:, ::step, ::step]
        rows = corners + np.roll(corners, -1, 1)
        middle = cloud[:, half::step, half::step] = mean(rows, np.roll(rows, -1, 2))
        cloud[:, ::step, half::step] = mean(middle + np.roll(middle, 1, 1), corners + np.roll(corners, -1, 2))
        cloud[:, half::step, ::step] = mean(middle + np.roll(middle, 1, 2), corners + np.roll(corners, -1, 1))
        step, noise = half, noise / decay
    cloud -= cloud.min((1, 2), keepdims=True)
    return np.asarray(cloud / np.maximum(cloud.max((1, 2), keepdims=True), np.finfo(float).tiny))


def rain(
    frames: UInt8[Tensor, "b c t h w"],
    streams: Streams,
    *,
    area: int,
    length: int,
    contrast: float,
    rounding: Rounding = "half",
) -> UInt8[Tensor, "b c t h w"]:
    """Draw bright streaks, blurred and anew for each frame, then lower the contrast about the mean of each frame and channel.

    Args:
        frames: clips.
        streams: one per clip.
        area: pixels per drop.
        length: of a drop, pixels; at most the height of the picture less one (departs from the source, which fails there).
        contrast: factor.
        rounding: to the nearest level or down.
    """
    result = torch.empty_like(frames, memory_format=torch.contiguous_format)
    for clip in range(len(frames)):
        wet = torch.from_numpy(_drops(frames, streams.rng(clip), area, length)).to(frames.device)
        for frame, picture in enumerate(frames[clip].unbind(1)):
            shown = _rained(picture.float(), wet[frame])
            mean = means(shown, (1, 2))
            shown = shown.sub_(mean).mul_(contrast).add_(mean).div_(255)
            result[clip, :, frame] = to_bytes(shown, rounding)
    return result


def _rained(picture: Float[Tensor, "c h w"], wet: Bool[Tensor, "h w"]) -> Float[Tensor, "c h w"]:
    """255 times the picture behind streaks: lightened where wet, all blurred over 3x3, the blurred laid over the picture where wet."""
    light = (1 - picture / 255).mul_(1 - means(picture, (0, 1, 2)) / 255).mul_(wet * DROP).floor_()
    edged = F.pad(light.add_(picture)[None], (1, 1, 1, 1), "reflect")[0]
    rows = edged[:, :-2] + edged[:, 1:-1] + edged[:, 2:]
    blurred = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]).div_(9).round_()
    return picture.mul(255).add_((blurred.sub_(picture)).mul_(wet * DROP))


def _drops(frames: Tensor, rng: np.random.Generator, area: int, length: int) -> Bool[np.ndarray, "t h w"]:
    """Where drops lie in each frame of one clip: from the top down, half of each one column further left."""
    t, h, w = frames.shape[2:]
    length, mask = min(length, h - 1), np.zeros((t, h, w), np.bool_)
    down = np.arange(length + 1)
    for picture in mask:
        slant = int(rng.integers(-10, 10))
        x = rng.integers(min(slant, 0), max(1, w - max(slant, 0)), h * w // area)
        y = rng.integers(0, h - length, h * w // area)
        rows, columns = y[:, None] + down, x[:, None] - (2 * down > length)
        seen = (columns >= 0) & (columns < w)
        picture[rows[seen], columns[seen]] = True
    return mask
