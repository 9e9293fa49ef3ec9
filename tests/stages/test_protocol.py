"""Evaluation protocols: which frames are shown, against slow and obvious sums."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.config.stage_configs import FinetuneConfig, RobustnessConfig
from muybridge.core.errors import UsageError
from muybridge.stages.testing.clip_protocol import (
    PROTOCOLS,
    Protocol,
    chosen,
    of_run,
    parse_views,
    picks,
    resampled,
)


def test_ten_dense_views_are_spread_from_the_first_frame_to_the_last() -> None:
    found = picks(PROTOCOLS["kinetics"], 300, 30.0)
    assert found.shape == (10, 16)
    assert (np.diff(found, axis=1) == 4).all()
    assert found[0, 0] == 0
    assert found[-1, -1] == 299
    gaps = np.diff(found[:, 0])
    assert gaps.max() - gaps.min() <= 1


def test_uniform_sampling_takes_the_middle_of_equal_parts() -> None:
    found = picks(PROTOCOLS["ssv2"], 46, 12.0)
    by_hand = [int((i + 0.5) * 46 / 16) for i in range(16)]
    assert found.tolist() == [by_hand]


def test_uniform_views_lie_between_each_other() -> None:
    found = picks(replace(PROTOCOLS["ssv2"], temporal=2), 64, 12.0)
    assert found[0].tolist() == [4 * i + 1 for i in range(16)]
    assert found[1].tolist() == [4 * i + 3 for i in range(16)]


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 400), st.floats(5, 120), st.floats(1, 60))
def test_each_tick_of_another_rate_shows_the_nearest_frame(total: int, fps: float, wanted: float) -> None:
    found = resampled(total, fps, wanted)
    assert len(found) == max(1, round(total * wanted / fps))
    for tick, frame in enumerate(found.tolist()):
        ideal = tick * fps / wanted
        assert abs(frame - min(ideal, total - 1)) <= 0.5 + 1e-9 or ideal > total - 1


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(0.005, 3), min_size=1, max_size=60), st.floats(1, 60))
def test_where_the_rate_varies_each_tick_shows_what_is_nearest_in_time(
    gaps: list[float], wanted: float
) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    fps = len(gaps) / times[-1]
    found = resampled(len(times), fps, wanted, times.tolist())
    assert len(found) == max(1, round((times[-1] + 1 / fps) * wanted))
    for tick, frame in enumerate(found.tolist()):
        assert abs(times[frame] - tick / wanted) <= np.abs(times - tick / wanted).min() + 1e-9


def test_time_stamps_of_a_steady_rate_change_nothing() -> None:
    for wanted in (10.0, 24.0, 25.0):
        steady = resampled(97, 30.0, wanted)
        by_time = resampled(97, 30.0, wanted, (np.arange(97) / 30.0).tolist())
        assert np.abs(steady - by_time).max() <= 1  # halves may be rounded to either side
        assert (steady == by_time).mean() > 0.75


def test_i3d_sees_64_frames_of_the_middle_at_25_fps() -> None:
    found = picks(PROTOCOLS["i3d-kinetics"], 300, 30.0)
    ticks = [round(i * 1.2) for i in range(250)]
    assert found.tolist() == [ticks[93 : 93 + 64]]


def test_unknown_rates_and_no_rate_leave_the_frames_as_they_are() -> None:
    assert resampled(7, 0.0, 25.0).tolist() == resampled(7, 30.0, None).tolist() == list(range(7))


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 90), st.sampled_from(sorted(PROTOCOLS)), st.sampled_from([10.0, 25.0, 60.0]))
def test_every_video_gives_whole_clips_of_its_own_frames(total: int, name: str, fps: float) -> None:
    protocol = PROTOCOLS[name]
    found = picks(protocol, total, fps)
    assert found.shape == (protocol.temporal, protocol.frames)
    assert found.min() >= 0
    assert found.max() < total
    assert (np.diff(found, axis=1) >= 0).all()


def test_the_hash_names_what_is_seen_and_not_what_it_is_called() -> None:
    one = PROTOCOLS["ucf101"]
    assert one.hash == PROTOCOLS["hmdb51"].hash
    changes = [{"frames": 8}, {"stride": 2}, {"fps": 25.0}, {"sampling": "uniform"}, {"temporal": 1},
               {"spatial": 3}, {"short_side": 224}, {"crop": 112}, {"short": "loop"}]  # fmt: skip
    assert len({one.hash, *(replace(one, **change).hash for change in changes)}) == 1 + len(changes)


def test_golden_hash_that_stored_runs_rest_on() -> None:
    assert PROTOCOLS["kinetics"].hash == "314a70101b9c"


def test_overrides_change_a_preset_and_its_name() -> None:
    config = RobustnessConfig(protocol="kinetics", frames=8, views="4x3", crop=112, short_side=128)
    found = chosen(config, "ssv2")
    assert (found.frames, found.stride, found.temporal, found.spatial) == (8, 4, 4, 3)
    assert (found.crop, found.short_side, found.views) == (112, 128, 12)
    assert found.name == "kinetics, changed"
    assert chosen(RobustnessConfig(), "ssv2") == PROTOCOLS["ssv2"]


def test_a_model_says_its_own_frames_and_size_and_a_user_has_the_last_word() -> None:
    assert chosen(RobustnessConfig(), "kinetics", {"frames": 8, "crop": 288}).short_side == 288
    assert chosen(RobustnessConfig(frames=4), "kinetics", {"frames": 8}).frames == 4


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (RobustnessConfig(protocol="kinetic"), "'kinetics'"),
        (RobustnessConfig(views="10x2"), "1 or 3 spatial"),
        (RobustnessConfig(crop=500, short_side=300), "does not fit"),
        (RobustnessConfig(fps=0.0), "above 0"),
        (RobustnessConfig(views="ten"), "10x1 or 10x3"),
    ],
)
def test_impossible_protocols_are_refused(config: RobustnessConfig, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(config, "kinetics")


@pytest.mark.parametrize(("text", "views"), [("10x3", (10, 3)), ("5", (5, 1)), ("1X1", (1, 1))])
def test_views_are_temporal_x_spatial(text: str, views: tuple[int, int]) -> None:
    assert parse_views(text) == views


@pytest.mark.parametrize("text", ["", "x", "0x1", "1x2x3", "-1"])
def test_other_words_are_no_views(text: str) -> None:
    with pytest.raises(UsageError, match="wanted temporal x spatial"):
        parse_views(text)


def test_the_protocol_of_an_own_run_is_that_of_its_config() -> None:
    found = of_run(FinetuneConfig(frames=8, stride=3, size=36, crop=32, views=2))
    assert found == Protocol(name="own run", frames=8, stride=3, temporal=2, short_side=36, crop=32)
