"""What one pass over a video file showed, kept in a file of its own: number of frames, rate, damage and small pictures."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int32

from muybridge.core.errors import VideoError
from muybridge.core.records import atomic
from muybridge.data import likeness, video
from muybridge.data.index import check_unchanged

Job = tuple[Path, str, Path]
"""A video, its fingerprint, and where the look at it is to be kept."""


@dataclass(frozen=True)
class Facts:
    """What a look says in numbers.

    Attributes:
        frames: that can be decoded, up to the first damage.
        fps: frames per second; 0 where the file is damaged.
        error: empty, or what is wrong and at which frame.
    """

    frames: int
    fps: float
    error: str


def look(job: Job) -> None:
    """Decode a video to its end or to its first damage, once, and keep what was seen.

    Raises:
        MuybridgeError: the file changed meanwhile.
    """
    path, fingerprint, kept = job
    thumbs: list[np.ndarray] = []
    fps, error, side = 0.0, "", likeness.SIDE
    try:
        fps = video.watch(
            path, lambda p: thumbs.append(likeness.thumb(p)), height=side, width=side, fit="squash"
        )
    except VideoError as problem:
        error = problem.reason if problem.frame is None else f"frame {problem.frame}: {problem.reason}"
    check_unchanged(path, fingerprint)
    seen = np.stack(thumbs) if thumbs else np.zeros((0, side, side), np.uint8)
    told = json.dumps([len(seen), fps, error])
    with atomic(kept, "wb") as file:
        np.savez(file, facts=told, thumbs=seen, bands=np.unique(likeness.bands(seen)))


def facts(kept: Path) -> Facts:
    """Numbers of a look."""
    with np.load(kept, allow_pickle=False) as found:
        return Facts(*json.loads(str(found["facts"])))


def thumbs(kept: Path) -> likeness.Thumbs:
    """Small pictures of all frames."""
    with np.load(kept, allow_pickle=False) as found:
        pictures: np.ndarray = found["thumbs"]
        return pictures


def bands(kept: Path) -> Int32[np.ndarray, "n"]:
    """The different bands of the hashes of all frames."""
    with np.load(kept, allow_pickle=False) as found:
        different: np.ndarray = found["bands"]
        return different
