"""One clip of the embedded data sets: a handwritten digit moves before a panning photo and a distractor disc.

Five attributes describe an object at a time: x, y, scale, rotation and opacity. A motion sweeps exactly one
of them; the others keep the value that a sweep of their own has at a random time. So a frame at a random
time has the same distribution in every motion class, and only the order of frames tells the class. At a
known time it has not: what grows is small in the first frame, whatever the design. Every motion played
backwards is another motion: its partner.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy.lib.stride_tricks import sliding_window_view

from muybridge.core import seeding
from muybridge.data.sets.builtin_assets import SPLITS, digit_pool, enlarged, photos

OBJECTS = tuple(str(digit) for digit in range(10))
MOTIONS = (
    "move-right",
    "move-left",
    "move-down",
    "move-up",
    "approach",
    "recede",
    "rotate-clockwise",
    "rotate-counterclockwise",
    "appear",
    "disappear",
    "accelerate",
    "decelerate",
)
SPEED_PAIR = 5
SWEEP = (0.6, 1.0)
"""Part of its range that an attribute crosses at constant speed."""
SPEED_SWEEP = (0.5, 0.8)
SPEED_BETA = 0.7
"""Both for a changing speed: with them a position at a random time is distributed as under ``SWEEP``, within
2.5 % (total variation, found by a grid search)."""
SLOWEST = 0.1
"""First speed of an accelerating object over its mean speed; the last is 1.9."""
DISC_SIDE = 16
BRIGHTNESS = 0.35
"""Of the background, over the photo's."""
PAN = 0.3
"""Farthest way of the background within a clip, in frame sides, along each axis."""


@dataclass(frozen=True)
class Ranges:
    """Lowest and highest value of the attributes of an object.

    Attributes:
        position: of the centre, in half frames from the middle.
        scale: of its side, in frame sides.
        rotation: in radians, clockwise.
        opacity: 0 to 1.
    """

    position: tuple[float, float]
    scale: tuple[float, float]
    rotation: tuple[float, float]
    opacity: tuple[float, float]

    def spread(self, unit: Float[np.ndarray, "5 t"]) -> Float32[np.ndarray, "5 t"]:
        """Attributes (x, y, scale, rotation, opacity) from 0..1 to their ranges."""
        table = np.array([self.position, self.position, self.scale, self.rotation, self.opacity])
        return np.asarray(table[:, :1] + unit * (table[:, 1:] - table[:, :1]), np.float32)


DIGIT = Ranges(position=(-0.45, 0.45), scale=(0.48, 0.9), rotation=(-0.45, 0.45), opacity=(0.35, 1.0))
DISC = Ranges(position=(-0.8, 0.8), scale=(0.2, 0.45), rotation=(-3.1, 3.1), opacity=(0.0, 0.55))


@dataclass(frozen=True)
class Recipe:
    """What decides a clip before anything is drawn.

    Attributes:
        digit: row of ``builtin_assets.digits``.
        object: label in ``builtin-objects``.
        motion: label in ``builtin-motions``.
    """

    digit: int
    object: str
    motion: str


def partner(motion: str) -> str:
    """The motion that a reversed clip of this motion shows.

    Raises:
        ValueError: not one of ``MOTIONS``.
    """
    if motion not in MOTIONS:
        raise ValueError(f"no motion {motion!r}; there are {', '.join(MOTIONS)}")
    return MOTIONS[MOTIONS.index(motion) ^ 1]


