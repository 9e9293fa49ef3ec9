"""Which frames of a video a clip consists of: pure index arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64

Short = Literal["shrink", "loop", "skip"]
Sampled = Literal["dense", "uniform"]
"""How a network is shown a video: every stride-th frame of a part of it, or one frame of each of equal parts of the whole."""


@dataclass(frozen=True)
class Draw:
    """What a law drew from one video.

    Attributes:
        frames: frame numbers, as many in every draw of a law.
        facts: what else the law decided (a playback rate), by name.
    """

    frames: Int64[np.ndarray, "n"]
    facts: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class Law(Protocol):
    """Any law that picks the frames that a task needs from one video: a frozen dataclass, so that equal laws are equal."""

    @property
    def clips(self) -> int:
        """Clips that a draw holds, one behind the other."""

    @property
    def short(self) -> Short:
        """What to do with a video shorter than ``span``."""

    @property
    def span(self) -> int:
        """Frames of video that a draw wants."""

    def __hash__(self) -> int:
        """Equal laws hash alike."""

    def fits(self, total: int) -> bool:
        """Whether a video of ``total`` frames is long enough without any policy."""
        ...

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """One draw from a video of ``total`` frames."""
        ...


class ClipLaw(Law, Protocol):
    """A law of single clips, which can also spread them over a video without drawing: how networks are trained and tested."""

    @property
    def frames(self) -> int:
        """Frames per clip."""

    def views(self, total: int, number: int) -> Int64[np.ndarray, "number frames"]:
        """``number`` clips spread evenly over a video of ``total`` frames; a single one from the middle."""
        ...


@dataclass(frozen=True)
class Sampling:
    """The plain law: clips one behind the other, a gap between them, the start uniform over all that fit.

    Attributes:
        frames: frames per clip.
        stride: step between the frames of a clip; 0 repeats one frame (a still, the control for what motion adds).
        clips: clips per video, one behind the other in time.
        gap: frames between the clips; negative for clips that overlap, down to clips that are the same.
        short: what to do with a video shorter than that. ``shrink``: shrink the gap, then let the clips overlap, then shrink the stride;
            a video with fewer frames than a clip repeats neighbours. ``loop``: start again at its first frame. ``skip``: whoever builds
            the list of videos leaves it out; here it is treated as ``shrink``.
    """

    frames: int
    stride: int = 1
    clips: int = 1
    gap: int = 0
    short: Short = "shrink"

    def __post_init__(self) -> None:
        if self.frames < 1 or self.stride < 0 or self.clips < 1 or self.gap < -self.clip_span:
            raise ValueError(
                f"{self}: wanted frames >= 1, stride >= 0, clips >= 1 and gap >= {-self.clip_span}"
            )

    @property
    def clip_span(self) -> int:
        """Frames of the video that one clip covers."""
        return (self.frames - 1) * self.stride + 1

    @property
    def span(self) -> int:
        """Frames of the video that all clips and the gaps between them cover."""
        return self.clips * self.clip_span + (self.clips - 1) * self.gap

    def fits(self, total: int) -> bool:
        """Whether a video of ``total`` frames is long enough without any policy."""
        return total >= self.span

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """The clips of one draw, laid end to end."""
        return Draw(sample(self, total, rng).ravel())

    def views(self, total: int, number: int) -> Int64[np.ndarray, "number frames"]:
        """``number`` clips spread evenly over a video, first to last; a single one is taken from the middle."""
        law = Sampling(self.frames, self.stride, short=self.short)
        if number == 1 or (not law.fits(total) and (law.short == "loop" or total < law.frames)):
            return np.tile(sample(law, total), (number, 1))
        law = fit_to(law, total)
        starts: np.ndarray = np.linspace(0, total - law.clip_span, number).round().astype(np.int64)
        chosen: np.ndarray = starts[:, None] + _grid(law, 0, 0)
        return chosen


def fit_to(law: Sampling, total: int) -> Sampling:
    """The law with stride and gap shrunk until it fits a video of ``total`` frames; a negative gap is an overlap."""
    stride = law.stride
    if total < law.clip_span:
        stride = (total - 1) // (law.frames - 1) if law.frames > 1 else 0
    span = (law.frames - 1) * stride + 1
    room = (total - law.clips * span) // (law.clips - 1) if law.clips > 1 else law.gap
    gap = max(min(law.gap, room), -span)
    return Sampling(law.frames, stride, law.clips, gap, law.short)


def sample(
    law: Sampling, total: int, rng: np.random.Generator | None = None
) -> Int64[np.ndarray, "clips frames"]:
    """Frame numbers of one draw from a video of ``total`` frames: start uniform over all that fit, or the middle without ``rng``."""
    if total < 1:
        raise ValueError(f"{law}: cannot sample a video of {total} frames")
    if law.short == "loop" and not law.fits(total):
        start = int(rng.integers(total)) if rng else 0
        return _grid(law, start, law.clip_span + law.gap) % total
    too_few = total < law.frames and law.stride > 0
    law = fit_to(law, total)
    if too_few:
        return np.tile(np.linspace(0, total - 1, law.frames).round().astype(np.int64), (law.clips, 1))
    last = max(total - law.span, 0)
    start = int(rng.integers(last + 1)) if rng else last // 2
    return _grid(law, start, law.clip_span + law.gap)


@lru_cache(4096)
def coincide(law: Law, total: int) -> bool:
    """Whether all clips of a tuple always show the same frames of a video of ``total`` frames."""
    return law.clips > 1 and all(len(np.unique(draw, axis=0)) == 1 for draw in _draws(law, total))


@lru_cache(4096)
def repeats(law: Law, total: int) -> bool:
    """Whether a video is too short for a law and its clips show some frames again that they would not show again in a longer one.

    Happens where the video is looped or neighbours stand in for what is missing; a layout that shows frames twice by design is none.
    """
    return not law.fits(total) and _distinct(law, total) < _distinct(law, law.span)


def _distinct(law: Law, total: int) -> int:
    """Least number of different frames in a clip."""
    return min(len(set(clip)) for draw in _draws(law, total) for clip in draw.tolist())


def _draws(law: Law, total: int, number: int = 16) -> list[np.ndarray]:
    """Some draws, a clip a row."""
    return [law.draw(total, np.random.default_rng(i)).frames.reshape(law.clips, -1) for i in range(number)]


def _grid(law: Sampling, start: int, step: int) -> Int64[np.ndarray, "clips frames"]:
    clips = start + step * np.arange(law.clips, dtype=np.int64)
    return clips[:, None] + law.stride * np.arange(law.frames, dtype=np.int64)
