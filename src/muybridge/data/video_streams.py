"""The video stream of an open file that is read: the one that is asked for, else FFmpeg's choice (see ``data.streams``)."""

from collections.abc import Sequence
from pathlib import Path

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from muybridge.core.errors import VideoError

PICTURES = Disposition.attached_pic | Disposition.still_image


def films(container: InputContainer) -> Sequence[VideoStream]:
    """The video streams that can be decoded and are no covers."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & PICTURES and stream.codec_context is not None
    ]


def choose(path: Path, container: InputContainer, number: int | None) -> VideoStream:
    """The stream that is asked for, else the best one.

    Raises:
        VideoError: there is no such stream, or it is a cover or cannot be decoded.
    """
    able, every = films(container), container.streams.video
    if not able:
        raise VideoError(path, None, "it has no video stream that can be decoded")
    if number is None:
        best = container.streams.best("video")
        return next((stream for stream in able if best is not None and stream.index == best.index), able[0])
    if number >= len(every):
        said = "1 video stream, number 0" if len(every) == 1 else f"{len(every)} video streams, from number 0"
        raise VideoError(path, None, f"it has {said}; number {number} was asked for")
    if every[number] not in able:
        raise VideoError(path, None, f"its video stream {number} is a cover or cannot be decoded")
    return every[number]


def described(container: InputContainer, stream: VideoStream) -> str:
    """What there is to choose from, and what is read; empty where there is one stream only."""
    able = films(container)
    if len(able) < 2:
        return ""
    every = container.streams.video
    sizes = ", ".join(f"{every.index(one)}: {one.width}x{one.height}" for one in able)
    return f"{len(able)} streams ({sizes}), number {every.index(stream)} is read"