def recipe(seed: int, split: str, index: int) -> Recipe:
    """Labels and source digit of a clip.

    Clips 0 to 119, 120 to 239, ... show each pair of an object and a motion once, so both labels are balanced
    and independent, up to a remainder. A class goes round its digits in a random order, each equally often.
    """
    label = (index + index // 60) % len(OBJECTS)
    pool = digit_pool(split, label)
    order = seeding.rng(seed, "builtin", split, "digits", label).permutation(len(pool))
    return Recipe(int(pool[order[index // 10 % len(pool)]]), OBJECTS[label], MOTIONS[index % len(MOTIONS)])


def render(
    seed: int, split: str, index: int, *, frames: int = 24, size: int = 36
) -> tuple[UInt8[np.ndarray, "t h w 3"], str, str]:
    """Render one clip: a pure function of its arguments.

    Args:
        seed: of the data set.
        split: ``train`` or ``test``: disjoint digits and photos.
        index: of the clip within its split.
        frames: number of frames, at least 2.
        size: side of a frame in pixels, at least 16.

    Returns:
        RGB frames, object label, motion label.
    """
    if split not in SPLITS or index < 0 or frames < 2 or size < 16:
        raise ValueError(
            "render: wanted split train or test, index >= 0, frames >= 2 and size >= 16,"
            f" not {split}, {index}, {frames} and {size}"
        )
    made = recipe(seed, split, index)
    rng = seeding.rng(seed, "builtin", split, "clip", index)
    pictures = photos(split, size)
    canvas = _background(rng, pictures[rng.integers(len(pictures))], frames, size)
    _add_disc(rng, canvas, pictures[rng.integers(len(pictures))])
    _add_digit(rng, canvas, enlarged(made.digit), made.motion)
    whole = np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(whole.transpose(1, 2, 3, 0)), made.object, made.motion


def program(rng: np.random.Generator, motion: str, frames: int) -> Float[np.ndarray, "5 t"]:
    """Attributes x, y, scale, rotation, opacity over time, from 0 to 1; the motion sweeps one of them."""
    time = np.linspace(0, 1, frames)
    extent = rng.uniform(*SWEEP, (5, 1))
    steady = rng.uniform(0, 1 - extent) + extent * time
    values = np.repeat(np.take_along_axis(steady, rng.integers(frames, size=(5, 1)), axis=1), frames, axis=1)
    pair, backwards = divmod(MOTIONS.index(motion), 2)
    path = _speeding(rng, time) if pair == SPEED_PAIR else steady[pair]
    values[rng.integers(2) if pair == SPEED_PAIR else pair] = path[::-1] if backwards else path
    return values


def _speeding(rng: np.random.Generator, time: Float[np.ndarray, "t"]) -> Float[np.ndarray, "t"]:
    extent = rng.uniform(*SPEED_SWEEP)
    start = rng.beta(SPEED_BETA, SPEED_BETA) * (1 - extent)
    path = start + extent * (SLOWEST * time + (1 - SLOWEST) * time**2)
    return path if rng.random() < 0.5 else 1 - path


def _background(
    rng: np.random.Generator, photo: Float32[np.ndarray, "h w 3"], frames: int, size: int
) -> Float32[np.ndarray, "3 t s s"]:
    """A darkened crop that pans at constant speed."""
    room = np.array(photo.shape[:2]) - size - 2
    way = rng.uniform(-PAN, PAN, 2) * size
    start = rng.uniform(np.maximum(0, -way), room - np.maximum(0, way))
    corner = start + np.linspace(0, 1, frames)[:, None] * way
    whole = np.floor(corner).astype(np.int64)
    down, right = (corner - whole).astype(np.float32).T[:, :, None, None]
    windows = sliding_window_view(BRIGHTNESS * photo, (size + 1, size + 1), axis=(0, 1))
    crop = windows[whole[:, 0], whole[:, 1]].swapaxes(0, 1)
    crop = crop[..., :-1, :] + down * (crop[..., 1:, :] - crop[..., :-1, :])
    return np.asarray(crop[..., :-1] + right * (crop[..., 1:] - crop[..., :-1]))


def _add_disc(
    rng: np.random.Generator, canvas: Float32[np.ndarray, "3 t s s"], photo: Float32[np.ndarray, "h w 3"]
) -> None:
    """Paint the distractor: a tinted disc with the photo's brightness, under a motion program of its own."""
    top, left = rng.integers(0, np.array(photo.shape[:2]) - DISC_SIDE)
    texture = 0.2 + 0.8 * photo[top : top + DISC_SIDE, left : left + DISC_SIDE].mean(2)
    attributes = DISC.spread(program(rng, MOTIONS[rng.integers(len(MOTIONS))], canvas.shape[1]))
    down, right = _places(attributes, canvas.shape[-1])
    cover = np.clip((0.9 - np.sqrt(down * down + right * right)) * 5, 0, 1)
    _paint(canvas, cover * attributes[4, :, None, None], _bilinear(texture, down, right), _tint(rng, 0.6))


def _add_digit(
    rng: np.random.Generator,
    canvas: Float32[np.ndarray, "3 t s s"],
    ink: Float32[np.ndarray, "p p"],
    motion: str,
) -> None:
    attributes = DIGIT.spread(program(rng, motion, canvas.shape[1]))
    cover = _bilinear(ink, *_places(attributes, canvas.shape[-1]))
    _paint(canvas, cover * attributes[4, :, None, None], 1.0, _tint(rng, 0.9))


def _tint(rng: np.random.Generator, palest: float) -> Float32[np.ndarray, "3"]:
    return (rng.uniform(0.8, 1) * rng.uniform(palest, 1, 3)).astype(np.float32)


def _paint(
    canvas: Float32[np.ndarray, "3 t s s"],
    cover: Float32[np.ndarray, "t s s"],
    brightness: Float32[np.ndarray, "t s s"] | float,
    tint: Float32[np.ndarray, "3"],
) -> None:
    canvas *= 1 - cover
    light = cover * brightness
    for channel, strength in zip(canvas, tint, strict=True):
        channel += light * strength


def _places(attributes: Float32[np.ndarray, "5 t"], size: int) -> tuple[Float32[np.ndarray, "t s s"], ...]:
    """Where each pixel lies on the object, down and right, from -1 to 1."""
    x, y, scale, rotation, _ = attributes[:, :, None, None]
    ruler = (2 * np.arange(size, dtype=np.float32) + 1) / size - 1
    right, down = ruler - x, ruler[:, None] - y
    cosine, sine = np.cos(rotation) / scale, np.sin(rotation) / scale
    return cosine * down - sine * right, cosine * right + sine * down


def _bilinear(
    layer: Float32[np.ndarray, "p p"], down: Float32[np.ndarray, "t s s"], right: Float32[np.ndarray, "t s s"]
) -> Float32[np.ndarray, "t s s"]:
    """Sample a layer that spans -1..1 and is 0 outside."""
    side = len(layer) + 2
    table = np.pad(layer, 1).ravel()
    row, column = (np.clip(at * (len(layer) / 2) + (side - 1) / 2, 0, side - 1.001) for at in (down, right))
    top, left = row.astype(np.int32), column.astype(np.int32)
    corner = top * side + left
    row -= top
    column -= left
    first, second, third, fourth = (table.take(corner + step) for step in (0, 1, side, side + 1))
    upper = first + column * (second - first)
    lower = third + column * (fourth - third)
    return np.asarray(upper + row * (lower - upper))
