"""Exact decoding: which packet shows which frame, and the two ways to a frame.

A frame is named by its place in a plain decode from the first packet to the last. Two ways lead to it:

* by time, where every packet is one frame with a time stamp of its own (a ``Table``): seek to the key frame
  before it, check where the seek landed, decode until the time stamp comes out. Pictures on the way that no
  other picture needs are skipped, which changes no other picture by a bit;
* from the start, counting what the decoder shows: for all other files, and whenever anything on the first way
  is odd.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeAlias

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from muybridge.core.errors import VideoError
from muybridge.data import streams, video_streams
from muybridge.data.decode.display_order import DisplayOrder, UnknownOrderError
from muybridge.data.lists import tar

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,flv,asf,ogg,nut,dv,"
    "mxf,rm,gif,apng,yuv4mpegpipe,mjpeg"
)
TIMED_CONTAINERS = frozenset({"mov", "mp4", "matroska", "webm"})
TIMED_CODECS = frozenset({"h264", "hevc", "vp9", "av1", "libdav1d", "mjpeg", "prores", "ffv1", "dnxhd"})
Packets: TypeAlias = "Iterator[Packet[VideoStream]]"
MATROSKA_SEGMENT = bytes.fromhex("18538067")
BROADCAST = frozenset({"mpegts", "mpeg", "mpegvideo", "h264", "hevc"})
SKIPPING_CODECS = frozenset({"h264", "hevc"})
REORDERED = 16
"""Frames that may be decoded before a frame and shown after it: at most 16 in H.264, 15 in HEVC, none in the other timed codecs."""


class MissError(Exception):
    """The way by time did not lead to the frame; only a decode from the start can tell."""


class DamageError(Exception):
    """The bytes from here on cannot be trusted."""


@dataclass(frozen=True)
class Table:
    """What the packets of a video say, where every packet is one frame with a time stamp of its own.

    Attributes:
        pts: time stamps of the frames that can be read, rising.
        keys: time stamps of the key frames, rising.
        place: place in the file of the packet with a time stamp.
        cut: whether the file breaks off after them.
    """

    pts: Sequence[int]
    keys: Sequence[int]
    place: dict[int, int]
    cut: bool

    def key_of(self, frame: int) -> int:
        """Index of the last key frame that is shown before the frame or is the frame."""
        return bisect_right(self.keys, self.pts[frame]) - 1


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the container and the video stream that the path means, ready to decode on one thread.

    Raises:
        VideoError: no such file, a folder, empty, not a video, without that video stream; and for every error of
            the decoding library that leaves the ``with`` block.
    """
    limits = {"format_whitelist": FORMATS, "protocol_whitelist": "file,subfile"}
    try:
        file, number = streams.parted(path)
        place = tar.extent(file)
        if not place.size:
            raise VideoError(path, None, "the file is empty")
        with av.open(place.url, metadata_errors="ignore", container_options=limits) as container:
            stream = video_streams.choose(path, container, number)
            context = stream.codec_context
            context.thread_count, context.thread_type = 1, "NONE"
            context.options = {"err_detect": "explode+crccheck"}
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise VideoError(path, None, said(error)) from error


def said(error: Exception) -> str:
    """What a library said, in one line."""
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())


def _packets(container: InputContainer, stream: VideoStream, whole: bool = False) -> Packets:
    """Packets up to the end, or to the first damage; ``whole`` says that reading began at the first one."""
    count = 0
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise DamageError("the file breaks off or is damaged")
            count += packet.size > 0 or packet.dts is not None
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        raise DamageError(said(error)) from error
    if whole and _breaks_off(container, stream, count):
        raise DamageError("the file breaks off")


def _breaks_off(container: InputContainer, stream: VideoStream, packets: int) -> bool:
    """Whether the file ends before its sample table (mp4, mov) or segment (mkv, webm) does."""
    if "mov" in container.format.name:
        return packets < len(getattr(stream, "index_entries", ()))
    if "matroska" in container.format.name:
        return container.size < _segment_end(tar.head(container.name, 4096))
    return False


