"""Camera motion: the picture turned or shifted, as a whole or along a path.

Types of Schiappa et al., CVPR 2023 (arXiv 2207.01398). ``smooth_*`` departs from the paper: the published camera jumps to an unrelated
angle or place at every frame, ours follows a smooth path, one draw per clip. The smooth and the bilinear ones mirror the picture at its
edges; the published ones leave black.

Coordinates are 16.16 integers and weights have 8 bits, so that CPU and GPU give the same bits.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int32, Int64, Real, UInt8
from torch import Tensor

from muybridge.perturb.profiles import Ladder
from muybridge.perturb.streams import Streams

Maps = Float64[np.ndarray, "b n 2 3"]
Angles = Float64[np.ndarray, "b t"]
SIDE = 224
"""Shifts are given in pixels of pictures with this short side, and scaled to others."""

PIXELS = 1 << 16
"""Of a frame, interpolated at a time on a CPU."""

CANVAS = 256
"""Short side of the picture from which the published samples cut their crops of 224."""


def static_rotation(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, degrees: float
) -> UInt8[Tensor, "b c t h w"]:
    """Turn every frame by one angle, counter-clockwise about the centre; bilinear, mirrored at the edges; deterministic."""
    return bilinear(frames, rotations(np.full((len(frames), 1), degrees)))


def random_rotation(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, degrees: float
) -> UInt8[Tensor, "b c t h w"]:
    """Turn along a smooth path of angles whose largest is ``degrees``, either way; bilinear, mirrored at the edges."""
    paths = [smooth_path(frames.shape[2], 1, streams.rng(clip))[0] for clip in range(len(frames))]
    return bilinear(frames, rotations(degrees * np.stack(paths)))


def held_rotation(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, degrees: float
) -> UInt8[Tensor, "b c t h w"]:
    """Turn every frame of a clip by one angle, to a side that is drawn for the clip; bilinear, mirrored at the edges.

    ``swinging_rotation`` and ``jittered_rotation`` turn every clip as far, on average over its frames, so that two of the three differ in
    how the angle changes alone. The published static and variable rotation differ in strength too: 7.5 to 90 degrees against 3.7 to 15.7
    on average.
    """
    return bilinear(frames, rotations(_held(frames.shape[2], streams, degrees)[:, :1]))


def swinging_rotation(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, degrees: float
) -> UInt8[Tensor, "b c t h w"]:
    """Turn along a smooth path of angles about zero, ``degrees`` away on average over each clip; bilinear, mirrored at the edges."""
    return bilinear(frames, rotations(_swinging(frames.shape[2], streams, degrees)))


def jittered_rotation(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, degrees: float
) -> UInt8[Tensor, "b c t h w"]:
    """Turn each frame by an angle of its own about zero, ``degrees`` away on average over each clip; bilinear, mirrored at the edges."""
    return bilinear(frames, rotations(_jittered(frames.shape[2], streams, degrees)))


def _held(length: int, streams: Streams, degrees: float) -> Angles:
    sides = [1.0 if streams.rng(clip).random() < 0.5 else -1.0 for clip in range(len(streams))]
    return np.repeat(degrees * np.array(sides)[:, None], length, axis=1)


def _swinging(length: int, streams: Streams, degrees: float) -> Angles:
    return _scaled([smooth_path(length, 1, streams.rng(clip))[0] for clip in range(len(streams))], degrees)


def _jittered(length: int, streams: Streams, degrees: float) -> Angles:
    return _scaled([streams.rng(clip).uniform(-1, 1, length) for clip in range(len(streams))], degrees)


def _scaled(paths: list[Float64[np.ndarray, "t"]], degrees: float) -> Angles:
    """Paths stretched until their mean absolute value is that many degrees."""
    stacked = np.stack(paths)
    scaled: Angles = degrees * stacked / np.abs(stacked).mean(axis=1, keepdims=True)
    return scaled


def translation(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, shift: float
) -> UInt8[Tensor, "b c t h w"]:
    """Shift along a smooth path in the plane whose farthest point is ``shift`` away; bilinear, mirrored at the edges.

    Args:
        frames: clips.
        streams: one per clip.
        shift: pixels at a short side of 224, in proportion at others.
    """
    paths = [smooth_path(frames.shape[2], 2, streams.rng(clip)).T for clip in range(len(frames))]
    offset = _scale(frames) * shift * np.stack(paths)
    small = frames[0, 0].numel() <= PIXELS
    return bilinear(frames, shifts(offset)) if small else shifted(frames, offset)


def static_rotation_nearest(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, degrees: float
) -> UInt8[Tensor, "b c t h w"]:
    """Turn as ``PIL.Image.rotate`` does: counter-clockwise, nearest pixel, black corners; deterministic."""
    return nearest(frames, rotations(np.full((len(frames), 1), degrees)))


def random_rotation_nearest(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, degrees: int
) -> UInt8[Tensor, "b c t h w"]:
    """Turn each frame by a whole number of degrees of its own, uniform from ``-degrees`` to ``degrees``; nearest, black."""
    drawn = [
        streams.rng(clip).integers(-degrees, degrees + 1, frames.shape[2]) for clip in range(len(frames))
    ]
    return nearest(frames, rotations(np.stack(drawn)))


def translation_on_canvas(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, shift: int
) -> UInt8[Tensor, "b c t h w"]:
    """Cut each frame anew from a canvas of 256/224 of its side, 0 to ``shift`` pixels from the top and from the left.

    The canvas beyond the crop is not known any more: the crop is mirrored into it. Beyond the canvas lies black.

    Args:
        frames: clips.
        streams: one per clip.
        shift: pixels at a short side of 224, in proportion at others, rounded.
    """
    scale = _scale(frames)
    margin, far = round(scale * (CANVAS - SIDE) / 2), round(scale * shift)
    drawn = [streams.rng(clip).integers(0, far + 1, (frames.shape[2], 2)) for clip in range(len(frames))]
    return nearest(frames, shifts(np.stack(drawn) - margin), margin)


def translation_once(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, shift: int
) -> UInt8[Tensor, "b c t h w"]:
    """Move the clip up and left by one draw of 0 to ``shift - 1`` pixels each; black where nothing is left.

    Args:
        frames: clips.
        streams: one per clip.
        shift: pixels at a short side of 224, in proportion at others, rounded.
    """
    far = max(1, round(_scale(frames) * shift))
    drawn = [streams.rng(clip).integers(0, far, (1, 2)) for clip in range(len(frames))]
    return nearest(frames, shifts(np.stack(drawn)))


def _scale(frames: Tensor) -> float:
    return min(frames.shape[-2:]) / SIDE


def smooth_path(length: int, axes: int, rng: np.random.Generator) -> Float64[np.ndarray, "axes t"]:
    """Path about its mean of at most one and a half swings, its farthest point at distance 1; a single point lies there."""
    swing = np.arange(1, 4)[:, None]
    angle = np.pi * swing * np.arange(length) / max(1, length - 1)
    size, phase = rng.normal(size=(axes, 3)) / swing[:, 0], rng.uniform(0, 2 * np.pi, (axes, 3, 1))
    path = np.einsum("as,ast->at", size, np.cos(angle + phase))
    path -= path.mean(axis=1, keepdims=True) if length > 1 else 0
    return np.asarray(path / np.linalg.norm(path, axis=0).max())


def rotations(degrees: Real[np.ndarray, "b n"]) -> Maps:
    """Where the pixels of turned pictures come from: coordinates (y, x, 1) about the centre to (y, x) about the centre."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    zero = np.zeros_like(cos)
    return np.stack([np.stack([cos, sin, zero], -1), np.stack([-sin, cos, zero], -1)], -2)


