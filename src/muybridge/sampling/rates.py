"""Sampling law that draws a playback rate: which frames of a video are shown, and at what rate.

A rate s shows every s-th frame, so a clip of ``frames`` covers ``frames * s`` frames of its video.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from muybridge.sampling.frame_numbers import Draw, Short

Layout = Callable[[int, int, int], Int64[np.ndarray, "n"]]
"""(frames, rate, highest rate) to places inside what the clip covers; as many for every rate."""
RATES = (1, 2, 4, 8)
PROBES = 4
"""Frames of each block of a clip's length in which PRP looks for motion."""


def played(frames: int, rate: int, highest: int) -> Int64[np.ndarray, "frames"]:
    """The frames of a clip alone: every ``rate``-th."""
    return rate * np.arange(frames)


def reconstructed(frames: int, rate: int, highest: int) -> Int64[np.ndarray, "n"]:
    """PRP's frames: the clip at twice its frame rate, every frame twice at rate 1; then the probes.

    The probes are ``PROBES`` frames spread over each of the ``rate`` blocks of ``frames`` frames, the last one repeated until there are as
    many as for the highest rate.
    """
    double = np.arange(2 * frames) * rate // 2
    spread = np.round(np.linspace(0, frames - 1, PROBES)).astype(np.int64)
    probes = (frames * np.arange(rate)[:, None] + spread).ravel()
    return np.concatenate([double, np.pad(probes, (0, PROBES * (highest - rate)), mode="edge")])


@dataclass(frozen=True)
class Rates:
    """One clip at a rate drawn from a list, from a start uniform over all that fit.

    The fact ``rate`` is the place of the rate in the list. The fact ``choices`` says among how many rates it was drawn, always the
    lowest ones: a video shorter than ``span`` cannot be played at every rate.

    Attributes:
        frames: frames of the clip.
        rates: rates to draw from, rising.
        stride: step between the frames at rate 1; 0 repeats one frame at every rate (a still, the control for what motion adds).
        short: what to do with a video too short for the highest rate. ``shrink``: shrink the stride, then draw among the rates that
            fit; a video too short for the lowest one plays at it and repeats neighbours. ``loop``: draw all and start again at the
            first frame. ``skip``: whoever builds the list of videos leaves it out; here it is treated as ``shrink``.
        layout: which frames are wanted of those that the clip covers.

    Raises:
        ValueError: impossible numbers.
    """

    frames: int
    rates: tuple[int, ...]
    stride: int = 1
    short: Short = "shrink"
    layout: Layout = played
    clips = 1

    def __post_init__(self) -> None:
        rising = list(self.rates) == sorted(set(self.rates))
        if self.frames < 1 or self.stride < 0 or not self.rates or self.rates[0] < 1 or not rising:
            raise ValueError(f"{self}: wanted frames >= 1, stride >= 0 and rising rates from 1 on")

    @property
    def span(self) -> int:
        """Frames of video that the highest rate covers."""
        return self._covered(self.rates[-1], self.stride)

    def fits(self, total: int) -> bool:
        """Whether a video of ``total`` frames can be played at every rate."""
        return total >= self.span

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """A rate, a start, and the frames of the layout."""
        if total < 1:
            raise ValueError(f"{self}: cannot sample a video of {total} frames")
        stride, choices = self._options(total)
        place = int(rng.integers(choices))
        rate = self.rates[place]
        wanted = stride * self.layout(self.frames, rate, self.rates[-1])
        room = total - self._covered(rate, stride)
        if room < 0 and self.short != "loop":
            frames = np.round(wanted * (total - 1) / (total - room - 1)).astype(np.int64)
        else:
            frames = (rng.integers(room + 1 if room >= 0 else total) + wanted) % total
        return Draw(frames, {"rate": place, "choices": choices})

    def _covered(self, rate: int, stride: int) -> int:
        return max(1, self.frames * rate * stride)

    def _options(self, total: int) -> tuple[int, int]:
        """Stride and number of rates for a video of ``total`` frames."""
        if self.short == "loop":
            return self.stride, len(self.rates)
        stride = min(self.stride, max(1, total // self._covered(self.rates[-1], 1)))
        return stride, max(1, sum(self._covered(rate, stride) <= total for rate in self.rates))
