"""Sentences of a card say no more than its numbers: what does not stand "cannot be separated", one group has no interval."""

import math

import numpy as np
import pytest

from muybridge.audit import card_words
from muybridge.audit.family import Compared, alone, ends, family, point_ends, points
from muybridge.audit.readings import Cell
from muybridge.measure.estimate import Estimate, Interval
from muybridge.measure.intervals import holm


def estimate(value: float, spread: float, groups: int = 30) -> Estimate:
    """A number whose redraws spread about it."""
    return Estimate(value, value + spread * np.random.default_rng(1).normal(size=2000), groups)


def test_the_family_is_corrected_by_holm_over_all_of_it():
    told = {"a": estimate(0.3, 0.1), "b": estimate(0.1, 0.05), "c": estimate(0.0, 0.1)}
    found = family(told)
    assert [one.adjusted for one in found.values()] == pytest.approx(holm([one.p for one in told.values()]))
    assert found["a"].above
    assert not found["a"].below
    assert not found["c"].stands


def test_what_stands_alone_and_not_in_the_family_is_said_to():
    told = {"a": estimate(0.1, 0.045), **{str(i): estimate(0.001, 0.1) for i in range(12)}}
    one = family(told)["a"]
    assert one.interval.low > 0
    assert not one.stands
    assert "alone it would stand" in alone(one)
    assert "cannot be separated" in card_words.fall(one)


def test_one_group_has_no_interval_and_no_verdict():
    one = family({"a": Estimate(0.8, np.full(10, 0.8), 1)})["a"]
    assert not one.stands
    assert one.is_open
    assert card_words.fall(one) == "is \N{MINUS SIGN}80.0 points from the clean one, without an interval"
    assert (
        card_words.category(
            "noise", Cell((("jpeg", 1),), *[Estimate(0.8, np.full(10, 0.8), 1)] * 3), one
        ).mark
        == "open"
    )
    assert "no interval" in ends(one.interval)


@pytest.mark.parametrize(("value", "word"), [(0.4, "falls by 40.0 points"), (-0.4, "rises by 40.0 points")])
def test_a_fall_says_its_direction(value: float, word: str):
    assert card_words.fall(family({"a": estimate(value, 0.02)})["a"]).startswith(word)


def test_a_category_names_its_cells_and_counts_changed_answers():
    some = estimate(0.5, 0.02)
    cell = Cell(
        (("jpeg", 1), ("jpeg", 2), ("mpeg2", 1), ("mpeg2", 5)),
        some,
        estimate(0.3, 0.02),
        estimate(0.25, 0.02),
    )
    told = card_words.category("digital", cell, family({"digital": cell.drop})["digital"])
    assert "jpeg 1 to 2, mpeg2 1 5" in told.words
    assert "25.0 % of the answers change" in told.words
    assert (told.mark, told.short) == ("bad", "falls by 30 points")


def test_numbers_are_spelt_with_one_digit_and_a_minus():
    assert [points(one) for one in (0.083, -0.083, 0.0001, -0.0001)] == [
        "+8.3",
        "\N{MINUS SIGN}8.3",
        "0.0",
        "0.0",
    ]
    bounds = Interval(0.1, -0.05, 0.25, 20)
    assert point_ends(bounds) == "(95 % interval \N{MINUS SIGN}5.0 to +25.0 points)"
    assert not math.isnan(Compared(bounds, 0.2, 0.4).adjusted)
