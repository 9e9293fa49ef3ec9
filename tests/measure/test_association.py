"""Rank correlation within strata, equivalence and two shares: against scipy, against a Simpson case, and by level."""

import math

import numpy as np
import pytest
from scipy import stats

from muybridge.measure.diversity.association import (
    least_p,
    rank_correlation,
    two_shares,
    wilson,
)


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_strata_it_is_spearmans():
    rng = draw()
    x = rng.normal(size=24)
    y = x + rng.normal(size=24)
    found = rank_correlation(x, y, draw())
    expected = stats.spearmanr(x, y)
    assert found.rho == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue, abs=0.01)
    assert found.low < found.rho < found.high


def test_strata_show_what_pooling_hides():
    """Simpson: within both families y follows x, and the families are offset the other way."""
    x = np.concatenate([np.arange(12.0), 10 + np.arange(12.0)])
    y = np.concatenate([20 + np.arange(12.0), np.arange(12.0)])
    family = ["a"] * 12 + ["b"] * 12
    assert rank_correlation(x, y, draw()).rho < 0
    within = rank_correlation(x, y, draw(), family)
    assert within.rho == pytest.approx(1)
    assert within.p < 0.001


def test_a_covariate_that_makes_the_correlation_takes_it_away():
    rng = draw(3)
    cause = rng.normal(size=60)
    x, y = (cause + 0.3 * rng.normal(size=60) for _ in range(2))
    assert rank_correlation(x, y, draw()).p < 0.001
    assert rank_correlation(x, y, draw(), covariates=cause[:, None]).p > 0.05


def test_nothing_is_found_in_nothing_more_often_than_it_says():
    rng = draw(5)
    found = [rank_correlation(rng.normal(size=12), rng.normal(size=12), draw(i)) for i in range(60)]
    assert sum(one.p <= 0.05 for one in found) <= 8  # 0.3 % of binomial(60, 0.05) lie above


def test_too_few_or_equal_numbers_give_no_correlation():
    assert math.isnan(rank_correlation(np.arange(3.0), np.arange(3.0), draw()).rho)
    assert rank_correlation(np.ones(9), np.arange(9.0), draw()).p == 1


def test_two_shares_against_the_z_test_and_newcombes_example():
    value, low, high, p = two_shares(56 / 70, 70, 48 / 80, 80)
    assert (value, low, high) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=1e-4
    )  # Newcombe 1998, table II, method 10
    z = 0.2 / math.sqrt(104 / 150 * 46 / 150 * (1 / 70 + 1 / 80))
    assert p == pytest.approx(2 * stats.norm.sf(z))


def test_wilson_bounds_and_the_least_p():
    expected = stats.binomtest(8, 10).proportion_ci(method="wilson")
    assert wilson(0.8, 10) == pytest.approx((expected.low, expected.high))
    assert least_p([2, 4]) == pytest.approx(1 / 15)
