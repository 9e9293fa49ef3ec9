import math
from collections import Counter

import numpy as np
import pytest

from muybridge.sampling.rates import RATES, Rates, played, reconstructed


def draws(law: Rates, total: int, number: int = 400) -> list:
    rng = np.random.default_rng(0)
    return [law.draw(total, rng) for _ in range(number)]


@pytest.mark.parametrize("stride", [1, 2])
def test_every_rate_and_every_start_that_fits_is_drawn_equally_often(stride: int):
    law = Rates(4, (1, 2, 4), stride)
    total = law.span + 3
    seen = Counter((d.facts["rate"], int(d.frames[0])) for d in draws(law, total, 6000))
    for place, rate in enumerate(law.rates):
        starts = total - 4 * rate * stride + 1
        counts = [seen[place, start] for start in range(starts)]
        assert abs(sum(counts) - 2000) < 4 * math.sqrt(6000 * 2 / 9)
        assert min(counts) > 0
    assert sum(seen.values()) == 6000
    assert max(place for place, _ in seen) == 2


def test_a_rate_shows_every_so_many_frames():
    for draw in draws(Rates(5, RATES), 60):
        assert set(np.diff(draw.frames)) == {RATES[draw.facts["rate"]]}
        assert draw.facts["choices"] == 4
        assert 0 <= draw.frames.min() <= draw.frames.max() < 60


@pytest.mark.parametrize("layout", [played, reconstructed])
@pytest.mark.parametrize("short", ["shrink", "loop", "skip"])
@pytest.mark.parametrize("total", [1, 2, 7, 8, 24, 63, 64, 300])
def test_draws_of_a_law_have_one_length_and_stay_inside_the_video(layout, short, total: int):
    law = Rates(8, RATES, 2, short, layout)
    found = draws(law, total, 60)
    assert len({len(draw.frames) for draw in found}) == 1
    assert all(draw.frames.dtype == np.int64 for draw in found)
    assert min(draw.frames.min() for draw in found) >= 0
    assert max(draw.frames.max() for draw in found) < total


@pytest.mark.parametrize(
    ("total", "stride", "choices", "step"),
    [
        (24, 3, 2, 1),
        (31, 1, 2, 1),
        (32, 1, 3, 1),
        (63, 3, 3, 1),
        (64, 3, 4, 1),
        (128, 3, 4, 2),
        (192, 3, 4, 3),
    ],
)
def test_a_short_video_loses_stride_first_and_then_its_highest_rates(total, stride, choices, step):
    found = draws(Rates(8, RATES, stride), total)
    assert {draw.facts["rate"] for draw in found} == set(range(choices))
    assert {draw.facts["choices"] for draw in found} == {choices}
    assert all(set(np.diff(d.frames)) == {step * RATES[d.facts["rate"]]} for d in found)


def test_a_video_shorter_than_a_clip_plays_at_the_lowest_rate_and_repeats_neighbours():
    law = Rates(8, RATES)
    assert law.draw(5, np.random.default_rng(0)).facts == {"rate": 0, "choices": 1}
    assert law.draw(5, np.random.default_rng(0)).frames.tolist() == [0, 1, 1, 2, 2, 3, 3, 4]


def test_a_looped_video_plays_at_every_rate():
    found = draws(Rates(8, RATES, short="loop"), 10)
    assert {draw.facts["rate"] for draw in found} == {0, 1, 2, 3}
    assert all(set(np.diff(d.frames) % 10) == {RATES[d.facts["rate"]]} for d in found)
    assert {int(d.frames[0]) for d in found if d.facts["rate"] == 3} == set(range(10))


def test_a_video_fits_when_every_rate_does():
    law = Rates(16, RATES)
    assert law.span == 128
    assert law.fits(128)
    assert not law.fits(127)


def test_stride_zero_shows_one_frame_at_every_rate():
    found = draws(Rates(8, RATES, 0), 5)
    assert {draw.facts["rate"] for draw in found} == {0, 1, 2, 3}
    assert all(len(set(draw.frames)) == 1 for draw in found)
    assert {int(draw.frames[0]) for draw in found} == set(range(5))


@pytest.mark.parametrize("rate", RATES)
def test_prp_paints_twice_the_frames_and_probes_each_block(rate: int):
    places = reconstructed(16, rate, 8)
    assert len(places) == 32 + 32
    wanted = [i // 2 for i in range(32)] if rate == 1 else [i * (rate // 2) for i in range(32)]
    assert places[:32].tolist() == wanted
    assert places[:32:2].tolist() == list(range(0, 16 * rate, rate)), "every second frame is the clip"
    probes = [16 * block + place for block in range(rate) for place in (0, 5, 10, 15)]
    assert places[32 : 32 + len(probes)].tolist() == probes
    assert set(places[32 + len(probes) :]) <= {probes[-1]}
    assert places.max() < 16 * rate


def test_equal_generators_draw_alike():
    law = Rates(8, RATES, layout=reconstructed)
    one, other = (law.draw(90, np.random.default_rng(3)) for _ in range(2))
    assert one.facts == other.facts
    assert np.array_equal(one.frames, other.frames)
    assert law == Rates(8, RATES, layout=reconstructed)


@pytest.mark.parametrize(
    "wrong", [(0, (1, 2)), (8, ()), (8, (2, 1)), (8, (1, 1)), (8, (0, 1)), (8, (1,), -1)]
)
def test_impossible_laws_are_refused(wrong: tuple):
    with pytest.raises(ValueError, match="rising rates"):
        Rates(*wrong)


def test_an_empty_video_is_refused():
    with pytest.raises(ValueError, match="video of 0 frames"):
        Rates(8, RATES).draw(0, np.random.default_rng(0))
