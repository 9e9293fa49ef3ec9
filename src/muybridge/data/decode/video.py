"""Frame-exact reading and writing of video files; the only place that talks to the decoding library.

What cannot be detected: bits flipped inside a compressed picture that still decode to some picture (see
``read``), and the cut end of a file in a container without a table of contents (MPEG-TS; AVI and MPEG-PS if
the cut falls between two packets): there the last few frames may be incomplete or out of order. Of the
display matrix the rotation is applied, mirroring is not. Pixels are taken as square.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args
from uuid import uuid4

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import Integer, UInt8
from numpy.typing import ArrayLike

from muybridge.core.errors import MuybridgeError, UsageError, VideoError
from muybridge.core.files import refuse_special
from muybridge.data.decode.video_probe import Header, turns, upright, within
from muybridge.data.decode.video_probe import VideoInfo as VideoInfo
from muybridge.data.decode.video_probe import probe as probe
from muybridge.data.decode.video_table import MissError, Table, by_time, from_start, opened, said, scan

MOV_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".3gp"})
ANIMATIONS = frozenset({".gif", ".apng"})
"""Pictures that move; in a folder with other videos they are taken for previews."""
VIDEO_SUFFIXES = (
    MOV_SUFFIXES
    | ANIMATIONS
    | {
        *(".avi", ".mkv", ".webm", ".wmv", ".asf", ".flv", ".ogv"),
        *(".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts", ".y4m", ".mjpeg", ".mjpg"),
    }
)
ENCODER_OPTIONS = {"libx264": {"bf": "0", "tune": "fastdecode", "x264-params": "cpu-independent=1"}}
"""Without ``cpu-independent`` x264 writes other bytes on other processors, and with AVX-512 other bytes in every run."""
ONE_THREAD: dict[str, Any] = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}
Fit = Literal["crop", "squash"]
Numbered: TypeAlias = Generator[tuple[int, VideoFrame], None, None]
Picture = UInt8[np.ndarray, "h w 3"]
Pictures = UInt8[np.ndarray, "t h w 3"]


def is_video(path: str | Path) -> bool:
    """Whether the suffix is that of a video file; the file is not opened."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def read(
    path: str | Path,
    frames: ArrayLike,
    *,
    height: int | None = None,
    width: int | None = None,
    fit: Fit = "crop",
) -> UInt8[np.ndarray, "*frames h w 3"]:
    """Read exactly the frames asked for, all in one pass over the file.

    A frame is named by its place in a plain decode from the first packet to the last, from 0. Resizing is
    swscale's bilinear, which widens its filter when it makes a picture smaller and so does not alias. Colours
    follow the matrix and range that the file names; BT.601 and limited range where it names none.

    Bits flipped inside a compressed picture: decoders hide such errors by default. Here their error detection
    is on and ends in a ``VideoError``. It finds most flips in MPEG-4 and H.264 (95 and 75 % of those tried)
    but few in HEVC and VP9, whose entropy coding has no checks: keep check sums of files that matter.

    Args:
        path: of the video.
        frames: indices of any shape and in any order; repeats are decoded once.
        height: of the result, pixels; the native size if neither height nor width is given.
        width: of the result, pixels.
        fit: "squash" scales to height x width; "crop" scales until the picture covers them and cuts out the
            centre.

    Returns:
        Upright RGB pictures, 0 to 255, shape ``*frames.shape h w 3``.

    Raises:
        VideoError: not a video; a frame is negative, past the end, or cannot be decoded. Never a substitute.
        UsageError: frames are not integers, only one of height and width, sizes below 1, or an unknown fit.
    """
    (path, stretch), scaler = within(path), _Scaler(height, width, fit)
    index = _indices(path, frames)
    if stretch is not None and index.size:
        if index.max() >= len(stretch):
            raise VideoError(path, int(index.max()), f"number of frames in this segment: {len(stretch)}")
        index = index + stretch.start
    if not index.size:
        return np.empty((*index.shape, *_pictures(path, [0], scaler).shape[1:]), np.uint8)
    pictures = _pictures(path, index.ravel().tolist(), scaler)
    return pictures.reshape(*index.shape, *pictures.shape[1:])