def shifts(offset: Real[np.ndarray, "b n 2"]) -> Maps:
    """Where the pixels of shifted pictures come from: that many rows down and columns to the right."""
    turn = np.broadcast_to(np.eye(2), (*offset.shape[:2], 2, 2))
    return np.concatenate([turn, offset[..., None]], -1)


def bilinear(frames: UInt8[Tensor, "b c t h w"], maps: Maps) -> UInt8[Tensor, "b c t h w"]:
    """Pictures under maps, one per clip or one per frame; weights in steps of 1/256, mirrored at the edges.

    On a CPU a few frames at a time, so that what it makes stays in the cache.
    """
    if frames.device.type != "cpu":
        return _interpolated(frames, Corners.of(maps, frames))
    step = max(1, PIXELS // frames[0, 0, 0].numel())
    result = torch.empty_like(frames, memory_format=torch.contiguous_format)
    for clip in range(len(frames)):
        one = slice(clip, clip + 1)
        still = Corners.of(maps[one], frames[one]) if maps.shape[1] == 1 else None
        for start in range(0, frames.shape[2], step):
            some = slice(start, start + step)
            result[one, :, some] = _interpolated(
                frames[one, :, some], still or Corners.of(maps[one, some], frames[one])
            )
    return result


@dataclass(frozen=True)
class Corners:
    """The four pixels around where each pixel comes from, in pictures that go on mirrored as far as any of them lies.

    Attributes:
        rows: from the first to behind the last row of the picture that goes on.
        columns: the same.
        first: place of the upper left of the four in it, flattened.
        weights: of upper left, upper right, lower left and lower right; they add up to 65536.
    """

    rows: range
    columns: range
    first: Int64[Tensor, "b n hw"]
    weights: tuple[Int32[Tensor, "b 1 n h w"], ...]

    @classmethod
    def of(cls, maps: Maps, frames: Tensor) -> "Corners":
        """Those of pictures under maps."""
        rows, columns = _coordinates(maps, frames)
        down, right = ((place >> 8).bitwise_and_(255)[:, None] for place in (rows, columns))
        up, left = 256 - down, 256 - right
        tall, wide = (
            _reach(place.bitwise_right_shift_(16), size)
            for place, size in zip((rows, columns), frames.shape[-2:], strict=True)
        )
        first = rows.sub_(tall.start).mul_(len(wide)).add_(columns).sub_(wide.start)
        return cls(tall, wide, first.flatten(2).long(), (up * left, up * right, down * left, down * right))


def _reach(places: Int32[Tensor, "*s"], size: int) -> range:
    """From the first place to the one behind the last, and at least the picture itself."""
    low, high = (int(bound) for bound in torch.aminmax(places)) if places.numel() else (0, 0)
    return range(min(0, low), max(size, high + 2))


def _interpolated(frames: UInt8[Tensor, "b c t h w"], corners: Corners) -> UInt8[Tensor, "b c t h w"]:
    b, c, t, h, w = frames.shape
    around = _extended(_extended(frames, 3, corners.rows), 4, corners.columns).flatten(3)
    index = corners.first[:, None].expand(b, c, t, h * w)
    wide = len(corners.columns)
    total = torch.full(frames.shape, 1 << 15, dtype=torch.int32, device=frames.device)
    for step, weight in zip((0, 1, wide, wide + 1), corners.weights, strict=True):
        total.addcmul_(around[..., step:].gather(3, index).view(frames.shape).int(), weight)
    return total.bitwise_right_shift_(16).to(torch.uint8)


def _extended(frames: UInt8[Tensor, "b c t h w"], dim: int, reach: range) -> UInt8[Tensor, "b c t h2 w2"]:
    """Pictures that go on mirrored along a dimension; in large pieces, which is several times faster than pixel by pixel."""
    before, behind = -reach.start, reach.stop - frames.shape[dim]
    while before or behind:
        size = frames.shape[dim]
        near, far = min(before, size), min(behind, size)
        ends = frames.narrow(dim, 0, near).flip(dim), frames.narrow(dim, size - far, far).flip(dim)
        frames = torch.cat([ends[0], frames, ends[1]], dim)
        before, behind = before - near, behind - far
    return frames


def shifted(
    frames: UInt8[Tensor, "b c t h w"], offset: Float64[np.ndarray, "b t 2"]
) -> UInt8[Tensor, "b c t h w"]:
    """What ``bilinear`` gives under ``shifts``, first between rows and then between columns.

    Args:
        frames: clips.
        offset: rows down and columns to the right from where each frame's pixels come.
    """
    (height, width), length = frames.shape[-2:], frames.shape[2]
    step = max(1, PIXELS // frames[0, 0, 0].numel())
    result = torch.empty_like(frames, memory_format=torch.contiguous_format)
    for clip, start in itertools.product(range(len(frames)), range(0, length, step)):
        picture, own = frames[clip, :, start : start + step], offset[clip, start : start + step]
        which = torch.arange(len(own), device=frames.device)[:, None]
        (above, below), down = _between(own[:, 0], height, frames.device)
        rows = picture[:, which, above].int().mul_((256 - down)[..., None])
        rows.add_(picture[:, which, below].int().mul_(down[..., None]))
        (left, beyond), right = _between(own[:, 1], width, frames.device)
        near, far = (rows.gather(3, place[None, :, None].expand(rows.shape)) for place in (left, beyond))
        result[clip, :, start : start + step] = _byte(
            near.mul_((256 - right)[:, None]).add_(far.mul_(right[:, None]))
        )
    return result


def _between(
    offset: Float64[np.ndarray, "t"], size: int, device: torch.device
) -> tuple[list[Int64[Tensor, "t n"]], Int32[Tensor, "t n"]]:
    """The two rows or columns around where each one comes from, and 256 times the share of the second."""
    middle = (size - 1) / 2
    whole = np.rint(65536 * (offset[:, None] + middle)) + np.rint(65536 * (np.arange(size) - middle))
    place = torch.from_numpy(whole.astype(np.int32)).to(device)
    return [_mirrored((place >> 16) + step, size).long() for step in (0, 1)], (place >> 8) & 255


def _byte(total: Int32[Tensor, "*s"]) -> UInt8[Tensor, "*s"]:
    """65536 times a value to the nearest value."""
    return total.add_(1 << 15).bitwise_right_shift_(16).to(torch.uint8)


def nearest(frames: UInt8[Tensor, "b c t h w"], maps: Maps, margin: int = 0) -> UInt8[Tensor, "b c t h w"]:
    """Pictures under maps, one per clip or one per frame; mirrored up to ``margin`` pixels outside, black beyond."""
    height, width = frames.shape[-2:]
    rows, columns = _coordinates(maps, frames)
    rows, columns = (rows + (1 << 15)) >> 16, (columns + (1 << 15)) >> 16
    inside = (rows >= -margin) & (rows < height + margin) & (columns >= -margin) & (columns < width + margin)
    index = (_mirrored(rows, height) * width + _mirrored(columns, width)).flatten(2).long()
    return _picked(frames, index).mul_(inside[:, None])


def _coordinates(maps: Maps, frames: Tensor) -> tuple[Int32[Tensor, "b n h w"], Int32[Tensor, "b n h w"]]:
    """Rows and columns in units of 1/65536 pixel; sums of one vector down and one across, rounded before they are added."""
    height, width = frames.shape[-2:]
    y, x = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    found = []
    for row, middle in enumerate(((height - 1) / 2, (width - 1) / 2)):
        turn_y, turn_x, offset = (maps[:, :, row, i, None] for i in range(3))
        down = torch.from_numpy(np.rint(65536 * (turn_y * y + offset + middle)).astype(np.int32))
        across = torch.from_numpy(np.rint(65536 * turn_x * x).astype(np.int32))
        found.append(down.to(frames.device)[..., :, None] + across.to(frames.device)[..., None, :])
    return found[0], found[1]


def _mirrored(place: Int32[Tensor, "*s"], size: int) -> Int32[Tensor, "*s"]:
    """Places of a row that goes on mirrored at both ends: -1 is 0, ``size`` is ``size - 1``."""
    if place.numel() and (int(place.min()) < -size or int(place.max()) >= 2 * size):
        place = place.remainder(2 * size)
    place = place ^ (place >> 31)  # -1 - place where that is negative
    return torch.minimum(place, 2 * size - 1 - place)


def _picked(frames: UInt8[Tensor, "b c t h w"], index: Int64[Tensor, "b n hw"]) -> UInt8[Tensor, "b c t h w"]:
    """The pixels at places of the flattened picture, which are one map per clip or one per frame."""
    b, c, t, h, w = frames.shape
    return frames.reshape(b, c, t, h * w).gather(3, index[:, None].expand(b, c, t, h * w)).view(frames.shape)


def _static(length: int, streams: Streams, degrees: float) -> Angles:
    return np.full((len(streams), length), float(degrees))


def _random(length: int, streams: Streams, degrees: float) -> Angles:
    return degrees * np.stack([smooth_path(length, 1, streams.rng(clip))[0] for clip in range(len(streams))])


def _random_whole(length: int, streams: Streams, degrees: int) -> Angles:
    drawn = [streams.rng(clip).integers(-degrees, degrees + 1, length) for clip in range(len(streams))]
    return np.stack(drawn).astype(np.float64)


CAMERA = "muybridge.perturb.camera"
LAWS: Mapping[str, Callable[..., Angles]] = {
    f"{CAMERA}:held_rotation": _held,
    f"{CAMERA}:swinging_rotation": _swinging,
    f"{CAMERA}:jittered_rotation": _jittered,
    f"{CAMERA}:static_rotation": _static,
    f"{CAMERA}:static_rotation_nearest": _static,
    f"{CAMERA}:random_rotation": _random,
    f"{CAMERA}:random_rotation_nearest": _random_whole,
}
"""Angles of every rotation, by its target in a ladder."""


def mean_angle(ladder: Ladder, severity: int, length: int, streams: Streams) -> float | None:
    """Mean absolute angle, degrees, by which a type turns clips; None where it is no rotation.

    Args:
        ladder: of the type.
        severity: 1 to 5.
        length: frames of a clip.
        streams: those with which the clips are perturbed.
    """
    law = LAWS.get(ladder.target)
    if law is None or not len(streams):
        return None
    return float(np.abs(law(length, streams, **ladder.severities[severity - 1])).mean())
