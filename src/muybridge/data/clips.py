"""Test clips straight from the files: all views of a video in one pass, nothing cached, a few videos decoded ahead."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from muybridge.core.errors import VideoError
from muybridge.data.decode import video


@dataclass(frozen=True)
class Views:
    """What is wanted of one video.

    Attributes:
        path: the file.
        frames: frame numbers of each temporal view.
        short_side: to which pictures are scaled, pixels; the aspect ratio is kept.
        crop: height and width of the crops, pixels.
        spatial: 1 (centre) or 3 (both ends and the middle of the long side) crops of each view.
    """

    path: Path
    frames: Int64[np.ndarray, "v t"]
    short_side: int
    crop: int
    spatial: int = 1

    def read(self) -> UInt8[np.ndarray, "n t crop crop 3"]:
        """The crops of the first view, then those of the second: ``n = v * spatial``; every frame is decoded once.

        Raises:
            VideoError: the file or one of its frames cannot be read.
        """
        height, width = self._size()
        pictures = video.read(self.path, self.frames, height=height, width=width, fit="squash")
        corners = [_corner(height, width, self.crop, place) for place in _places(self.spatial)]
        crops = [pictures[..., y : y + self.crop, x : x + self.crop, :] for y, x in corners]
        return np.stack(crops, axis=1).reshape(-1, *crops[0].shape[1:])

    def _size(self) -> tuple[int, int]:
        """Height and width to which the pictures are scaled."""
        height, width = video.read(self.path, 0).shape[:2]
        scale = self.short_side / min(height, width)
        return max(self.short_side, round(height * scale)), max(self.short_side, round(width * scale))


def stream(
    wanted: Sequence[Views], threads: int
) -> Iterator[UInt8[np.ndarray, "n t crop crop 3"] | VideoError]:
    """The clips of each video in order, decoded ahead in ``threads`` threads; an error stands where a video cannot be read.

    At most ``threads + 1`` videos are in memory besides the one in use.
    """
    with ThreadPoolExecutor(max(1, threads)) as pool:
        waiting: deque[Future[np.ndarray | VideoError]] = deque()
        try:
            for one in wanted:
                waiting.append(pool.submit(_read, one))
                if len(waiting) > max(1, threads):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _read(one: Views) -> np.ndarray | VideoError:
    try:
        return one.read()
    except VideoError as error:
        return error


def _places(spatial: int) -> tuple[float, ...]:
    return (0.0, 0.5, 1.0) if spatial == 3 else (0.5,)


def _corner(height: int, width: int, crop: int, place: float) -> tuple[int, int]:
    """Top left corner of a crop at a place along the long side; the middle of the short side."""
    down, right = height - crop, width - crop
    return (int(down * place), right // 2) if height > width else (down // 2, int(right * place))
