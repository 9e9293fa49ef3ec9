"""What one pass over a video file showed, kept in a file of its own: number of frames, rate, damage and small pictures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int32

from muybridge.core.errors import VideoError
from muybridge.core.files import atomic
from muybridge.data.decode import video
from muybridge.data.doctor import likeness
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
        height: of the upright picture, pixels; 0 where the file is damaged.
        width: of the upright picture, pixels; 0 where the file is damaged.
        cuts: frames at which another scene begins.
        traits: of ``data.decode.video_traits``, with a few words each.
    """

    frames: int
    fps: float
    error: str
    height: int = 0
    width: int = 0
    cuts: tuple[int, ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it lasts; 0 where the file is damaged."""
        return self.frames / self.fps if self.fps else 0.0


def look(job: Job) -> None:
    """Decode a video to its end or to its first damage, once, and keep what was seen.

    Raises:
        MuybridgeError: the file changed meanwhile.
    """
    path, fingerprint, kept = job
    thumbs: list[np.ndarray] = []
    info, error, side = None, "", likeness.SIDE
    try:
        info = video.watch(
            path, lambda p: thumbs.append(likeness.thumb(p)), height=side, width=side, fit="squash"
        )
    except VideoError as problem:
        error = problem.reason if problem.frame is None else f"frame {problem.frame}: {problem.reason}"
    check_unchanged(path, fingerprint)
    seen = np.stack(thumbs) if thumbs else np.zeros((0, side, side), np.uint8)
    told = {
        "frames": len(seen),
        "fps": info.fps if info else 0.0,
        "error": error,
        "cuts": likeness.cuts(seen),
    }
    if info:
        told |= {"height": info.height, "width": info.width, "traits": dict(info.traits)}
    with atomic(kept, "wb") as file:
        np.savez(file, facts=json.dumps(told), thumbs=seen, bands=np.unique(likeness.bands(seen)))


def facts(kept: Path) -> Facts:
    """Numbers of a look."""
    with np.load(kept, allow_pickle=False) as found:
        return Facts(**json.loads(str(found["facts"])))


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
