import numpy as np
import pytest

from muybridge.measure.counts import counts_of, joined, share
from muybridge.measure.intervals import accuracy_interval
from muybridge.runs.contents.predictions import Predictions

GROUPS = np.array(["a", "b", "a", "c", "b", "a"])


def test_values_are_summed_by_group():
    marks = np.array([True, False, True, True, True, False])
    assert counts_of(marks, GROUPS) == {"a": [2, 3], "b": [1, 2], "c": [1, 1]}
    assert counts_of(np.array([0.5, 0.25, 0, 1, 0, 0]), GROUPS) == {
        "a": [0.5, 3],
        "b": [0.25, 2],
        "c": [1, 1],
    }


def test_values_that_are_missing_do_not_count():
    values = np.array([np.nan, 0.5, 1, np.nan, 0.5, 0])
    assert counts_of(values, GROUPS) == {"a": [1, 2], "b": [1, 2]}


def test_folds_are_joined_group_by_group():
    assert joined([{"a": [1, 2], "b": [0, 1]}, {"c": [1, 1], "a": [1, 3]}]) == {
        "a": [2, 5],
        "b": [0, 1],
        "c": [1, 1],
    }


def test_a_share_of_right_answers_has_the_interval_of_an_accuracy():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 12, 200).astype(str)
    scores, label = rng.normal(size=(200, 3)).astype(np.float32), rng.integers(0, 3, 200)
    rows = Predictions(
        np.arange(200).astype(str),
        group,
        label,
        np.zeros(200, int),
        np.full(200, "clean"),
        np.zeros(200, int),
        scores,
    )
    mine, theirs = share(counts_of(rows.correct, rows.group)), accuracy_interval([rows])
    assert (mine.value, mine.groups) == pytest.approx((theirs.value, theirs.groups))
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high))


def test_nothing_has_no_share():
    with pytest.raises(ValueError, match="mean of nothing"):
        share({})
