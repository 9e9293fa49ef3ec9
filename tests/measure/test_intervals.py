import time

import numpy as np
import pytest
from measure_rows import bernoulli, rows
from scipy import stats

from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import (
    Difference,
    accuracy_interval,
    difference,
    holm,
    outcomes,
    resample_groups,
    separable,
    spread,
    tally,
    words,
)
from muybridge.runs.contents.predictions import concatenate


def arms(share_a: float, share_b: float, count: int = 300, seed: int = 0, **more):
    rng = np.random.default_rng(seed)
    return bernoulli(rng, share_a, count, **more), bernoulli(rng, share_b, count, **more)


def test_outcomes_equal_counting_by_hand():
    clean = rows([0, 0, 1, 1], [0, 1, 1, -1], group=["x", "x", "y", "y"])
    noisy = rows([0, 0, 1, 1], [1, 1, 1, 1], group=["x", "x", "y", "y"], condition=("noise", 2))
    counted = outcomes(concatenate([noisy, clean]))
    assert counted.groups.tolist() == ["x", "y"]
    assert counted.conditions == (("clean", 0), ("noise", 2))
    assert counted.right.tolist() == [[1, 0], [1, 2]]
    assert counted.total.tolist() == [[2, 2], [2, 2]]
    assert counted.accuracy.tolist() == [0.5, 0.5]


def test_replicates_are_accuracies_of_whole_redrawn_groups():
    right, total = np.array([[1.0], [4.0], [0.0]]), np.array([[2.0], [5.0], [3.0]])
    possible = {
        round((right[a] + right[b] + right[c]).item() / (total[a] + total[b] + total[c]).item(), 12)
        for a in range(3) for b in range(3) for c in range(3)
    }  # fmt: skip
    found = {round(float(value), 12) for value in resample_groups(right, total, 2000)[:, 0]}
    assert found == possible


def test_redraws_vary_as_scipy_says():
    sample = (np.random.default_rng(0).random(400) < 0.7).astype(float)
    ours = resample_groups(sample[:, None], np.ones((400, 1)), 20_000)[:, 0].std()
    theirs = stats.bootstrap((sample,), np.mean, n_resamples=20_000, rng=1, vectorized=True)
    assert ours == pytest.approx(theirs.standard_error, rel=0.02)


def test_paired_difference_is_the_paired_t_test_of_videos():
    a, b = arms(0.7, 0.6)
    found = difference([a], [b], replicates=20_000)
    theirs = stats.ttest_1samp(a.correct.astype(float) - b.correct, 0)
    assert found.interval.value == pytest.approx((a.correct.astype(float) - b.correct).mean(), abs=1e-12)
    assert found.p == pytest.approx(theirs.pvalue, rel=0.05)
    span = theirs.confidence_interval()
    np.testing.assert_allclose([found.interval.low, found.interval.high], [span.low, span.high], atol=0.002)


def test_intervals_cover_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        one = accuracy_interval([bernoulli(rng, 0.8, 150)], replicates=800)
        covered += one.low <= 0.8 <= one.high
    assert 0.91 <= covered / 400 <= 0.985


def test_groups_cover_where_single_videos_would_not():
    """Twenty groups of ten videos each; all videos of a group share their difficulty."""
    rng = np.random.default_rng(3)
    names = np.repeat([f"g{index:02d}" for index in range(20)], 10)
    by_group = by_video = 0
    for _ in range(200):
        share = np.repeat(rng.beta(2, 2, 20), 10)
        one = accuracy_interval([bernoulli(rng, share, 200, group=names)], replicates=600)
        lone = accuracy_interval([bernoulli(rng, share, 200)], replicates=600)
        by_group += one.low <= 0.5 <= one.high
        by_video += lone.low <= 0.5 <= lone.high
    assert by_group / 200 >= 0.88
    assert by_video / 200 <= 0.80


def test_seeds_cover_where_one_seed_would_not():
    """Ten seeds whose true accuracies differ: the interval of their mean must hold the mean of all seeds."""
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        seeds = [bernoulli(rng, float(np.clip(rng.normal(0.6, 0.1), 0, 1)), 100) for _ in range(10)]
        one = accuracy_interval(seeds, replicates=600)
        covered += one.low <= 0.6 <= one.high
    assert covered / 200 >= 0.88


def test_no_difference_is_rarely_called_one():
    rng = np.random.default_rng(5)
    found = [
        difference([bernoulli(rng, 0.6, 120)], [bernoulli(rng, 0.6, 120)], replicates=600).p
        for _ in range(300)
    ]
    assert np.mean(np.array(found) <= 0.05) <= 0.085


def test_pairing_narrows_the_difference_of_like_models():
    rng = np.random.default_rng(6)
    a = bernoulli(rng, 0.5, 400)
    flip = rng.random(400) < 0.03
    b = rows(a.label, np.where(flip, 1 - a.predicted, a.predicted), classes=2)
    paired = difference([a], [b]).interval
    alone = accuracy_interval([a])
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


