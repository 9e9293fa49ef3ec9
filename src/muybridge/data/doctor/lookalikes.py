"""Which of many videos show the same, without comparing every one with every other, in memory that does not grow with the videos.

An index on disk says which videos have a frame with a certain band of hash bits. Videos that share bands in several frames are compared,
first in a few frames, then in many.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from math import isqrt
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64, UInt32

from muybridge.data.doctor import looks
from muybridge.data.doctor.likeness import (
    ALIKE,
    BANDS,
    Likeness,
    Pictures,
    Thumbs,
    bands,
    compare,
    halved,
    mirrored,
)

ANCHORS = 24
SHARED = 1 / 8
"""Share of the anchors that must share a band; at least 2 of them."""
FEW_FRAMES, WORTH_MORE = 24, 0.6
"""Frames of the first comparison, and the score that earns a second one."""
Mapped = Callable[..., Iterator[Any]]
Progress = Callable[[str, int, int], None]
Candidate = tuple[int, int, bool]
Job = tuple[int, Path, list[tuple[int, Path, bool]]]
"""A video and those it is compared with: place, look and whether mirrored."""


@dataclass(frozen=True)
class Pair:
    """Two videos that show the same.

    Attributes:
        a: place of the shorter one; of the later one where both are as long.
        b: place of the longer one.
        mirrored: whether one is the mirror image of the other.
        likeness: how well ``a`` fits ``b``, and from which frame on.
    """

    a: int
    b: int
    mirrored: bool
    likeness: Likeness


def pairs(kept: Sequence[Path], mapped: Mapped = map, progress: Progress | None = None) -> list[Pair]:
    """All pairs of videos that show the same, each once and in order.

    Args:
        kept: the look at each video; the index lies beside them while it is used.
        mapped: ``map``, or one that uses several processes.
        progress: told (what is done, videos done, videos in all).
    """
    if len(kept) < 2:
        return []
    tell = progress or (lambda *_: None)
    found: set[Candidate] = set()
    with TemporaryDirectory(dir=kept[0].parent) as folder:
        _index(kept, Path(folder))
        near = partial(_candidates, folder=Path(folder), common=max(8, isqrt(len(kept))))
        for done, some in enumerate(mapped(near, enumerate(kept)), 1):
            found.update(some)
            tell("search for look-alikes", done, len(kept))
    same: list[Pair] = []
    compared = len({i for i, _, _ in found})
    for done, some in enumerate(mapped(_judge, _jobs(kept, found)), 1):
        same += some
        tell("compare look-alikes", done, compared)
    return same


def _jobs(kept: Sequence[Path], found: set[Candidate]) -> Iterator[Job]:
    """The candidates of one video after the other."""
    for i, some in groupby(sorted(found), key=itemgetter(0)):
        yield i, kept[i], [(j, kept[j], flip) for _, j, flip in some]


def _index(kept: Sequence[Path], folder: Path) -> None:
    """Write which videos have each band: ``videos[starts[band] : starts[band + 1]]``."""
    counts = np.zeros(BANDS + 1, np.int64)
    for path in kept:
        counts[looks.bands(path) + 1] += 1
    starts = counts.cumsum()
    shape = (max(1, int(starts[-1])),)
    videos = np.lib.format.open_memmap(folder / "videos.npy", "w+", np.uint32, shape)
    free = starts.copy()
    for place, path in enumerate(kept):
        own = looks.bands(path)
        videos[free[own]] = place
        free[own] += 1
    videos.flush()
    np.save(folder / "starts.npy", starts)


@lru_cache(1)
def _opened(folder: Path) -> tuple[Int64[np.ndarray, "bands"], UInt32[np.ndarray, "n"]]:
    return np.load(folder / "starts.npy"), np.load(folder / "videos.npy", mmap_mode="r")


def _candidates(job: tuple[int, Path], folder: Path, common: int) -> list[Candidate]:
    """Videos with which one shares bands in several frames, as it is or mirrored; bands of more than ``common`` videos say nothing."""
    place, path = job
    thumbs = looks.thumbs(path)
    anchors = thumbs[:: max(1, len(thumbs) // ANCHORS)]
    if not len(anchors):
        return []
    wanted = max(min(2, len(anchors)), round(SHARED * len(anchors)))
    found = []
    for flip in (False, True):
        shared: Counter[int] = Counter()
        for row in bands(mirrored(anchors) if flip else anchors):
            shared.update(_near(row, folder, common) - {place})
        found += [(min(place, i), max(place, i), flip) for i, n in shared.items() if n >= wanted]
    return found


def _near(row: Int32[np.ndarray, "4"], folder: Path, common: int) -> set[int]:
    """Videos that have one of the bands."""
    starts, videos = _opened(folder)
    ranges = zip(starts[row].tolist(), starts[row + 1].tolist(), strict=True)
    return {place for low, high in ranges if high - low <= common for place in videos[low:high].tolist()}


@lru_cache(64)
def _pictures(path: Path) -> tuple[Thumbs, Pictures]:
    thumbs = looks.thumbs(path)
    return thumbs, halved(thumbs)


def _judge(job: Job) -> list[Pair]:
    """The candidates of one video that show what it shows."""
    i, path, others = job
    judged = [_pair((j, _pictures(other)), (i, _pictures(path)), flip=flip) for j, other, flip in others]
    return [pair for pair in judged if pair]


def _pair(*places: tuple[int, tuple[Thumbs, Pictures]], flip: bool) -> Pair | None:
    (a, short), (b, long) = sorted(places, key=lambda place: len(place[1][0]))
    if flip:
        short = mirrored(short[0]), mirrored(short[1])
    if compare(short[1], long[1], FEW_FRAMES).score < WORTH_MORE:
        return None
    found = compare(short[0], long[0])
    return Pair(a, b, flip, found) if found.score >= ALIKE else None
