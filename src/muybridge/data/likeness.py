"""How alike two videos are: copies, also re-encoded, resized, mirrored or cut shorter, found from small grey pictures of their frames.

Two steps. Candidates: 64 bits per frame, each telling which of two neighbouring cells of an 8x9 picture is brighter (difference hash); two
videos that share one of four 16-bit bands in several frames are compared. Verdict: the best shift in time of the 16x16 pictures, after each
video's mean picture is taken away, so that two clips of one scene by one camera are not copies of each other though their background is the
same; a video in which nothing moves is compared with its background.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8, UInt64
from numpy.lib.stride_tricks import as_strided

SIDE = 16
ANCHORS = 24
SHARED = 2
ALIKE = 0.9
STILL = 1.0
"""Mean absolute change against the mean picture, grey levels, below which a video counts as still."""

Thumbs = UInt8[np.ndarray, "t 16 16"]


@dataclass(frozen=True)
class Pair:
    """Two videos that show the same.

    Attributes:
        a: place of the first.
        b: place of the second; at least as long.
        score: correlation of what moves at the best shift, -1 to 1; exactly 1 where nothing moves in either.
        shift: frame of ``b`` at which ``a`` begins.
        mirrored: whether one is the mirror image of the other.
    """

    a: int
    b: int
    score: float
    shift: int
    mirrored: bool

    @property
    def still(self) -> bool:
        """Whether nothing moves in either, so that only their pictures were compared."""
        return self.score == 1.0


def thumb(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """Grey levels of a small picture."""
    grey: np.ndarray = (picture @ np.array([0.299, 0.587, 0.114], np.float32)).round().astype(np.uint8)
    return grey


def hashes(thumbs: Thumbs) -> UInt64[np.ndarray, "t"]:
    """Difference hash of each picture; that of a mirrored picture is that of its mirrored cells."""
    at = np.linspace(0, SIDE - 1, 9)
    left, share = np.floor(at).astype(int), at % 1
    rows = thumbs.reshape(len(thumbs), 8, 2, SIDE).mean(axis=2)
    cells = rows[:, :, left] * (1 - share) + rows[:, :, np.minimum(left + 1, SIDE - 1)] * share
    packed = np.packbits((np.diff(cells, axis=2) > 0).reshape(len(thumbs), 64), axis=1)
    result: np.ndarray = packed.view(np.uint64).ravel()
    return result


def mirrored(thumbs: Thumbs) -> Thumbs:
    """Left and right exchanged."""
    return thumbs[:, :, ::-1]


def pairs(number: int, load: Callable[[int], Thumbs]) -> list[Pair]:
    """All pairs of ``number`` videos that show the same, each once, the shorter video first.

    Args:
        number: of videos.
        load: the small pictures of a video; called again when needed, so that they need not all stay in memory.
    """
    table = _table(number, load)
    found = []
    for a, b, flip in _candidates(number, load, table):
        short, long = sorted((a, b), key=lambda place: len(load(place)))
        score, shift = compare(mirrored(load(short)) if flip else load(short), load(long))
        if score >= ALIKE:
            found.append(Pair(short, long, score, shift, flip))
    return found


def _table(number: int, load: Callable[[int], Thumbs]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted bands of all frames of all videos, and the video of each."""
    rows = []
    for place in range(number):
        bands = np.unique(_bands(load(place)))
        rows.append(np.stack([bands, np.full(len(bands), place)], axis=1))
    every = np.concatenate(rows) if rows else np.empty((0, 2), np.int64)
    every = every[np.argsort(every[:, 0], kind="stable")]
    return every[:, 0], every[:, 1]


def _bands(thumbs: Thumbs) -> Int64[np.ndarray, "n"]:
    words = hashes(thumbs).view(np.uint16).reshape(len(thumbs), 4).astype(np.int64)
    numbered: np.ndarray = (words + (np.arange(4) << 16)).ravel()
    return numbered


def _candidates(
    number: int, load: Callable[[int], Thumbs], table: tuple[np.ndarray, np.ndarray]
) -> Iterator[tuple[int, int, bool]]:
    """Pairs (i < j) with several frames of one, as they are or mirrored, that share a band with a frame of the other."""
    bands, places = table
    common = max(8, number // 50)
    seen = set()
    for place in range(number):
        anchors = load(place)[:: max(1, len(load(place)) // ANCHORS)]
        for flip in (False, True):
            shared: Counter[int] = Counter()
            for anchor in mirrored(anchors) if flip else anchors:
                key = _bands(anchor[None])
                ranges = zip(np.searchsorted(bands, key), np.searchsorted(bands, key, "right"), strict=True)
                near = [places[low:high] for low, high in ranges if high - low <= common]
                shared.update({int(other) for part in near for other in part} - {place})
            for other, count in sorted(shared.items()):
                pair = (min(place, other), max(place, other))
                if count >= min(SHARED, len(anchors)) and (*pair, flip) not in seen:
                    seen.add((*pair, flip))
                    yield (*pair, flip)


def compare(a: Thumbs, b: Thumbs) -> tuple[float, int]:
    """Best correlation of the shorter video with a stretch of the longer one, and the frame at which that begins."""
    first, second = (video.reshape(len(video), -1).astype(np.float64) for video in (a, b))
    moving = first - first.mean(axis=0)
    still = [float(np.abs(video - video.mean(axis=0)).mean()) < STILL for video in (first, second)]
    if any(still):
        apart = float(np.abs(first.mean(axis=0) - second.mean(axis=0)).mean())
        return (float(all(still) and apart < 2 * STILL), 0)
    step, shifts = len(a), len(b) - len(a) + 1
    product = np.ascontiguousarray(moving @ second.T)
    diagonals = as_strided(product, (shifts, step), (product.strides[1], sum(product.strides)))
    sums = np.vstack([np.zeros(second.shape[1]), second.cumsum(axis=0)])
    squares = np.concatenate([[0.0], (second**2).sum(axis=1).cumsum()])
    means = (sums[step:] - sums[:-step]) / step
    energy = np.maximum(squares[step:] - squares[:-step] - step * (means**2).sum(axis=1), 1e-9)
    scores = diagonals.sum(axis=1) / (np.linalg.norm(moving) * np.sqrt(energy))
    best = int(scores.argmax())
    return float(scores[best]), best
