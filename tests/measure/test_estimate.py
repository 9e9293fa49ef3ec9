"""Intervals against textbook tests, and their level in simulation: seeds that differ, few groups, one of either."""

import math

import numpy as np
import pytest
from levels import rejections
from measure_rows import bernoulli
from scipy import stats

from muybridge.measure.estimate import BLOCKS, Estimate, combined, mean_over_seeds, pseudo_deviations
from muybridge.measure.intervals import accuracy_interval, difference, separable

NOTHING = np.zeros(100)


def moved_by_seeds(values: list[float], arm: str = "a") -> Estimate:
    """A number that videos do not move."""
    return mean_over_seeds(np.array(values), np.full((100, len(values)), np.mean(values)), 50, arm)


def test_seeds_alone_give_students_interval():
    values = [0.52, 0.61, 0.57, 0.5]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    found = moved_by_seeds(values).interval()
    assert (found.low, found.high, found.seeds) == (pytest.approx(low), pytest.approx(high), 4)


def test_two_arms_of_seeds_give_welchs_test():
    a, b = [0.52, 0.61, 0.57, 0.5], [0.4, 0.45, 0.56]
    theirs = stats.ttest_ind(a, b, equal_var=False)
    found = moved_by_seeds(a, "a") - moved_by_seeds(b, "b")
    assert (found.p, found.freedom) == (pytest.approx(theirs.pvalue), pytest.approx(theirs.df))
    assert found.seeds == 3


def test_numbers_of_one_arm_are_paired_seed_by_seed():
    a, b = [0.52, 0.61, 0.57, 0.5], [0.5, 0.6, 0.54, 0.49]
    found = moved_by_seeds(a, "vcop") - moved_by_seeds(b, "vcop")
    assert found.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    unlike = moved_by_seeds(a, "vcop") - moved_by_seeds(b[:3], "vcop")
    assert unlike.p == pytest.approx(stats.ttest_ind(a, b[:3], equal_var=False).pvalue)


def test_groups_and_seeds_add_up():
    redrawn = np.random.default_rng(0).normal(0.5, 0.02, (5000, 3))
    values = np.array([0.5, 0.55, 0.48])
    found = mean_over_seeds(values, redrawn, 20)
    by_group, by_seed = redrawn.mean(axis=1).var() * 20 / 19, values.var(ddof=1) / 3
    assert found.error == pytest.approx(math.sqrt(by_group + by_seed))
    assert found.freedom == pytest.approx((by_group + by_seed) ** 2 / (by_group**2 / 19 + by_seed**2 / 2))


def test_weights_count():
    parts = [moved_by_seeds([0.5, 0.6], "a"), moved_by_seeds([0.1, 0.4], "b")]
    found = combined(parts, [2.0, -0.5])
    assert found.value == pytest.approx(2 * 0.55 - 0.5 * 0.25)
    assert found.error == pytest.approx(math.sqrt(4 * 0.005 / 2 + 0.25 * 0.045 / 2))
    with pytest.raises(ValueError, match="as many weights"):
        combined(parts, [1.0])


def test_pseudo_values_of_a_mean_are_its_values():
    values = np.array([0.2, 0.5, 0.9])
    without = [np.delete(values, place).mean() for place in range(3)]
    np.testing.assert_allclose(pseudo_deviations(values.mean(), without), values - values.mean())


def test_bounds_of_accuracies_stay_within_the_scale():
    for values in ([0.99, 1.0], [0.0, 0.01], [0.5, 0.52], [0.02, 0.9]):
        found = moved_by_seeds(values).interval(of_accuracy=True)
        assert 0 <= found.low < found.value < found.high <= 1


@pytest.mark.parametrize(("right", "trials"), [(199, 200), (190, 200), (100, 200), (3, 200)])
def test_an_accuracy_is_bounded_about_as_by_wilson(right: int, trials: int):
    label = np.zeros(trials, np.int64)
    from measure_rows import rows

    found = accuracy_interval([rows(label, (np.arange(trials) >= right).astype(int), classes=2)])
    theirs = stats.binomtest(right, trials).proportion_ci(method="wilson")
    width = theirs.high - theirs.low
    assert abs(found.low - theirs.low) < 0.35 * width
    assert abs(found.high - theirs.high) < 0.35 * width


def test_one_group_has_no_interval_and_separates_nothing():
    names = np.full(100, "only")
    rng = np.random.default_rng(0)
    good, bad = bernoulli(rng, 0.9, 100, group=names), bernoulli(rng, 0.1, 100, group=names)
    one = accuracy_interval([good])
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert one.value == good.correct.mean()
    assert "one source group: no interval" in one.caution
    found = difference([good, good], [bad, bad])
    assert found.p == 1
    assert not separable([found])[0]


def test_undefined_redraws_are_no_evidence():
    found = Estimate(0.3, np.array([0.1, np.nan]), 50)
    assert found.p == 1
    assert math.isnan(found.interval().low)


def test_what_no_redraw_moves_is_bounded_by_the_groups_seen():
    found = Estimate(0.0, NOTHING, 300).interval()
    assert (found.low, found.high) == pytest.approx((-0.01222, 0.01222), abs=1e-4)
    sure = Estimate(1.0, NOTHING + 1, 10)
    assert sure.p == 2.0**-9


TRIALS = 600
MOST = 0.05 + 3.3 * math.sqrt(0.05 * 0.95 / TRIALS)
"""A true level of 5 % goes beyond this in one of 2,000 cells."""


