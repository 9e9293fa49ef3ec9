"""What a full pass over a video says: frames, rate and size of the upright picture; and which frames a segment of it means."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from muybridge.core.errors import VideoError
from muybridge.data import streams
from muybridge.data.decode.video_table import from_start, opened, scan
from muybridge.data.decode.video_traits import traits
from muybridge.data.lists import segments


@dataclass(frozen=True)
class VideoInfo:
    """What a full pass over a video says; headers are not believed.

    Attributes:
        path: the file.
        frames: number of frames that can be read: those of a decode from the first packet to the last, or to
            the first damage that shows without decoding every picture.
        fps: mean rate from the time stamps, frames per second; the rate of the header where the time stamps
            agree or are missing, as for a single frame; 25 where nothing says anything.
        height: of the upright picture, pixels.
        width: of the upright picture, pixels.
        rotation: counter-clockwise turn that sets the picture upright: 0, 90, 180 or 270 degrees.
        codec: name, as "h264".
        container: name, as "mov,mp4,m4a,3gp,3g2,mj2".
        times: seconds from the first frame to each, where the rate varies: where a frame lies further from its place at the mean rate than
            half the time between two; None where it is steady or not known.
        traits: what a reader should know of it (``video_traits.WORDS``), with a few words each.
    """

    path: Path
    frames: int
    fps: float
    height: int
    width: int
    rotation: int
    codec: str
    container: str
    times: tuple[float, ...] | None = None
    traits: Mapping[str, str] = field(default_factory=dict)


def probe(path: str | Path) -> VideoInfo:
    """Count the frames and measure rate and size.

    Containers with one time-stamped packet per frame (mp4, mov, mkv and webm with modern codecs) are only
    demuxed and their first frame is decoded; all others are decoded once: nothing less gives the true count.

    Raises:
        VideoError: not a video, or its first frame cannot be read.
    """
    file, segment = segments.parted(path)
    info, times, base = _surveyed(file)
    if not segment:
        return info
    part = segments.frames(file, segment, times, base, info.fps)
    of_part = times[part.start : part.stop]
    return replace(info, path=Path(path), frames=len(part), times=uneven(of_part, base, info.fps))


def _surveyed(path: Path) -> tuple[VideoInfo, Sequence[int | None], Fraction | None]:
    """What a full pass says, the time stamps of all frames, and the seconds per tick."""
    with opened(path) as (container, stream):
        table = scan(container, stream)
        header = Header.of(container, stream)
    with closing(from_start(path, table)) as frames:
        first = _first(path, frames)
        times = table.pts if table and not first.interlaced_frame else _times(first, frames)
    return header.info(path, first, times), times, header.base


@dataclass(frozen=True)
class Header:
    """What the container and the stream of a video say of themselves."""

    rate: Fraction | None
    base: Fraction | None
    codec: str
    container: str
    traits: Mapping[str, str]

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream) -> "Header":
        """The header of an open video."""
        found = traits(container, stream)
        return cls(
            stream.average_rate, stream.time_base, stream.codec_context.name, container.format.name, found
        )

    def info(self, path: Path, first: VideoFrame, times: Sequence[int | None]) -> VideoInfo:
        """What a pass over all frames makes of it."""
        height, width = upright(first)
        fps = rate(times, self.base, self.rate)
        seconds = uneven(times, self.base, fps)
        found = dict(self.traits) | ({"varying": "by its time stamps"} if seconds else {})
        turned = turns(first) * 90
        return VideoInfo(
            path, len(times), fps, height, width, turned, self.codec, self.container, seconds, found
        )


def within(path: str | Path) -> tuple[Path, range | None]:
    """The file (with the stream that the path names), and the numbers of the frames that the path means; None for all of them."""
    file, segment = segments.parted(path)
    if not segment:
        return file, None
    with suppress(OSError):
        facts = streams.parted(file)[0].stat()
        return file, _stretch(file, segment, facts.st_size, facts.st_mtime_ns)
    return file, _stretch.__wrapped__(file, segment, 0, 0)


@lru_cache(1 << 16)
def _stretch(path: Path, segment: segments.Segment, size: int, changed: int) -> range:
    info, times, base = _surveyed(path)
    return segments.frames(path, segment, times, base, info.fps)


def _first(path: Path, frames: Iterator[VideoFrame]) -> VideoFrame:
    for frame in frames:
        return frame
    raise VideoError(path, None, "it has no frames")


def _times(first: VideoFrame, rest: Iterator[VideoFrame]) -> list[int | None]:
    times = [first.pts]
    with suppress(VideoError):
        for frame in rest:
            times.append(frame.pts)  # noqa: PERF401 a comprehension would lose the frames before a damage
    return times


def rate(times: Sequence[int | None], base: Fraction | None, header: Fraction | None) -> float:
    """Frames per second from time stamps; that of the header where they agree or say nothing, else 25."""
    first, last, steps = times[0], times[-1], len(times) - 1
    if not base or first is None or last is None or last <= first:
        return float(header or 25)
    seconds = (last - first) * base
    agrees = header and abs(steps / header - seconds) <= base
    return float(header if header and agrees else steps / seconds)


def uneven(times: Sequence[int | None], base: Fraction | None, fps: float) -> tuple[float, ...] | None:
    """``VideoInfo.times`` of time stamps in ticks of ``base`` seconds; None also where one is missing or they do not rise."""
    known = [time for time in times if time is not None]
    if not base or len(known) < len(times) or any(b <= a for a, b in pairwise(known)):
        return None
    seconds = [float((time - known[0]) * base) for time in known]
    varies = any(abs(second * fps - place) > 0.5 for place, second in enumerate(seconds))
    return tuple(seconds) if varies else None


def turns(frame: VideoFrame) -> int:
    """Quarter turns, counter-clockwise, that set the picture upright: 0 to 3."""
    return round(frame.rotation / 90) % 4


def upright(frame: VideoFrame) -> tuple[int, int]:
    """Height and width of the upright picture, pixels."""
    size = frame.height, frame.width
    return size[::-1] if turns(frame) % 2 else size
