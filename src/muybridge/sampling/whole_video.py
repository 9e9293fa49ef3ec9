"""Uniform sampling: a clip whose frames lie all over its video, one in each of as many equal parts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from muybridge.sampling.frame_numbers import ClipLaw, Draw, Sampled, Sampling, Short


@dataclass(frozen=True)
class Uniform:
    """One frame out of each of ``frames`` equal parts of the video, all at the same place of their part.

    Wang et al., Temporal segment networks, ECCV 2016, sec. 3.1, draw the place in every part anew; here one draw serves all parts, as in
    Chen et al., arXiv 2010.11757 (2021), so that frames stay equally far apart and only the phase is drawn. Tests take the middle.

    Attributes:
        frames: frames per clip.
        short: what to do with a video of fewer frames. ``skip``: whoever builds the list of videos leaves it out; else neighbours are shown
            more than once.

    Raises:
        ValueError: no frames.
    """

    frames: int
    short: Short = "shrink"
    clips = 1

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"{self}: wanted frames >= 1")

    @property
    def span(self) -> int:
        """Frames that a video must have so that none is shown twice."""
        return self.frames

    def fits(self, total: int) -> bool:
        """Whether a video of ``total`` frames has one for every part."""
        return total >= self.frames

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """A clip at a place drawn uniformly within the parts."""
        return Draw(self._at(rng.random(1), total)[0])

    def views(self, total: int, number: int) -> Int64[np.ndarray, "number frames"]:
        """``number`` clips at places spread evenly within the parts; a single one takes their middles."""
        return self._at((np.arange(number) + 0.5) / number, total)

    def _at(self, places: np.ndarray, total: int) -> Int64[np.ndarray, "n frames"]:
        if total < 1:
            raise ValueError(f"{self}: cannot sample a video of {total} frames")
        wanted: np.ndarray = np.floor(
            total / self.frames * (np.arange(self.frames) + places[:, None])
        ).astype(np.int64)
        return wanted.clip(max=total - 1)  # a place just below 1 rounds up to the end of the last part


def clip_law(sampling: Sampled, frames: int, stride: int, short: Short) -> ClipLaw:
    """The law of single clips; ``stride`` is that of dense ones alone."""
    return Uniform(frames, short) if sampling == "uniform" else Sampling(frames, stride, short=short)
