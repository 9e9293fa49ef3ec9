"""Index arithmetic of sampling laws, checked over many laws and lengths."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.sampling.frame_numbers import Sampling, fit_to, sample

POLICIES = st.sampled_from(["shrink", "loop", "skip"])


@st.composite
def laws(draw: st.DrawFn) -> Sampling:
    frames, stride = draw(st.integers(1, 20)), draw(st.integers(0, 6))
    gap = draw(st.integers(-((frames - 1) * stride + 1), 12))
    return Sampling(frames, stride, draw(st.integers(1, 4)), gap, draw(POLICIES))


def _rng(seed: int | None) -> np.random.Generator | None:
    return None if seed is None else np.random.default_rng(seed)


SEEDS = st.none() | st.integers(0, 99)


@settings(deadline=None, derandomize=True)
@given(laws(), st.integers(1, 150), SEEDS)
def test_frames_lie_inside_the_video(law: Sampling, total: int, seed: int | None) -> None:
    chosen = sample(law, total, _rng(seed))
    assert chosen.shape == (law.clips, law.frames)
    assert chosen.dtype == np.int64
    assert chosen.min() >= 0
    assert chosen.max() < total


@settings(deadline=None, derandomize=True)
@given(laws(), st.integers(0, 50), SEEDS)
def test_a_video_that_fits_is_sampled_as_the_law_says(law: Sampling, more: int, seed: int | None) -> None:
    chosen = sample(law, law.span + more, _rng(seed))
    start = chosen[0, 0]
    wanted = [
        [start + clip * (law.clip_span + law.gap) + frame * law.stride for frame in range(law.frames)]
        for clip in range(law.clips)
    ]
    assert chosen.tolist() == wanted
    assert chosen[-1, -1] - start + 1 == law.span
    assert 0 <= start <= more


@settings(deadline=None, derandomize=True)
@given(laws(), st.integers(1, 150))
def test_the_fitted_law_fits_and_shrinks_no_more_than_it_must(law: Sampling, total: int) -> None:
    fitted = fit_to(law, total)
    assert fitted.stride <= law.stride
    if total >= law.frames or law.stride == 0:
        assert fitted.fits(total)
    if law.fits(total):
        assert fitted == law
    if total >= law.clip_span:
        assert fitted.stride == law.stride, "the gap goes before the stride"


@pytest.mark.parametrize(
    ("total", "wanted"),
    [
        (
            18,
            [[0, 2, 4], [8, 10, 12]],
        ),  # fits with room: the middle of the starts 0 and 5, rounded down, is 2
        (13, [[0, 2, 4], [8, 10, 12]]),
        (11, [[0, 2, 4], [6, 8, 10]]),  # a smaller gap
        (8, [[0, 2, 4], [3, 5, 7]]),  # an overlap
        (5, [[0, 2, 4], [0, 2, 4]]),  # the same clip twice
        (4, [[0, 1, 2], [1, 2, 3]]),  # a smaller stride
        (3, [[0, 1, 2], [0, 1, 2]]),
        (2, [[0, 0, 1], [0, 0, 1]]),  # fewer frames than a clip: neighbours repeat
        (1, [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_short_videos_shrink_step_by_step(total: int, wanted: list[list[int]]) -> None:
    law = Sampling(frames=3, stride=2, clips=2, gap=3)
    shift = 2 if total == 18 else 0
    assert sample(law, total).tolist() == (np.array(wanted) + shift).tolist()


def test_a_looped_video_starts_again_at_its_first_frame() -> None:
    law = Sampling(frames=4, stride=2, clips=2, gap=1, short="loop")
    assert sample(law, 5).tolist() == [[0, 2, 4, 1], [3, 0, 2, 4]]
    starts = {int(sample(law, 5, np.random.default_rng(seed))[0, 0]) for seed in range(40)}
    assert starts == {0, 1, 2, 3, 4}
    assert sample(law, law.span).tolist() == sample(Sampling(4, 2, 2, 1), law.span).tolist()


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 9), st.integers(1, 60), SEEDS)
def test_stride_zero_is_a_still(frames: int, total: int, seed: int | None) -> None:
    chosen = sample(Sampling(frames, stride=0), total, _rng(seed))
    assert len(set(chosen.ravel().tolist())) == 1


def test_every_start_that_fits_is_as_likely_as_every_other() -> None:
    law, rng = Sampling(4, 2), np.random.default_rng(0)
    starts = [int(sample(law, 7 + 9, rng)[0, 0]) for _ in range(5000)]
    counts = np.bincount(starts)
    assert len(counts) == 10
    assert ((counts - 500) ** 2 / 500).sum() < 27.9, "chi-squared with 9 degrees of freedom, p = 0.001"


@pytest.mark.parametrize(("total", "start"), [(7, 0), (8, 0), (9, 1), (17, 5)])
def test_without_a_generator_the_middle_is_taken(total: int, start: int) -> None:
    assert sample(Sampling(4, 2), total)[0, 0] == start


@settings(deadline=None, derandomize=True)
@given(laws(), st.integers(1, 150), st.integers(1, 12))
def test_views_lie_inside_the_video_and_move_on(law: Sampling, total: int, number: int) -> None:
    chosen = law.views(total, number)
    assert chosen.shape == (number, law.frames)
    assert chosen.min() >= 0
    assert chosen.max() < total
    assert all(a <= b for a, b in pairwise(chosen[:, 0].tolist()))


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 9), st.integers(0, 4), st.integers(0, 60), st.integers(2, 12))
def test_views_run_from_the_first_frame_to_the_last_in_even_steps(
    frames: int, stride: int, more: int, number: int
) -> None:
    law = Sampling(frames, stride)
    chosen = law.views(law.clip_span + more, number)
    assert chosen[0, 0] == 0
    assert chosen[-1, -1] == law.clip_span + more - 1
    steps = np.diff(chosen[:, 0])
    assert steps.max() - steps.min() <= 1
    assert (chosen - chosen[:, :1] == stride * np.arange(frames)).all()


@settings(deadline=None, derandomize=True)
@given(laws(), st.integers(1, 150))
def test_a_single_view_is_the_middle_clip(law: Sampling, total: int) -> None:
    one = Sampling(law.frames, law.stride, short=law.short)
    assert law.views(total, 1).tolist() == sample(one, total).tolist()


@pytest.mark.parametrize("number", [1, 3])
def test_views_follow_the_same_policy_as_training(number: int) -> None:
    looped = Sampling(4, 2, short="loop").views(5, number)
    assert looped.tolist() == [[0, 2, 4, 1]] * number
    assert (
        Sampling(4, 2).views(5, number).tolist()
        == [[0, 1, 2, 3]] * 1 + [[0, 1, 2, 3], [1, 2, 3, 4]][: number - 1]
    )


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"stride": -1}, {"clips": 0}, {"frames": 3, "stride": 2, "gap": -6, "clips": 2}]
)
def test_impossible_laws_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"wanted frames >= 1"):
        Sampling(**{"frames": 4} | wrong)


@pytest.mark.parametrize("short", ["shrink", "loop"])
def test_a_video_without_frames_is_refused(short: str) -> None:
    with pytest.raises(ValueError, match="cannot sample a video of 0 frames"):
        sample(Sampling(4, short=short), 0)  # type: ignore[arg-type]
