"""Reading cached frames: what a video's frames hash to is compared once per process, and what is damaged is decoded again.

A cache outlives the program that made it, on disks that fill up and fail and in folders where others clean up. So nothing in it is taken on
trust: the index carries a checksum of itself and of each video's bytes.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from filelock import FileLock
from jaxtyping import UInt8

from muybridge.core.errors import MuybridgeError, VideoError
from muybridge.core.files import atomic
from muybridge.data.decode import video


class Entry(TypedDict, total=False):
    """What an index says of a video: its frames, why it has none, and where they lie."""

    frames: int
    fps: float
    error: str
    times: Sequence[float]
    traits: Mapping[str, str]
    offset: int
    checksum: str


Table = dict[str, Entry]


class FrameIndex(TypedDict, total=False):
    """Content of an index; before frames are decoded it has videos alone."""

    kind: str
    geometry: dict[str, Any]
    videos: Table


Repair = Callable[[str], None]
MEMORY = "frames.u8"
ROW = 256
"""Words in a row of the table of ``pixel_digest``."""
MOST = 1 << 30
"""Most bytes of an index."""
HEAD = len('{"sha256": "", ') + 64
"""Bytes of an index in front of what its checksum covers."""


@dataclass(frozen=True)
class Geometry:
    """Size of the cached frames; ``crop`` scales to cover and cuts the middle, ``squash`` ignores the aspect ratio."""

    height: int
    width: int
    fit: Literal["crop", "squash"] = "crop"

    @property
    def frame(self) -> int:
        """Bytes of a frame."""
        return self.height * self.width * 3


def digest(content: bytes | memoryview) -> str:
    """Checksum of bytes."""
    return hashlib.sha256(content).hexdigest()


def pixel_digest(pixels: UInt8[np.ndarray, "..."]) -> str:
    """Checksum of frames that lie behind each other in memory, some ten times cheaper than hashing all their bytes.

    The bytes are a table of ``ROW`` 64-bit words a row; hashed are the sums of its rows and of its columns, with what is left over. A
    change that touches no column and no row twice changes a sum for sure, so any within 2,040 bytes is found; others go unseen only
    where changes of opposite size stand at the corners of a rectangle. It finds accidents, not forgery.
    """
    flat = pixels.reshape(-1)
    whole = flat.size - flat.size % (8 * ROW)
    words = flat[:whole].view(np.uint64).reshape(-1, ROW)
    found = hashlib.sha256(f"{flat.size} ".encode())
    for part in (words.sum(axis=0), words.sum(axis=1), flat[whole:]):
        found.update(part.data)
    return found.hexdigest()


def write_index(path: Path, content: FrameIndex) -> None:
    """Write an index as JSON, the checksum of all that follows in front."""
    text = json.dumps(content)[1:]
    with atomic(path) as file:
        file.write(f'{{"sha256": "{digest(text.encode())}", {text}')


def read_index(path: Path, names: Sequence[str]) -> FrameIndex | None:
    """Read an index; None if there is none, or it is not as it was written, or lacks one of the videos."""
    try:
        if path.stat().st_size > MOST:
            return None
        raw = path.read_bytes()
        head, text = raw[:HEAD], raw[HEAD:]
        if head != f'{{"sha256": "{digest(text)}", '.encode():
            return None
        content = json.loads(b"{" + text)
    except (OSError, ValueError):
        return None
    found: FrameIndex = content
    return found if set(names) <= found["videos"].keys() else None


class FrameStore:
    """Reads frames of cached videos by index.

    Attributes:
        files: fingerprint of each video's file.
        frames: number of frames of each video.
        errors: why a video has none; empty where it has.
    """

    def __init__(self, folder: Path, files: Sequence[str], index: FrameIndex, repair: Repair) -> None:
        """Open a finished cache.

        Args:
            folder: of the cache.
            files: fingerprints, in the order in which videos are asked for.
            index: as ``read_index`` gives it.
            repair: decodes the video with a fingerprint into the cache once more.
        """
        table = index["videos"]
        self.folder, self.files, self.kind = folder, tuple(files), index["kind"]
        self.geometry = Geometry(**index["geometry"])
        self.frames = np.array([table[name]["frames"] for name in files])
        self.errors = [table[name]["error"] for name in files]
        self._offset = [table[name].get("offset", 0) for name in files]
        self._checksum = [table[name].get("checksum", "") for name in files]
        self._total = sum(entry["frames"] for entry in table.values())
        self._repair, self._verified, self._lock = repair, set[int](), threading.Lock()

    def __len__(self) -> int:
        return len(self.files)

    def __getstate__(self) -> dict[str, object]:
        """What another process needs; a lock and a memory map are not sent."""
        return {name: value for name, value in vars(self).items() if name not in ("_lock", "_memory")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    @cached_property
    def _memory(self) -> UInt8[np.ndarray, "n h w 3"]:
        shape = (-1, self.geometry.height, self.geometry.width, 3)
        lengthen(self.folder / MEMORY, self._total * self.geometry.frame)
        mapped = np.memmap(self.folder / MEMORY, np.uint8, "r")[: self._total * self.geometry.frame].reshape(
            shape
        )
        return np.asarray(mapped)  # a plain array over the same memory: indexing a memmap costs more

    def read(self, number: int, frames: np.ndarray) -> UInt8[np.ndarray, "*frames h w 3"]:
        """Frames of one video by index.

        Raises:
            VideoError: the video is broken, or has no such frame.
            MuybridgeError: the cache is damaged, and so is what it was made of.
        """
        if self.errors[number]:
            raise VideoError(self.files[number], None, self.errors[number])
        beyond = frames[(frames < 0) | (frames >= self.frames[number])]
        if beyond.size:
            raise VideoError(self.files[number], int(beyond[0]), f"it has {self.frames[number]} frames")
        if number not in self._verified:
            self._verify(number)
        if self.kind == "memory":
            pixels: np.ndarray = self._memory[self._offset[number] + frames]
            return pixels
        return video.read(self.folder / f"{self.files[number]}.mp4", frames)

    def _verify(self, number: int) -> None:
        """See that a video's bytes are those that were written; decode it again where they are not."""
        if not self._is_sound(number):
            with (
                self._lock,
                FileLock(self.folder.with_suffix(".lock")),
            ):  # threads and processes find the same damage
                if not self._is_sound(number):
                    self._repair(self.files[number])
                    if not self._is_sound(number):
                        raise MuybridgeError(
                            f"{self.folder}: the cached frames of {self.files[number]} are damaged, and decoding the video again gives "
                            "others. Delete that folder, and look at the disk."
                        )
        self._verified.add(number)

    def _is_sound(self, number: int) -> bool:
        if self.kind == "memory":
            start = self._offset[number]
            found = pixel_digest(self._memory[start : start + self.frames[number]])
        else:
            path = self.folder / f"{self.files[number]}.mp4"
            found = digest(path.read_bytes()) if path.is_file() else ""
        return bool(found == self._checksum[number])


def lengthen(path: Path, size: int) -> None:
    """See that a file has at least that many bytes: behind what was cut off come zeros, which no checksum takes for pixels."""
    if not path.is_file() or path.stat().st_size < size:
        with path.open("ab") as file:
            file.truncate(size)
