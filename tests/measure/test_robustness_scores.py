import numpy as np
import pytest
from measure_rows import rows

from muybridge.core.predictions import concatenate
from muybridge.measure.intervals import Interval, outcomes
from muybridge.measure.robustness import (
    absolute,
    chance_corrected,
    gaps,
    grid,
    mean_over_types,
    near_chance,
    relative,
)

CELLS = {("noise", 1): 0.6, ("noise", 5): 0.2, ("blur", 3): 0.5, ("reversal", 1): 0.0}
WANTED = {"noise": [1, 5], "blur": [3], "reversal": [1]}


@pytest.mark.parametrize("clean", [0.1, 0.5, 1.0])
def test_nothing_lost_scores_one(clean: float):
    assert absolute(clean, clean) == 1
    assert relative(clean, clean) == 1
    assert chance_corrected(clean, clean, 0.05) == pytest.approx(1, abs=1e-12)


def test_scores_by_hand():
    assert absolute(0.8, 0.6) == pytest.approx(0.8, abs=1e-12)
    assert relative(0.8, 0.6) == pytest.approx(0.75, abs=1e-12)
    assert chance_corrected(0.8, 0.6, 0.2) == pytest.approx(2 / 3, abs=1e-12)


def test_gains_are_not_clipped():
    assert relative(0.5, 0.6) == pytest.approx(1.2, abs=1e-12)
    assert absolute(0.5, 0.6) == pytest.approx(1.1, abs=1e-12)
    assert chance_corrected(0.5, 0.1, 0.25) < 0


def test_undefined_scores_are_nan():
    assert np.isnan(relative(0.0, 0.0))
    assert np.isnan(chance_corrected(0.25, 0.3, 0.25))
    assert np.isnan(chance_corrected(0.2, 0.2, 0.25))
    assert np.isnan(relative(np.array([0.0, 0.5]), np.array([0.1, 0.1]))).tolist() == [True, False]


def test_a_guessing_model_keeps_all_relative_accuracy_and_no_corrected():
    clean, guessed = np.float64(0.26), np.float64(0.25)
    assert relative(clean, guessed) > 0.95
    assert chance_corrected(clean, guessed, 0.25) == pytest.approx(0, abs=1e-12)


def test_mean_is_over_severities_then_types():
    assert mean_over_types(CELLS, WANTED, exclude=["reversal"]) == pytest.approx((0.4 + 0.5) / 2, abs=1e-12)
    assert mean_over_types(CELLS, WANTED) == pytest.approx((0.4 + 0.5 + 0.0) / 3, abs=1e-12)


def test_mean_of_relative_is_relative_of_mean():
    scored = {name: relative(0.8, value) for name, value in CELLS.items()}
    assert mean_over_types(scored, WANTED) == pytest.approx(mean_over_types(CELLS, WANTED) / 0.8, abs=1e-12)


def test_replicates_pass_through():
    cells = {name: np.array([value, value / 2]) for name, value in CELLS.items()}
    np.testing.assert_allclose(mean_over_types(cells, WANTED, ["reversal"]), [0.45, 0.225])


def test_a_missing_cell_is_never_averaged_away():
    with pytest.raises(ValueError, match="missing noise 3"):
        mean_over_types(CELLS, {"noise": [1, 3, 5]})
    with pytest.raises(ValueError, match="none is left"):
        mean_over_types(CELLS, {"reversal": [1]}, exclude=["reversal"])


@pytest.mark.parametrize("chance", [-0.1, 1.0, float("nan")])
def test_impossible_chance_is_refused(chance: float):
    with pytest.raises(ValueError, match="chance must be"):
        chance_corrected(0.5, 0.5, chance)


def test_grid_leaves_clean_out():
    assert grid([("noise", 5), ("clean", 0), ("noise", 1), ("blur", 3)]) == {"blur": [3], "noise": [1, 5]}


def test_gaps_name_missing_and_incomplete_conditions():
    clean = rows([0, 1], [0, 1], video=["a", "b"])
    noisy = rows([0], [0], video=["a"], condition=("noise", 1), classes=2)
    counted = outcomes(concatenate([clean, noisy]))
    assert gaps(counted, {"noise": [1, 5]}) == ["noise 5", "noise 1 (1 of 2 videos)"]
    assert gaps(outcomes(clean), {}) == []
    assert gaps(outcomes(noisy), {}) == ["clean 0"]


def test_near_chance_means_the_interval_reaches_it():
    assert near_chance(Interval(0.3, 0.24, 0.36, 50), 0.25)
    assert near_chance(Interval(0.3, float("nan"), float("nan"), 50), 0.25)
    assert not near_chance(Interval(0.3, 0.26, 0.36, 50), 0.25)