@pytest.mark.parametrize("groups", [8, 20])
@pytest.mark.parametrize(("seeds", "spread"), [(1, 0.0), (2, 0.0), (2, 0.1), (3, 0.03), (3, 0.1), (5, 0.1)])
def test_arms_of_equal_truth_are_rarely_called_different(seeds: int, spread: float, groups: int):
    assert rejections(seeds, spread, groups, TRIALS) / TRIALS <= MOST


@pytest.mark.parametrize("groups", [8, 20])
def test_a_true_difference_is_found(groups: int):
    assert rejections(3, 0.03, groups, 100, gap=0.25) > 80


@pytest.mark.parametrize(("seeds", "spread"), [(2, 0.1), (3, 0.0), (3, 0.1), (5, 0.1)])
def test_arms_paired_seed_by_seed_are_rarely_called_different(seeds: int, spread: float):
    """Seeds move both arms alike by 6 points; what they do to each alone has the spread."""
    assert rejections(seeds, spread, 20, TRIALS, shared=0.06, paired=True) / TRIALS <= MOST


def test_pairing_finds_what_seeds_hide():
    """Ten points between arms whose seeds differ by ten alike, and by one alone."""
    found = [rejections(5, 0.01, 200, 100, gap=0.1, shared=0.1, paired=paired) for paired in (True, False)]
    assert found[0] > 70
    assert found[1] < found[0] / 2


def test_a_margin_of_blocks_is_that_of_its_parts_in_squares():
    """Against Student's quantiles by hand; where one part is nothing it is the exact one of the other."""
    seeds = np.array([0.02, -0.03, 0.01])
    redrawn = np.array([-0.01, 0.01] * 50)
    both = Estimate(0.1, redrawn, 11, 3, {f"{BLOCKS}0 1 2": seeds})
    of_groups, of_seeds = 2.228139 * 0.01 * math.sqrt(1.1), 4.302653 * math.sqrt(0.0014 / 6)
    assert both.interval().high - 0.1 == pytest.approx(math.hypot(of_groups, of_seeds), rel=1e-5)
    alone = Estimate(0.1, np.zeros(100), 11, 3, {f"{BLOCKS}0 1 2": seeds})
    assert alone.interval().high - 0.1 == pytest.approx(of_seeds, rel=1e-5)
    plain = Estimate(0.1, np.zeros(100), 11, 3, {"an arm": seeds})
    assert alone.p == pytest.approx(plain.p, rel=1e-4)


@pytest.mark.parametrize("value", [0.0005, 0.01, 0.03, 0.06, 0.2, 50.0])
def test_of_blocks_p_and_interval_say_the_same(value: float):
    one = Estimate(
        value, np.array([-0.01, 0.01] * 50), 40, 3, {f"{BLOCKS}0 1 2": np.array([0.02, -0.03, 0.01])}
    )
    found = one.interval()
    assert (found.low > 0) is (one.p < 0.05)
    assert 2.0**-39 <= one.p <= 1


def test_being_within_is_the_larger_of_two_one_sided_tests():
    redrawn = np.array([-0.01, 0.01] * 50) * math.sqrt(12 / 13)
    t = [(0.01 - 0.03) / 0.01, (-0.01 - 0.03) / 0.01]
    assert Estimate(0.01, redrawn, 13).within(0.03) == pytest.approx(max(stats.t.cdf(one, 12) for one in t))
    assert Estimate(0.05, redrawn, 13).within(0.03) > 0.9
    assert Estimate(math.nan, redrawn, 13).within(0.03) == 1
    with pytest.raises(ValueError, match="above 0"):
        Estimate(0.05, redrawn, 13).within(0.0)


@pytest.mark.parametrize("smallest", [0.01, 0.03, 0.05, 0.08, 0.3])
def test_of_blocks_being_within_agrees_with_the_interval(smallest: float):
    """At 2.5 %, one-sided, p says "within" where the 95 % interval lies inside, and only there."""
    for value in (-0.0263, 0.0, 0.01, 0.06):
        one = Estimate(
            value,
            np.array([-0.01, 0.01] * 50),
            200,
            3,
            {f"{BLOCKS}0 1 2": np.array([-0.0064, -0.0029, 0.0093])},
        )
        found = one.interval()
        inside = -smallest < found.low and found.high < smallest
        assert (one.within(smallest) < 0.025) is inside
        assert 0 <= one.within(smallest) <= 1


def test_what_seeds_do_to_both_arms_falls_out_of_their_difference():
    alike = np.array([0.08, -0.05, -0.03])
    arms = [Estimate(value, NOTHING, 300, 3, {f"{BLOCKS}0 1 2": alike + own})
            for value, own in ((0.8, np.zeros(3)), (0.7, np.array([0.01, -0.01, 0.0])))]  # fmt: skip
    assert (arms[0] - arms[1]).error == pytest.approx(math.sqrt(0.0002 / 6))
    other = Estimate(0.7, NOTHING, 300, 3, {f"{BLOCKS}3 4 5": alike})
    assert (arms[0] - other).error == pytest.approx(math.sqrt(2 * float(alike @ alike) / 6)), "of other seeds"


@pytest.mark.slow
@pytest.mark.parametrize("groups", [8, 20, 200])
@pytest.mark.parametrize("seeds", [2, 3, 4, 5])
@pytest.mark.parametrize("spread", [0.0, 0.01, 0.03, 0.1])
@pytest.mark.parametrize("alike", [{}, {"shared": 0.06, "paired": True}], ids=["independent", "paired"])
def test_the_level_is_held_everywhere(seeds: int, spread: float, groups: int, alike: dict):
    trials = 5000
    found = rejections(seeds, spread, groups, trials, **alike)
    assert found / trials <= 0.06 + 2 * math.sqrt(0.06 * 0.94 / trials)