def test_a_model_and_itself_cannot_be_separated_and_other_videos_may_still_tell_like_models_apart():
    a, _ = arms(0.6, 0.6)
    found = difference([a], [a], ("vcop", "twin"))
    reach = 1 - 0.025 ** (1 / 300)
    assert (found.interval.value, found.p) == (0, 1)
    assert (found.interval.low, found.interval.high) == pytest.approx((-reach, reach))
    assert words(found, separable([found])[0]).startswith("vcop and twin cannot be separated")


def test_difference_turns_with_the_order():
    a, b = arms(0.8, 0.5)
    one, two = difference([a], [b]).interval, difference([b], [a]).interval
    np.testing.assert_allclose([one.value, one.low, one.high], [-two.value, -two.high, -two.low], atol=1e-12)
    assert words(difference([a], [b], ("a", "b")), True).startswith("a is ")


def test_same_seed_same_interval_and_row_order_is_free():
    a, _ = arms(0.7, 0.6)
    shuffled = a.where(np.random.default_rng(0).permutation(len(a)))
    assert accuracy_interval([a], seed=3) == accuracy_interval([shuffled], seed=3)
    assert accuracy_interval([a], replicates=99, seed=3) != accuracy_interval([a], replicates=99, seed=4)


def test_more_seeds_more_words_and_the_value_is_their_mean():
    a, b = arms(0.8, 0.5)
    one = accuracy_interval([a, b])
    assert one.value == pytest.approx((a.correct.mean() + b.correct.mean()) / 2, abs=1e-12)
    assert "only 2 seeds" in one.caution
    assert one.high - one.low > 0.15  # the seeds themselves lie 0.3 apart


def test_all_right_or_all_wrong_keeps_a_real_interval():
    label = np.zeros(50, np.int64)
    exact = stats.binomtest(50, 50).proportion_ci(0.95, method="exact")
    perfect = accuracy_interval([rows(label, label, classes=2)])
    assert (perfect.value, perfect.high) == (1, 1)
    assert perfect.low == pytest.approx(exact.low, abs=1e-9)
    hopeless = accuracy_interval([rows(label, label + 1, classes=2)])
    assert (hopeless.low, hopeless.high) == (0, pytest.approx(1 - exact.low, abs=1e-9))


def test_four_groups_never_separate_and_say_so():
    names = np.repeat(["a", "b", "c", "d"], 50)
    good, bad = arms(1.0, 0.0, 200, group=names)
    found = difference([good], [bad])
    assert found.p == 2.0 ** (1 - 4)
    assert not separable([found])[0]
    assert "only 4 source groups" in found.interval.caution
    assert "only 4 source groups" in words(found, False)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06], abs=1e-12)
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_is_stricter_than_single_tests():
    pairs = [Difference("a", "b", Interval(0.1, 0.01, 0.2, 50), p) for p in (0.03, 0.04, 0.001)]
    assert separable(pairs) == [False, False, True]
    assert separable(pairs[:1]) == [True]


def test_what_cannot_be_compared_is_refused():
    a, b = arms(0.7, 0.6)
    with pytest.raises(ValueError, match="different videos"):
        difference([a], [b.where(np.arange(300) < 200)])
    with pytest.raises(ValueError, match="one condition"):
        accuracy_interval([concatenate([a, rows([0], [0], condition=("noise", 1), classes=2)])])
    with pytest.raises(ValueError, match="no prediction rows"):
        accuracy_interval([])
    with pytest.raises(ValueError, match="no prediction rows"):
        accuracy_interval([a.where(np.zeros(300, bool))])


def test_ucf101_size_takes_seconds():
    right = (np.random.default_rng(0).random((3783, 91)) < 0.7).astype(float)
    start = time.process_time()
    found = resample_groups(right, np.ones_like(right)).std(axis=0)
    assert time.process_time() - start < 20
    np.testing.assert_allclose(found, np.sqrt(0.21 / 3783), rtol=0.1)


def test_replicates_equal_a_loop_over_drawn_groups():
    """The same draws, counted one by one."""
    from muybridge.core.seeding import rng

    right, total = np.random.default_rng(0).integers(0, 4, (2, 7, 3)).astype(float)
    total += right + 1
    drawn = rng(5, "bootstrap", "groups").integers(0, 7, (50, 7))
    slow = [sum(right[g] for g in row) / sum(total[g] for g in row) for row in drawn]
    np.testing.assert_allclose(resample_groups(right, total, 50, seed=5), slow, rtol=1e-12)


def test_tally_counts_any_mark():
    made = rows([0, 0, 1], [0, 1, 1], group=["x", "x", "y"])
    assert tally(made, made.predicted == 1).right.tolist() == [[1], [1]]


def test_spread_is_the_standard_deviation_of_repeats():
    assert spread([0.5, 0.6, 0.7]) == pytest.approx(0.1, abs=1e-12)
    assert np.isnan(spread([0.5]))