def read_all(
    path: str | Path, *, height: int | None = None, width: int | None = None, fit: Fit = "crop"
) -> UInt8[np.ndarray, "t h w 3"]:
    """Read the whole video in one pass; arguments as for ``read``.

    Raises:
        VideoError: not a video, or any frame cannot be read: a damaged file is not shortened in silence.
    """
    pictures: list[Picture] = []
    watch(path, pictures.append, height=height, width=width, fit=fit)
    if len({picture.shape for picture in pictures}) != 1:
        raise VideoError(path, None, "its frames differ in size" if pictures else "it has no frames")
    return np.stack(pictures)


def watch(
    path: str | Path,
    each: Callable[[Picture], object],
    *,
    height: int | None = None,
    width: int | None = None,
    fit: Fit = "crop",
) -> VideoInfo:
    """Show every frame of a video to ``each``, in one pass; arguments as for ``read``.

    Returns:
        What ``probe`` says.

    Raises:
        VideoError: not a video, or a frame cannot be read; the frames before it have been shown.
    """
    whole, ((path, stretch), scaler) = path, (within(path), _Scaler(height, width, fit))
    if stretch is not None:
        with closing(_wanted(path, list(stretch))) as decoded:
            for number, image in decoded:
                each(_picture(path, number, image, scaler))
        return probe(whole)
    times: list[int | None] = []
    first: VideoFrame | None = None
    with opened(path) as (container, source):
        table, header = scan(container, source), Header.of(container, source)
    with closing(from_start(path, table)) as frames:
        for i, frame in enumerate(frames):
            each(_picture(path, i, frame, scaler))
            first = first or frame
            times.append(frame.pts)
    if first is None:
        raise VideoError(path, None, "it has no frames")
    return header.info(path, first, times)


def _indices(path: Path, frames: ArrayLike) -> Integer[np.ndarray, "*frames"]:
    index = np.asarray(frames)
    if not index.size:
        return index.astype(np.int64)
    if not np.issubdtype(index.dtype, np.integer):
        raise UsageError(f"frames must be integers, not {index.dtype}")
    if index.min() < 0:
        raise VideoError(path, int(index.min()), "frames are counted from 0")
    return index


def _pictures(path: Path, frames: list[int], scaler: "_Scaler") -> UInt8[np.ndarray, "n h w 3"]:
    places: dict[int, list[int]] = {frame: [] for frame in sorted(frames)}
    for place, frame in enumerate(frames):
        places[frame].append(place)
    pictures = np.empty((0, 0, 0, 3), np.uint8)
    with closing(_wanted(path, list(places))) as decoded:
        for frame, image in decoded:
            picture = _picture(path, frame, image, scaler)
            if not pictures.size:
                pictures = np.empty((len(frames), *picture.shape), np.uint8)
            if picture.shape != pictures.shape[1:]:
                raise VideoError(path, frame, "it has another size than the frames before it")
            for place in places[frame]:
                pictures[place] = picture
    return pictures


def _picture(path: Path, frame: int, image: VideoFrame, scaler: "_Scaler") -> Picture:
    try:
        return scaler(image)
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(path, frame, f"it cannot be converted to RGB: {said(error)}") from error


def _wanted(path: Path, wanted: list[int]) -> Numbered:
    """The wanted frames; all of them once more if the fast way turns out to be closed."""
    with opened(path) as (container, stream):
        table = scan(container, stream, wanted[-1])
        if table and wanted[-1] >= len(table.pts):
            raise _beyond(path, wanted, len(table.pts), "the file breaks off" if table.cut else None)
        with suppress(MissError):
            if table:
                yield from by_time(container, stream, table, wanted)
                return
    yield from _counted(path, table, wanted)


def _counted(path: Path, table: Table | None, wanted: list[int]) -> Numbered:
    needed, count = set(wanted), 0
    with closing(from_start(path, table)) as frames:
        try:
            for count, frame in enumerate(frames, 1):
                if count - 1 in needed:
                    yield count - 1, frame
                if count > wanted[-1]:
                    return
        except VideoError as error:
            if error.frame is None:
                raise
            raise _beyond(path, wanted, error.frame, error.reason) from error
    raise _beyond(path, wanted, count, None)


def _beyond(path: Path, wanted: list[int], count: int, damage: str | None) -> VideoError:
    first = next(frame for frame in wanted if frame >= count)
    known = f"{damage}; only the first {count} frames can be read"
    return VideoError(path, first, known if damage else f"number of frames in this video: {count}")


