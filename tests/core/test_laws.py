"""Sampling laws of the contrastive tasks, checked over many lengths and against the published densities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.sampling.frame_numbers import Law, Sampling, coincide, repeats
from muybridge.sampling.rates import Rates, reconstructed
from muybridge.sampling.windows import DecreasingInterval, TwoSegments, TwoWindows, interval

KINDS = [DecreasingInterval, TwoSegments, TwoWindows]


@st.composite
def laws(draw: st.DrawFn) -> Law:
    kind = draw(st.sampled_from(KINDS))
    short = draw(st.sampled_from(["shrink", "loop", "skip"]))
    return kind(frames=draw(st.integers(1, 12)), stride=draw(st.integers(0, 5)), short=short)


def pairs(law: Law, total: int, draws: int) -> np.ndarray:
    """Frames of many draws: draw, clip, frame."""
    rng = np.random.default_rng(0)
    return np.stack([law.draw(total, rng).frames.reshape(2, -1) for _ in range(draws)])


@settings(deadline=None, derandomize=True)
@given(laws(), st.integers(1, 120), st.integers(0, 99))
def test_every_draw_lies_inside_the_video_and_has_the_same_length(law: Law, total: int, seed: int) -> None:
    chosen = law.draw(total, np.random.default_rng(seed)).frames
    assert chosen.dtype == np.int64
    assert chosen.shape == law.draw(1000, np.random.default_rng(0)).frames.shape
    assert chosen.min() >= 0
    assert chosen.max() < total


@settings(deadline=None, derandomize=True)
@given(laws(), st.integers(0, 60), st.integers(0, 99))
def test_in_a_video_that_fits_frames_keep_the_stride_of_the_law(law: Law, more: int, seed: int) -> None:
    assert law.fits(law.span + more)
    assert not law.fits(law.span - 1)
    clips = law.draw(law.span + more, np.random.default_rng(seed)).frames.reshape(2, -1)
    assert (np.diff(clips, axis=1) == law.stride).all()


# CVRL


def test_the_interval_has_the_published_mean_and_distribution() -> None:
    u = (np.arange(100_000) + 0.5) / 100_000
    t = np.array([interval(60, one) for one in u])
    assert t.mean() == pytest.approx(60 / 3, rel=1e-4)
    for x in (5.0, 20.0, 50.0):  # F(t) = 2 t/m - (t/m)^2
        assert (t <= x).mean() == pytest.approx(2 * x / 60 - (x / 60) ** 2, abs=1e-4)


def test_distances_of_clips_fall_off_as_published_and_either_comes_first() -> None:
    law, total = DecreasingInterval(4, 2), 6 + 30
    starts = pairs(law, total, 20_000)[:, :, 0]
    distance = np.abs(starts[:, 0] - starts[:, 1])
    edges = np.arange(31)
    expected = np.diff(2 * edges / 30 - (edges / 30) ** 2) * 20_000
    counts = np.bincount(distance, minlength=30)
    assert ((counts - expected) ** 2 / expected).sum() < 58.3, "chi-squared, 29 degrees of freedom, p = 0.001"
    assert starts.max() == total - 7
    assert (starts[:, 0] < starts[:, 1]).mean() == pytest.approx(
        (starts[:, 0] > starts[:, 1]).mean(), abs=0.02
    )


def test_a_short_video_loops_from_two_independent_starts() -> None:
    starts = pairs(DecreasingInterval(8, 2, "loop"), 5, 2000)[:, :, 0]
    counts = np.zeros((5, 5))
    np.add.at(counts, (starts[:, 0], starts[:, 1]), 1)
    assert ((counts - 80) ** 2 / 80).sum() < 51.2, "chi-squared, 24 degrees of freedom, p = 0.001"


# TDL


@pytest.mark.parametrize("total", [20, 24, 60])
def test_anchor_and_negative_start_at_least_four_frames_from_each_other(total: int) -> None:
    starts = pairs(TwoSegments(4, 5), total, 4000)[:, :, 0]
    assert np.abs(starts[:, 0] - starts[:, 1]).min() == 4
    possible = {a for a in range(total - 15) if any(abs(a - b) >= 4 for b in range(total - 15))}
    assert set(starts[:, 0].tolist()) == possible
    assert set(starts[:, 1].tolist()) <= possible


def test_segments_give_up_stride_before_distance() -> None:
    law = TwoSegments(4, 5)
    chosen = pairs(law, 17, 200)
    assert (np.diff(chosen, axis=2) == 4).all()
    assert np.abs(chosen[:, 0, 0] - chosen[:, 1, 0]).min() == 4
    chosen = pairs(law, 6, 200)
    assert (np.diff(chosen, axis=2) == 1).all()
    assert set(np.abs(chosen[:, 0, 0] - chosen[:, 1, 0]).tolist()) == {2}


def test_looped_segments_are_apart_on_the_circle() -> None:
    starts = pairs(TwoSegments(8, 2, "loop"), 11, 2000)[:, :, 0]
    apart = np.abs(starts[:, 0] - starts[:, 1])
    assert np.minimum(apart, 11 - apart).min() == 4


# RSPNet


def test_windows_are_independent_and_hold_frames_for_the_higher_speed() -> None:
    chosen = pairs(TwoWindows(4, speed=3), 16, 8000)
    assert chosen.shape == (8000, 2, 12)
    counts = np.zeros((5, 5))
    np.add.at(counts, (chosen[:, 0, 0], chosen[:, 1, 0]), 1)
    assert ((counts - 320) ** 2 / 320).sum() < 51.2, "chi-squared, 24 degrees of freedom, p = 0.001"


def test_windows_lose_stride_first_and_wrap_where_one_is_too_long() -> None:
    law = TwoWindows(4, stride=3)
    assert (np.diff(pairs(law, 17, 50), axis=2) == 2).all()
    steps = np.diff(pairs(law, 5, 50), axis=2)
    assert set(steps.ravel().tolist()) == {1, -4}, "consecutive frames that start again at the first"


# what is noted


@pytest.mark.parametrize(
    ("law", "total", "same", "twice"),
    [
        (DecreasingInterval(4, 2), 6, False, False),  # stride 1, three starts
        (DecreasingInterval(4, 2), 4, True, False),
        (DecreasingInterval(4, 2), 3, True, True),
        (DecreasingInterval(4, 2), 7, True, False),  # fits, but in one way only
        (DecreasingInterval(4, 2, "loop"), 6, False, True),
        (TwoSegments(4), 5, False, False),
        (TwoSegments(4), 4, True, False),
        (TwoSegments(4), 3, True, True),
        (TwoSegments(4, short="loop"), 3, False, True),
        (TwoWindows(4), 8, True, False),
        (TwoWindows(4), 7, False, True),
        (Sampling(4, 2, 2), 8, False, False),
        (Sampling(4, 2, 2), 7, True, False),
        (Sampling(4, 2), 3, False, True),
        (Sampling(4, 2), 4, False, False),
        (Rates(4, (1, 2), layout=reconstructed), 8, False, False),
        (
            Rates(4, (1, 2), layout=reconstructed),
            7,
            False,
            False,
        ),  # frames come twice by design, as in a long video
        (Rates(4, (1, 2), layout=reconstructed), 3, False, True),
        (Rates(4, (1, 2), 2), 15, False, False),
        (Rates(4, (1, 2), short="loop"), 3, False, True),
    ],
)
def test_windows_that_coincide_or_repeat_frames_are_found(
    law: Law, total: int, same: bool, twice: bool
) -> None:
    assert coincide(law, total) == same
    assert repeats(law, total) == twice
