"""Sampling laws of the contrastive tasks: two windows of one video, each law with its own rule for where they start.

All three take the policies of ``Sampling`` for short videos. ``loop`` wraps the frame numbers, as the papers' code does.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from muybridge.sampling.frame_numbers import Draw, Sampling, Short, fit_to, sample


@dataclass(frozen=True)
class DecreasingInterval:
    """Two clips whose distance t in time has the density 2 (1 - t/m) / m over [0, m], so that near ones are likelier.

    Qian et al., Spatiotemporal contrastive video representation learning, CVPR 2021, sec. 3.2, with m starts that fit; the mean of t is
    m / 3. Which of the two comes first is drawn. A short video: ``shrink`` lessens the stride, ``loop`` draws two independent starts and
    wraps (the authors' code).

    Attributes:
        frames: frames per clip.
        stride: step between them.
        short: policy for a video shorter than one clip.
    """

    frames: int
    stride: int = 1
    short: Short = "shrink"
    clips: int = 2

    @property
    def span(self) -> int:
        """Frames of the video that one clip covers."""
        return (self.frames - 1) * self.stride + 1

    def fits(self, total: int) -> bool:
        """Whether one clip fits."""
        return total >= self.span

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """Two clips end to end."""
        if not self.fits(total):
            return self._short(total, rng)
        starts = total - self.span + 1
        apart = int(interval(starts, rng.random()))
        first = int(rng.integers(starts - apart))
        pair = np.array([first, first + apart])
        return Draw(_windows(rng.permutation(pair), self.frames, self.stride).ravel())

    def _short(self, total: int, rng: np.random.Generator) -> Draw:
        one = Sampling(self.frames, self.stride, short=self.short)
        if self.short == "loop":
            return Draw(np.concatenate([sample(one, total, rng).ravel() for _ in range(2)]))
        if total < self.frames:
            return _stand_in(self.frames, total)
        return replace(self, stride=fit_to(one, total).stride).draw(total, rng)


def interval(longest: float, u: float) -> float:
    """Inverse of the distribution function 2 t/m - (t/m)^2 of the decreasing density; ``u`` in [0, 1)."""
    return longest * (1 - float(np.sqrt(1 - u)))


@dataclass(frozen=True)
class TwoSegments:
    """A segment and another one of the same video that starts at least ``apart`` frames away from it.

    Wang et al., arXiv 2008.02129 (2020), sec. 3.2; ``apart`` is 4 in the authors' code for video files. Every start that leaves room for a
    partner is as likely as every other. A short video: ``shrink`` lessens the stride, then the distance; ``loop`` wraps.

    Attributes:
        frames: frames per segment.
        stride: step between them.
        short: policy for a video in which two such segments do not fit.
        apart: least distance of their starts.
    """

    frames: int
    stride: int = 1
    short: Short = "shrink"
    apart: int = 4
    clips: int = 2

    @property
    def span(self) -> int:
        """Frames of the video that both segments cover when they are as near as allowed."""
        return (self.frames - 1) * self.stride + 1 + self.apart

    def fits(self, total: int) -> bool:
        """Whether two segments fit that start far enough from each other."""
        return total >= self.span

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """Anchor, then negative."""
        if not self.fits(total):
            return self._short(total, rng)
        starts = np.arange(total - self.span + self.apart + 1)
        first = rng.choice(starts[(starts >= self.apart) | (starts < len(starts) - self.apart)])
        second = rng.choice(starts[abs(starts - first) >= self.apart])
        return Draw(_windows(np.array([first, second]), self.frames, self.stride).ravel())

    def _short(self, total: int, rng: np.random.Generator) -> Draw:
        if self.short == "loop":
            apart = min(self.apart, total // 2)
            second = rng.integers(apart, total - apart + 1)
            starts = rng.integers(total) + np.array([0, second])
            return Draw((_windows(starts, self.frames, self.stride) % total).ravel())
        if total < self.frames:
            return _stand_in(self.frames, total)
        stride = self.stride
        if self.frames > 1:
            stride = min(stride, max(1, (total - self.apart - 1) // (self.frames - 1)))
        apart = min(self.apart, total - (self.frames - 1) * stride - 1)
        return replace(self, stride=stride, apart=apart).draw(total, rng)


@dataclass(frozen=True)
class TwoWindows:
    """Two independent windows of consecutive frames, long enough to be shown at full speed or faster.

    Chen et al., RSPNet, AAAI 2021, sec. 3.2. A window holds ``speed * frames`` frames. A short video: ``shrink`` lessens the stride and,
    where a stride of one is still too long, wraps like ``loop``, since frames that stand in for others would slow the video down and void
    the answer. Looped windows start anywhere (at the first frame in the authors' code, which makes both the same).

    Attributes:
        frames: frames per clip as the network sees it.
        speed: the higher of the two playback speeds.
        stride: step between frames at speed one.
        short: policy for a video shorter than one window.
    """

    frames: int
    speed: int = 2
    stride: int = 1
    short: Short = "shrink"
    clips: int = 2

    @property
    def length(self) -> int:
        """Frames in a window."""
        return self.frames * self.speed

    @property
    def span(self) -> int:
        """Frames of the video that one window covers."""
        return (self.length - 1) * self.stride + 1

    def fits(self, total: int) -> bool:
        """Whether one window fits."""
        return total >= self.span

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """Two windows end to end."""
        law = self
        if not self.fits(total) and self.short != "loop":
            law = replace(self, stride=max(1, (total - 1) // (self.length - 1)))
        starts = rng.integers(total - law.span + 1 if law.fits(total) else total, size=2)
        return Draw((_windows(starts, law.length, law.stride) % total).ravel())


def _stand_in(frames: int, total: int) -> Draw:
    """The whole of a video with fewer frames than a clip, neighbours standing in for what is missing; both clips are the same."""
    return Draw(np.tile(sample(Sampling(frames), total).ravel(), 2))


def _windows(starts: Int64[np.ndarray, "n"], frames: int, stride: int) -> Int64[np.ndarray, "n frames"]:
    grid: np.ndarray = np.asarray(starts, np.int64)[:, None] + stride * np.arange(frames)
    return grid