def _segment_end(head: bytes) -> int:
    """Where the header says that the only segment of a Matroska file ends; 0 where it does not say."""
    header, at = _vint(head, 4)
    segment = at + header
    if head[segment : segment + 4] != MATROSKA_SEGMENT or segment + 12 > len(head):
        return 0
    size, start = _vint(head, segment + 4)
    return start + size if size else 0


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, 0 for "unknown", and the place behind it."""
    length = 9 - data[at].bit_length()
    ones = (1 << 7 * length) - 1
    value = int.from_bytes(data[at : at + length], "big") & ones
    return value if value < ones else 0, at + length


class _Stamp(NamedTuple):
    pts: int
    dts: int | None
    duration: int
    key: bool
    shown: bool


def scan(container: InputContainer, stream: VideoStream, last: int | None = None) -> Table | None:
    """Read the packets once; None where they do not tell the frames.

    Args:
        container: opened, at its beginning.
        stream: its video stream.
        last: the last frame that is of interest: reading stops when it is known. All packets are read if not given.
    """
    timed = TIMED_CONTAINERS.intersection(container.format.name.split(","))
    progressive = getattr(stream.codec_context, "field_order", 0) in (0, 1)
    if not timed or not progressive or stream.codec_context.name not in TIMED_CODECS:
        return None
    stamps: list[_Stamp] = []
    shown, cut = 0, False
    order: list[tuple[int, int]] = []
    try:
        reordered = stream.codec_context.name in SKIPPING_CODECS and stream.codec_context.has_b_frames
        display = (
            DisplayOrder(stream.codec_context.name, stream.codec_context.extradata) if reordered else None
        )
        for packet in _packets(container, stream, whole=True):
            if packet.pts is None:
                return None
            if display:
                order.append(display.place(memoryview(packet)))
            flags = packet.is_keyframe, not packet.is_discard
            stamps.append(_Stamp(packet.pts, packet.dts, packet.duration or 0, *flags))
            shown += flags[1]
            if last is not None and shown > last + REORDERED:
                break
    except UnknownOrderError:
        return None
    except DamageError:
        cut = True
    return None if order and _is_out_of_order(stamps, order) else _table(stamps, cut)


def _is_out_of_order(stamps: Sequence[_Stamp], order: Sequence[tuple[int, int]]) -> bool:
    """Whether time stamps rise in another order than the pictures are shown in.

    Some files have the times of decoding only (H.264 that was once in an AVI), others a damaged list of offsets (``ctts``): by such times
    another picture would be taken for the one that was asked for.
    """
    shown = sorted(range(len(stamps)), key=lambda i: stamps[i].pts)
    return shown != sorted(range(len(stamps)), key=order.__getitem__)


def _table(stamps: Sequence[_Stamp], cut: bool) -> Table | None:
    place = {stamp.pts: i for i, stamp in enumerate(stamps)}
    times = [stamp.pts for stamp in stamps if stamp.key]
    if len(place) < len(stamps) or not times or times != sorted(times):
        return None
    if not stamps[0].key or times[0] != min(place):
        return None
    # What a lost packet would have shown comes after the time at which it would have been decoded.
    last = max(stamps, key=lambda stamp: stamp.dts or 0)
    end = (last.dts or 0) + last.duration if cut else float("inf")
    pts = sorted(stamp.pts for stamp in stamps if stamp.shown and stamp.pts < end)
    return Table(pts, times, place, cut) if pts else None


def by_time(
    container: InputContainer, stream: VideoStream, table: Table, wanted: Sequence[int]
) -> Iterator[tuple[int, VideoFrame]]:
    """Give the wanted frames by seeking.

    Args:
        container: opened, read to any place.
        stream: its video stream.
        table: of that stream.
        wanted: indices into ``table.pts``, rising, each once.

    Yields:
        Index and frame, rising.

    Raises:
        MissError: the file does not behave as its table says.
    """
    todo = deque(wanted)
    needed = {table.pts[frame] for frame in wanted}
    try:
        while todo:
            yield from _from_key(container, stream, table, todo, needed)
    except (av.FFmpegError, DamageError) as error:
        raise MissError from error


def _from_key(
    container: InputContainer, stream: VideoStream, table: Table, todo: deque[int], needed: set[int]
) -> Iterator[tuple[int, VideoFrame]]:
    """Seek once, then go on until a later seek saves work; takes what it gives from ``todo``."""
    context, key, begun = stream.codec_context, table.key_of(todo[0]), False
    end = max(needed, key=table.place.__getitem__)
    first, packets = _sought(container, stream, table, key)
    for packet in chain(_until(end, packets), [None]):
        if context.name in SKIPPING_CODECS:
            context.skip_frame = "DEFAULT" if packet is None or packet.pts in needed else "NONREF"
        for frame in stream.decode(packet):
            if not begun and not _is_clean(frame, first, table):
                raise MissError
            begun = True
            if todo and _is_next(frame, table.pts[todo[0]]):
                yield todo.popleft(), frame
        ahead = table.key_of(todo[0]) if todo else key
        if not todo or (ahead > key and packet and _is_behind(packet, table, ahead)):
            return
    raise MissError


def _is_behind(packet: "Packet[VideoStream]", table: Table, key: int) -> bool:
    return (
        packet.pts is not None
        and table.place.get(packet.pts, len(table.place)) < table.place[table.keys[key]]
    )


def _sought(
    container: InputContainer, stream: VideoStream, table: Table, key: int
) -> tuple["Packet[VideoStream]", Packets]:
    """A key frame, this one or an earlier one, and the packets from it on, without those shown before it."""
    container.seek(table.keys[key], stream=stream)
    packets = _packets(container, stream)
    first = next(packets, None)
    if first is None or first.pts is None or first.pts not in table.keys[: key + 1]:
        raise MissError
    return first, chain([first], _shown_after(first.pts, packets))


def _until(pts: int, packets: Packets) -> Packets:
    """Packets up to the one with a time stamp: behind it the decoder is told to give what it holds back."""
    for packet in packets:
        yield packet
        if packet.pts == pts:
            return


def _shown_after(pts: int, packets: Packets) -> Packets:
    with suppress(DamageError):
        yield from (packet for packet in packets if packet.pts is not None and packet.pts > pts)


def _is_clean(frame: VideoFrame, first: "Packet[VideoStream]", table: Table) -> bool:
    """Whether decoding began with a picture that needs no other; a gradual refresh does not."""
    intra = frame.pts == first.pts and frame.pict_type == PictureType.I
    return intra or (first.pts is not None and table.place[first.pts] == 0)


def _is_next(frame: VideoFrame, pts: int) -> bool:
    if frame.is_corrupt or frame.interlaced_frame or frame.pts is None or frame.pts > pts:
        raise MissError
    return bool(frame.pts == pts)


def from_start(path: Path, table: Table | None) -> Generator[VideoFrame, None, None]:
    """All frames, as a plain decode shows them.

    Args:
        path: of the video.
        table: of the video if there is one; it saves the frames just before a damage.

    Raises:
        VideoError: at the first frame that cannot be read.
    """
    shown = 0
    with opened(path) as (container, stream):
        try:
            for frame in _decoded(stream, _packets(container, stream, whole=True)):
                yield frame
                shown += 1
        except (av.FFmpegError, DamageError) as error:
            for frame in _held_back(stream, table, shown):
                yield frame
                shown += 1
            raise VideoError(path, shown, said(error)) from error


def _decoded(stream: VideoStream, packets: Packets) -> Iterator[VideoFrame]:
    """All frames; in a broadcast an error before the first key frame means only that it was joined midway."""
    begun = not BROADCAST.intersection(stream.container.format.name.split(","))
    for packet in chain(packets, [None]):
        begun = begun or packet is None or packet.is_keyframe
        try:
            frames = stream.decode(packet)
        except av.FFmpegError:
            if begun:
                raise
            continue
        for frame in frames:
            if frame.is_corrupt:
                raise DamageError("the decoder calls the frame damaged")
            begun = True
            yield frame


def _held_back(stream: VideoStream, table: Table | None, shown: int) -> Iterator[VideoFrame]:
    """Frames that the decoder had finished before a damage, up to the first gap."""
    with suppress(av.FFmpegError):
        for frame, pts in zip(stream.decode(None), table.pts[shown:] if table else (), strict=False):
            if frame.pts != pts or frame.is_corrupt:
                return
            yield frame
