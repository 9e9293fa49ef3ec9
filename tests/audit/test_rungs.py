"""What is asked in which time: conditions that grow, videos that fit, and the least that must be given."""

import re
from itertools import pairwise

import pytest

from muybridge.audit.rungs import Costs, choose, round_up, rungs
from muybridge.core.errors import UsageError
from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.profiles import DEFAULT, PROFILES

CHEAP = Costs(2.0, 0.01, 0.02, {"jpeg": 0.002, "gaussian_noise": 0.001})
DEAR = Costs(5.0, 0.5, 4.0, {"jpeg": 0.5})


def test_every_rung_holds_the_one_below():
    found = [set(one.conditions) for one in rungs(16)]
    for below, above in pairwise(found):
        assert below < above
    assert len(found[-1]) == 1 + 1 + 1 + 18 * 5 + 3  # clean, lossless, the mirror, all cells, three controls


def test_from_the_second_rung_on_every_category_is_asked():
    wanted = {PERTURBATIONS[name].facts["category"] for name in PROFILES[DEFAULT].types}
    for one in rungs(16)[1:]:
        assert {PERTURBATIONS[n].facts["category"] for n, s in one.conditions if s} == wanted


def test_clips_of_one_frame_are_asked_nothing_about_time():
    names = {name for one in rungs(1) for name, _ in one.conditions}
    assert not names & {
        "reversal",
        "jumbling",
        "box_jumbling",
        "freezing",
        "sampling",
        "horizontal_flip",
        "single_frame",
    }
    assert {"centre_masked", "border_masked", "gaussian_noise"} <= names


@pytest.mark.parametrize("seconds", [30, 60, 120, 300, 1200, 7200])
@pytest.mark.parametrize("of", [1, 5, 12, 40, 200, 5000])
@pytest.mark.parametrize("costs", [CHEAP, DEAR])
def test_what_is_chosen_fits_and_no_larger_rung_would(seconds: int, of: int, costs: Costs):
    try:
        found = choose(seconds, of, 16, costs, seconds / 60, 0.0)
    except UsageError:
        assert (
            costs.besides(rungs(16)[0].conditions) + min(of, 2) * costs.video(rungs(16)[0].conditions)
            > seconds
        )
        return
    assert found.seconds <= seconds
    assert 1 <= found.videos <= of
    cells = found.rung.conditions
    if found.videos < of:
        assert found.seconds + costs.video(cells) > seconds
    steps = rungs(16)
    for above in steps[steps.index(found.rung) + 1 :]:
        need = costs.besides(above.conditions) + min(of, above.videos) * costs.video(above.conditions)
        assert need > seconds


def test_more_time_never_asks_less():
    chosen = [choose(t, 3000, 16, CHEAP, t / 60, 0.0) for t in (20, 40, 80, 160, 320, 640)]
    sizes = [len(one.rung.conditions) * one.videos for one in chosen]
    assert sizes == sorted(sizes)


def test_the_least_that_is_named_is_enough():
    with pytest.raises(UsageError, match="too few for anything") as refused:
        choose(10.0, 20, 16, DEAR, 0.2, 3.0)
    least = float(re.search(r"about --minutes ([\d.]+)", str(refused.value))[1])
    assert choose(60 * least * 0.94 - 3.0, 20, 16, DEAR, least, 3.0).videos >= 2
    with pytest.raises(UsageError):
        choose(60 * least * 0.6, 20, 16, DEAR, least, 3.0)


def test_minutes_are_rounded_up():
    assert [round_up(m) for m in (0.05, 0.31, 1.2, 8.9, 20.2)] == ["0.1", "0.4", "1.5", "10", "23"]
