"""Segments of videos: the stretch that a line of a list means, carried by the path as a tar's member is.

``v.mp4#t=1.5,4`` are the frames shown from 1.5 seconds on and before 4 seconds, counted from the first frame; ``#t=`` is that of W3C, Media
Fragments URI 1.0. ``v.mp4#frames=36,96`` are frames 36 to 95. Both ends are half open, so segments that meet share no frame. Whoever opens
such a path reads that stretch and nothing else.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal

from muybridge.core.errors import UsageError, VideoError

Unit = Literal["t", "frames"]
START = ("start", "start_time", "time_start", "t_start", "start_sec", "start_seconds", "start_s", "start_timestamp", "begin")  # fmt: skip
END = ("end", "end_time", "time_end", "t_end", "end_sec", "end_seconds", "end_s", "end_timestamp", "stop", "stop_timestamp")  # fmt: skip
FRAME_START = ("start_frame", "frame_start", "begin_frame")
FRAME_END = ("end_frame", "frame_end", "stop_frame")
ENDS: Mapping[Unit, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "t": (START, END),
    "frames": (FRAME_START, FRAME_END),
}
SLACK = 1.0
"""Seconds by which a segment may end behind its video: lists are rounded."""
ROUNDING = Fraction(1, 1000)
"""Seconds by which a time stamp may miss a limit: containers round to milliseconds."""
_NUMBER = r"\d{1,12}(?:\.\d{1,12})?"
_NAMED = re.compile(rf"(.*)#(t|frames)=({_NUMBER})?(?:,({_NUMBER}))?", re.DOTALL)
_CLOCK = re.compile(rf"(?:(?:(\d{{1,4}}):)?(\d{{1,2}}):)?({_NUMBER})")


@dataclass(frozen=True)
class Segment:
    """A stretch of a video.

    Attributes:
        unit: ``t`` for seconds from the first frame, ``frames`` for frame numbers from 0.
        start: where it begins.
        end: before which it ends; None for the end of the video.
    """

    unit: Unit
    start: Decimal
    end: Decimal | None

    def __str__(self) -> str:
        end = "" if self.end is None else f",{_plain(self.end)}"
        return f"#{self.unit}={_plain(self.start)}{end}"

    def meets(self, other: "Segment") -> bool:
        """Whether both hold a frame of one video; unknown, and so taken for true, where the units differ."""
        if self.unit != other.unit:
            return True
        return (other.end is None or self.start < other.end) and (self.end is None or other.start < self.end)


def parted(path: str | Path) -> tuple[Path, Segment | None]:
    """The video and, where the path names one, the segment of it."""
    text = str(path)
    match = _NAMED.fullmatch(text) if "#" in text else None
    if not match or (match[3] is None and match[4] is None):
        return Path(path), None
    unit: Unit = "t" if match[2] == "t" else "frames"
    return Path(match[1]), Segment(unit, Decimal(match[3] or 0), Decimal(match[4]) if match[4] else None)


def of(line: Mapping[str, object], columns: Mapping[Unit, tuple[str | None, str | None]], where: str) -> Segment | None:  # fmt: skip
    """The segment that a line of a list names; None where its cells are empty.

    Args:
        line: cells by column, as text.
        columns: of start and end, by unit.
        where: file and line, for messages.

    Raises:
        UsageError: not such numbers, or an end that is not behind the start.
    """
    for unit, (first, last) in columns.items():
        said = [str(line.get(name, "")).strip() if name else "" for name in (first, last)]
        if not any(said):
            continue
        start, end = (_number(text, unit, f"{where}: {name}") for text, name in zip(said, (first, last), strict=True))  # fmt: skip
        if end is not None and end <= (start or 0):
            raise UsageError(
                f"{where}: the segment ends at {said[1]:.40} and begins at {said[0] or 0:.40}; wanted an end behind the start."
            )
        return Segment(unit, start or Decimal(0), end)
    return None


def frames(
    path: Path, segment: Segment, times: Sequence[int | None], base: Fraction | None, fps: float
) -> range:
    """Frame numbers of a segment in its video.

    Args:
        path: the video, for messages.
        segment: seconds or frames.
        times: time stamps of all frames, in the order in which they are shown.
        base: seconds per tick.
        fps: rate, for videos without time stamps.

    Raises:
        VideoError: the segment begins behind the last frame, ends more than a second behind it, or holds no frame.
    """
    count, first = len(times), times[0]
    known = base is not None and first is not None and None not in times
    seconds = [(t - first) * base for t in times] if known else [i / Fraction(fps) for i in range(count)]  # type: ignore[operator]
    if segment.unit == "t":
        length = float(seconds[-1]) + 1 / fps
        start = bisect_left(seconds, Fraction(segment.start) - ROUNDING)
        stop = count if segment.end is None else bisect_left(seconds, Fraction(segment.end) - ROUNDING)
        late, said = segment.end is not None and float(segment.end) > length + SLACK, f"{length:.2f} s long"
        hint = ". If start and end count frames, call their columns start_frame and end_frame" if late else ""
    else:
        start, end = int(segment.start), count if segment.end is None else int(segment.end)
        stop, late, said, hint = min(end, count), end > count + SLACK * fps, f"{count} frames long", ""
    if late or start >= stop:
        raise VideoError(
            path, None, f"the segment {segment} does not lie in the video, which is {said}{hint}"
        )
    return range(start, stop)


def _number(text: str, unit: Unit, where: str) -> Decimal | None:
    match = _CLOCK.fullmatch(text) if text else None
    if not text:
        return None
    whole = match and not match[2] and Decimal(match[3]) == int(Decimal(match[3]))
    if not match or (unit == "frames" and not whole):
        wanted = "a frame number from 0" if unit == "frames" else "seconds, as 12.5 or 0:00:12.5"
        raise UsageError(f"{where} is {text!r:.80}; wanted {wanted}.")
    return 3600 * int(match[1] or 0) + 60 * int(match[2] or 0) + Decimal(match[3])


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
