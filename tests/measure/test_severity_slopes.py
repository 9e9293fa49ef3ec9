"""How much further accuracy falls with every severity: against numpy's line, and rows made with known slopes."""

import numpy as np
import pytest
from measure_rows import bernoulli

from muybridge.core.seeding import rng
from muybridge.measure.intervals import CLEAN, outcomes
from muybridge.measure.robustness.robustness_scores import category_falls, fall_slopes
from muybridge.report.scores.shares import VideoShares, estimate
from muybridge.runs.contents.predictions import concatenate

KINDS = {"gaussian": "noise", "shot": "noise", "disc": "blur", "jpeg": "digital"}
WANTED = {"gaussian": [1, 2, 3, 4, 5], "shot": [1, 3, 5], "disc": [1, 2, 3, 4, 5], "jpeg": [3]}


def cells(seed: int, *shape: int) -> dict:
    draws = rng(seed, "slopes")
    return {(name, s): draws.random(shape) for name, severities in WANTED.items() for s in severities} | {
        CLEAN: draws.random(shape)
    }


@pytest.mark.parametrize("shape", [(), (7,)])
def test_slopes_are_numpys_lines(shape: tuple[int, ...]):
    made = cells(0, *shape)
    found = fall_slopes(made, WANTED, exclude=["jpeg"])
    for name, slope in found.items():
        scores = np.stack([made[name, s] for s in WANTED[name]]).reshape(len(WANTED[name]), -1)
        line = np.polyfit(WANTED[name], scores, 1)[0].reshape(shape)
        assert slope == pytest.approx(-line, abs=1e-12)
    assert set(found) == {"gaussian", "shot", "disc"}


def test_a_category_is_the_mean_of_its_types_and_one_severity_has_no_line():
    made = cells(1)
    slopes, found = fall_slopes(made, WANTED, ["jpeg"]), category_falls(made, WANTED, KINDS)
    assert found == {
        "noise": pytest.approx((slopes["gaussian"] + slopes["shot"]) / 2),
        "blur": pytest.approx(slopes["disc"]),
    }
    assert category_falls(made, {"jpeg": [3]}, KINDS) == {}
    with pytest.raises(ValueError, match="jpeg has fewer than two"):
        fall_slopes(made, WANTED)
    del made["disc", 4]
    with pytest.raises(ValueError, match="missing disc 4"):
        category_falls(made, WANTED, KINDS)


def test_the_slope_of_relative_robustness_is_that_over_the_clean_accuracy():
    made = cells(2)
    over = {one: value / made[CLEAN] for one, value in made.items()}
    plain, relative = (category_falls(one, WANTED, KINDS) for one in (made, over))
    assert relative == {name: pytest.approx(slope / made[CLEAN]) for name, slope in plain.items()}


def test_known_slopes_are_covered_by_the_interval_over_groups():
    """100 made-up runs of 60 groups of four videos that are right together: truth .06 a severity, covered in 95 %, up to 3 errors."""
    truth, inside = 0.06, 0
    groups = np.repeat([f"g{i:02d}" for i in range(60)], 4)
    for number in range(100):
        draws = rng(number, "coverage")
        skill = np.repeat(draws.normal(0, 0.15, 60), 4)
        parts = [
            bernoulli(
                draws,
                np.clip(0.75 - truth * s + skill, 0, 1),
                len(groups),
                group=groups,
                condition=("gaussian", s) if s else CLEAN,
            )
            for s in (0, 1, 3, 5)
        ]
        shares = VideoShares("arm", [outcomes(concatenate(parts))])
        wanted = {"gaussian": [1, 3, 5]}
        bounds = estimate(
            lambda made, wanted=wanted: category_falls(made, wanted, KINDS)["noise"], shares
        ).interval()
        inside += bounds.low <= truth <= bounds.high
    assert inside >= 100 * (0.95 - 3 * np.sqrt(0.05 * 0.95 / 100))