class _Scaler:
    """Turns decoded frames into upright RGB pictures of one size; reuses one swscale context."""

    def __init__(self, height: int | None, width: int | None, fit: Fit) -> None:
        if (height is None) != (width is None) or any(n is not None and n < 1 for n in (height, width)):
            raise UsageError(f"height and width go together and are at least 1, not {height} and {width}")
        if fit not in get_args(Fit):
            raise UsageError(f'fit must be "crop" or "squash", not {fit!r}')
        self.size = None if height is None or width is None else (height, width)
        self.fit, self.swscale = fit, VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Picture:
        height, width = self._scaled(*upright(frame))
        quarters = turns(frame)
        coded = (width, height) if quarters % 2 else (height, width)
        image = self.swscale.reformat(frame, height=coded[0], width=coded[1], format="rgb24", **ONE_THREAD)
        rows, columns = coded
        strides = image.planes[0].line_size, 3, 1
        picture: Picture = np.ndarray(
            (rows, columns, 3), np.uint8, memoryview(image.planes[0]), strides=strides
        )
        picture = np.rot90(picture, quarters) if quarters else picture
        h, w = self.size or (height, width)
        top, left = (height - h) // 2, (width - w) // 2
        return picture[top : top + h, left : left + w]

    def _scaled(self, height: int, width: int) -> tuple[int, int]:
        if self.size is None or self.fit == "squash":
            return self.size or (height, width)
        scale = max(Fraction(self.size[0], height), Fraction(self.size[1], width))
        return round(height * scale), round(width * scale)


def write(
    path: str | Path,
    frames: UInt8[np.ndarray, "t h w 3"],
    fps: float,
    *,
    codec: str = "libx264",
    crf: int = 20,
    gop: int = 12,
    options: Mapping[str, str] | None = None,
) -> None:
    """Encode pictures; the suffix names the container. The file appears whole or not at all.

    The same pictures give the same bytes on every x86-64 processor, with one build of the libraries. libx264
    is set up for files that are read often and at random: short groups, no B-frames, cheap to decode. Colour is
    stored at half resolution; at full where a side is odd and the encoder can.

    Args:
        path: to write or replace.
        frames: RGB pictures, 0 to 255, at least one.
        fps: frames per second.
        codec: name of the encoder.
        crf: quality, lower is better; ignored by encoders that have no such option.
        gop: distance of key frames.
        options: of the encoder, over the above.

    Raises:
        UsageError: pictures, rate or encoder cannot be used.
        MuybridgeError: the file cannot be written, or a device or a pipe has its name.
    """
    path = Path(path)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise UsageError(f"frames must be uint8 of shape t h w 3, not {frames.dtype} {frames.shape}")
    if not 0 < fps < float("inf"):
        raise UsageError(f"fps must be above 0, not {fps}")
    refuse_special(path)
    draft = path.with_name(f".{uuid4().hex}{path.suffix}")
    settings = {"crf": str(crf)} | ENCODER_OPTIONS.get(codec, {}) | dict(options or {})
    try:
        _encode(draft, frames, Fraction(fps).limit_denominator(1001), codec, gop, settings)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except (av.FFmpegError, OSError) as error:
        raise MuybridgeError(f"{path}: cannot be written: {error}") from error
    except ValueError as error:
        raise UsageError(f"{path}: cannot be written with the encoder {codec!r}: {error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _encode(
    path: Path, frames: Pictures, fps: Fraction, codec: str, gop: int, options: dict[str, str]
) -> None:
    muxer = {"fflags": "bitexact"} | ({"movflags": "faststart"} if path.suffix in MOV_SUFFIXES else {})
    with av.open(str(path), "w", container_options=muxer) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=fps, options=options))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = _pixels(codec, stream)
        stream.codec_context.gop_size, stream.codec_context.thread_count = gop, 1
        for picture in frames:
            container.mux(stream.encode(VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")))
        container.mux(stream.encode(None))


def _pixels(codec: str, stream: VideoStream) -> str:
    """Pixel format: full range for JPEG, which knows no other; whole colour for odd sizes."""
    family = "yuvj" if codec == "mjpeg" else "yuv"
    odd = stream.height % 2 or stream.width % 2
    known = {fmt.name for fmt in stream.codec_context.codec.video_formats or ()}
    return f"{family}444p" if odd and f"{family}444p" in known else f"{family}420p"
