import numpy as np
import pytest
from measure_rows import rows

from muybridge.measure.intervals import Interval, outcomes
from muybridge.measure.robustness.answer_columns import answers_in, flips
from muybridge.measure.robustness.robustness_scores import (
    absolute,
    against_clean_trained,
    category_means,
    chance_corrected,
    corruption_errors,
    gaps,
    grid,
    mean_defined,
    mean_over_categories,
    mean_over_types,
    near_chance,
    relative,
    type_means,
)
from muybridge.runs.contents.predictions import concatenate

CELLS = {("noise", 1): 0.6, ("noise", 5): 0.2, ("blur", 3): 0.5, ("reversal", 1): 0.0}
WANTED = {"noise": [1, 5], "blur": [3], "reversal": [1]}
KINDS = {"noise": "noise", "blur": "still", "reversal": "still"}


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


def test_categories_weigh_the_same_however_many_types_they_have():
    assert category_means(CELLS, WANTED, KINDS) == {"noise": pytest.approx(0.4), "still": pytest.approx(0.25)}
    assert mean_over_categories(CELLS, WANTED, KINDS) == pytest.approx((0.4 + 0.25) / 2, abs=1e-12)
    assert mean_over_types(CELLS, WANTED) == pytest.approx((0.4 + 0.5 + 0.0) / 3, abs=1e-12)


def test_a_category_without_types_left_is_no_zero():
    assert list(category_means(CELLS, WANTED, KINDS, exclude=["noise"])) == ["still"]
    assert mean_over_categories(CELLS, WANTED, KINDS, exclude=["blur", "reversal"]) == pytest.approx(
        0.4, abs=1e-12
    )


def test_a_type_without_category_is_refused():
    with pytest.raises(ValueError, match="blur has none"):
        mean_over_categories(CELLS, WANTED, {"noise": "noise", "reversal": "still"})


def test_published_numbers_of_mini_kinetics_c():
    """TimeSformer: clean 82.2, mPC 71.4, rPC printed as 86.9 (README of Mini Kinetics-C)."""
    assert 100 * relative(0.822, 0.714) == pytest.approx(86.9, abs=0.05)


def test_corruption_errors_by_hand():
    reference = {("clean", 0): 0.9, ("noise", 1): 0.8, ("noise", 5): 0.6, ("blur", 3): 0.5}
    cells = {("clean", 0): 0.8, ("noise", 1): 0.7, ("noise", 5): 0.3, ("blur", 3): 0.6}
    wanted = {"noise": [1, 5], "blur": [3]}
    errors = corruption_errors(cells, reference, wanted)
    assert errors["noise"] == pytest.approx((0.3 + 0.7) / (0.2 + 0.4), abs=1e-12)
    assert errors["blur"] == pytest.approx(0.4 / 0.5, abs=1e-12)
    beyond = corruption_errors(cells, reference, wanted, beyond_clean=True)
    assert beyond["noise"] == pytest.approx((0.1 + 0.5) / (0.1 + 0.3), abs=1e-12)
    assert beyond["blur"] == pytest.approx(0.2 / 0.4, abs=1e-12)


def test_the_reference_itself_scores_one():
    cells = {("clean", 0): 0.9, **CELLS}
    for beyond in (False, True):
        errors = corruption_errors(cells, cells, WANTED, beyond_clean=beyond)
        assert list(errors.values()) == pytest.approx([1, 1, 1], abs=1e-12)


def test_a_reference_without_errors_leaves_the_type_undefined_and_told():
    reference = {("noise", 1): 1.0, ("blur", 3): 0.5}
    errors = corruption_errors({("noise", 1): 0.5, ("blur", 3): 0.5}, reference, {"noise": [1], "blur": [3]})
    assert np.isnan(errors["noise"])
    mean, undefined = mean_defined(errors)
    assert (mean, undefined) == (pytest.approx(1.0), ["noise"])
    assert np.isnan(mean_defined({"noise": np.nan})[0])


def test_missing_cells_fail_everywhere():
    for of in (type_means, mean_over_types, lambda cells, wanted: corruption_errors(cells, CELLS, wanted)):
        with pytest.raises(ValueError, match="missing noise 3"):
            of(CELLS, {"noise": [1, 3]})


def test_training_on_perturbed_clips_scores_above_one_where_it_helps():
    assert against_clean_trained(0.4, 0.5) == pytest.approx(1 - (0.4 - 0.5) / 0.5, abs=1e-12)
    assert against_clean_trained(0.5, 0.5) == 1
    assert np.isnan(against_clean_trained(0.5, 0.0))


def slow_flips(made):
    """Loop over videos and conditions."""
    clean = {
        row.video[0]: row
        for row in (made.where(made.video == v).condition("clean", 0) for v in set(made.video))
    }
    changed, lost = {}, {}
    for name, severity in set(zip(made.perturbation.tolist(), made.severity.tolist(), strict=True)):
        rows_ = made.condition(name, severity)
        pairs = [(rows_.where(rows_.video == v), clean[v]) for v in rows_.video]
        changed[name, severity] = np.mean([one.predicted[0] != base.predicted[0] for one, base in pairs])
        lost[name, severity] = np.mean([base.correct[0] and not one.correct[0] for one, base in pairs])
    return changed, lost


def test_flips_equal_a_loop():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 40)
    parts = [
        rows(label, rng.integers(-1, 3, 40), condition=one, classes=3)
        for one in (("clean", 0), ("noise", 1), ("a", 2))
    ]
    made = concatenate(parts).where(rng.permutation(120))
    for ours, slow in zip(flips(answers_in(made)), slow_flips(made), strict=True):
        assert dict(zip(ours.conditions, ours.accuracy, strict=True)) == pytest.approx(slow, abs=1e-12)


def test_flips_see_what_equal_accuracies_hide():
    clean = rows([0, 0, 1, 1], [0, 1, 1, 0])
    noisy = rows([0, 0, 1, 1], [1, 0, 0, 1], condition=("noise", 1))
    changed, lost = flips(answers_in(concatenate([clean, noisy])))
    assert outcomes(concatenate([clean, noisy])).accuracy.tolist() == [0.5, 0.5]
    assert changed.accuracy.tolist() == [0, 1]
    assert lost.accuracy.tolist() == [0, 0.5]


def test_flips_want_a_clean_answer_of_every_video():
    clean = rows([0, 1], [0, 1], video=["a", "b"])
    other = rows([0], [0], video=["c"], condition=("noise", 1), classes=2)
    for made in (concatenate([clean, other]), other):
        with pytest.raises(ValueError, match="clean answer of every video"):
            flips(answers_in(made))
