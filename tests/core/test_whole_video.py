"""Uniform sampling against its definition in fractions, and as a law among others."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muybridge.sampling.frame_numbers import ClipLaw, Sampling, repeats
from muybridge.sampling.whole_video import Uniform, clip_law


def by_hand(total: int, frames: int, place: Fraction) -> list[int]:
    """Part i runs from i total / frames on; the frame at a share of it."""
    return [int(Fraction(total, frames) * (part + place)) for part in range(frames)]


@given(st.integers(1, 400), st.integers(1, 64), st.integers(1, 8))
def test_views_are_exact_shares_of_the_parts(total: int, frames: int, number: int) -> None:
    chosen = Uniform(frames).views(total, number).tolist()
    exact = [by_hand(total, frames, Fraction(2 * view + 1, 2 * number)) for view in range(number)]
    off = [
        abs(a - b) for one, other in zip(chosen, exact, strict=True) for a, b in zip(one, other, strict=True)
    ]
    assert max(off) <= 1, "where a share falls on a whole frame rounding may take its neighbour"
    assert np.mean(off) < 0.2


@given(st.integers(1, 400), st.integers(1, 64), st.integers(0, 1000))
def test_a_draw_takes_one_frame_of_every_part_and_keeps_them_equally_far_apart(
    total: int, frames: int, seed: int
) -> None:
    drawn = Uniform(frames).draw(total, np.random.default_rng(seed)).frames
    assert drawn.shape == (frames,)
    assert drawn.min() >= 0
    assert drawn.max() < total
    for part, frame in enumerate(drawn.tolist()):
        assert total * part // frames <= frame <= -(-total * (part + 1) // frames)
    steps = [b - a for a, b in pairwise(drawn.tolist())]
    assert not steps or max(steps) - min(steps) <= 1


def test_every_frame_is_drawn_as_often_as_every_other() -> None:
    law, rng = Uniform(4), np.random.default_rng(0)
    drawn = np.concatenate([law.draw(40, rng).frames for _ in range(4000)])
    counts = np.bincount(drawn, minlength=40)
    assert ((counts - 400) ** 2 / 400).sum() / 4 < 27.9, (
        "chi-squared with 9 degrees of freedom, p = 0.001; parts move together"
    )


class Edge(np.random.Generator):
    """A generator that draws the largest number below one."""

    def random(self, *args: object, **kwargs: object) -> np.ndarray:  # type: ignore[override]
        return np.array([np.nextafter(1.0, 0.0)])


def test_the_place_next_to_one_stays_inside() -> None:
    edge = Edge(np.random.PCG64(0))
    for frames in (1, 3, 16, 64):
        for total in (1, 7, 64, 1000):
            assert Uniform(frames).draw(total, edge).frames.max() <= total - 1


def test_a_video_of_fewer_frames_repeats_neighbours_in_order() -> None:
    law = Uniform(8)
    assert law.views(3, 1).tolist() == [[0, 0, 0, 1, 1, 2, 2, 2]]
    assert not law.fits(7)
    assert law.fits(8)
    assert repeats(law, 3)
    assert not repeats(law, 8)


@pytest.mark.parametrize("law", [Uniform(4), Sampling(4, 2)])
def test_laws_of_single_clips_are_one_kind(law: ClipLaw) -> None:
    assert isinstance(law, ClipLaw)
    assert law.clips == 1
    assert hash(law) == hash(clip_law("uniform" if isinstance(law, Uniform) else "dense", 4, 2, "shrink"))
    with pytest.raises(ValueError, match=r"0 frames|frames >= 1"):
        law.draw(0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="frames >= 1"):
        type(law)(0)
