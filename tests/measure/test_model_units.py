"""Groups of models: against scipy's exact permutation test, and with truth that is known."""

import numpy as np
import pytest
from scipy.stats import permutation_test

from muybridge.core.seeding import rng
from muybridge.measure.robustness.model_units import GroupGap, group_gap


def reference_p(one: np.ndarray, other: np.ndarray) -> float:
    """By scipy: every division, two-sided by the absolute difference."""
    found = permutation_test(
        (one, other), lambda a, b: abs(np.mean(a) - np.mean(b)), alternative="greater", n_resamples=np.inf, permutation_type="independent"
    )  # fmt: skip
    return float(found.pvalue)


@pytest.mark.parametrize("sizes", [(2, 4), (3, 3), (4, 6), (5, 5), (2, 7)])
def test_p_is_scipys(sizes: tuple[int, int]):
    draws = rng(0, "models", *sizes)
    one, other = draws.normal(0.4, 1, sizes[0]), draws.normal(0, 1, sizes[1])
    found = group_gap(one, other)
    assert found.value == pytest.approx(one.mean() - other.mean(), abs=1e-12)
    assert found.p == pytest.approx(reference_p(one, other), abs=1e-12)
    assert found.models == sum(sizes)


@pytest.mark.parametrize(("sizes", "least"), [((2, 4), 1 / 15), ((3, 3), 2 / 20), ((4, 4), 2 / 70)])
def test_few_models_decide_nothing_however_large_the_gap(sizes: tuple[int, int], least: float):
    """Two of six: one division in 15. Of groups of one size the opposite division is as extreme."""
    found = group_gap(100 + np.arange(sizes[0]), np.arange(sizes[1]))
    assert found.least == pytest.approx(least, abs=1e-12)
    assert found.p == pytest.approx(least, abs=1e-12)
    assert np.isnan(found.low) == (least > 0.05)


def test_the_interval_holds_the_shifts_that_the_test_does_not_reject():
    draws = rng(1, "models")
    one, other = draws.normal(1, 1, 5), draws.normal(0, 1, 6)
    found = group_gap(one, other)
    inside, outside = 1e-6, -1e-6
    for bound, side in ((found.low, 1), (found.high, -1)):
        assert reference_p(one - (bound + side * inside), other) > 0.05
        assert reference_p(one - (bound + side * outside), other) <= 0.05
    assert found.low < found.value < found.high


def test_the_level_holds_and_the_interval_covers():
    """400 draws of models of no difference: at most 5 % are called different, up to 3 standard errors; the truth is covered as often."""
    draws = rng(2, "models")
    found: list[GroupGap] = [group_gap(draws.normal(0, 1, 4), draws.normal(0, 1, 5)) for _ in range(400)]
    error = 3 * np.sqrt(0.05 * 0.95 / len(found))
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.05 + error
    assert np.mean([one.low <= 0 <= one.high for one in found]) >= 0.95 - error
    assert (
        np.mean([group_gap(draws.normal(5, 1, 4), draws.normal(0, 1, 5)).p <= 0.05 for _ in range(20)]) > 0.9
    )


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="one model or more"):
        group_gap([], [0.1])
    with pytest.raises(ValueError, match="numbers"):
        group_gap([np.nan], [0.1])
    with pytest.raises(ValueError, match="more than 50,000 ways"):
        group_gap(list(range(12)), list(range(12)))
