"""The statistics of the diversity study on simulated studies: level, power, and the word that comes out."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from muybridge.measure.diversity import association
from muybridge.measure.diversity.association import Association, power, rank_correlation
from muybridge.measure.diversity.verdict import NOTHING, Evidence, Sets, verdict

LOSSES, PER_SET = 10, 4
MAIN = 0.6
"""Spread of the main effects of losses: at this one the plain correlation rejects a true null in about 19 of 100 studies."""


def membership(n: int, rng: np.random.Generator) -> np.ndarray:
    """Distinct sets of four of ten losses."""
    held: set[tuple[int, ...]] = set()
    while len(held) < n:
        held.add(tuple(sorted(rng.choice(LOSSES, PER_SET, replace=False))))
    found = np.zeros((n, LOSSES))
    for row, losses in zip(found, sorted(held), strict=True):
        row[list(losses)] = 1
    return found


def simulated(n: int, rho: float, rng: np.random.Generator, main: float = MAIN) -> Sets:
    """Sets whose losses move diversity and robustness each by themselves; what is left of both correlates by ``rho``."""
    members = membership(n, rng)
    x, own = rng.normal(size=(2, n))
    y = rho * x + math.sqrt(1 - rho**2) * own
    effects = main * (members - members.mean(0)) @ rng.normal(size=(LOSSES, 2))
    return Sets([str(i) for i in range(n)], members, {"D": x + effects[:, 0], "R": y + effects[:, 1]})


def p_only(sets: Sets, rng: np.random.Generator, members: bool) -> float:
    return sets.partial("D", "R", rng, members).p


@pytest.fixture
def quick(monkeypatch):
    """Fewer permutations and redraws."""
    monkeypatch.setattr(association, "PERMUTATIONS", 499)
    monkeypatch.setattr(association, "REDRAWS", 299)


def share_rejected(studies: int, rho: float, members: bool, monkeypatch, n: int = 48) -> float:
    monkeypatch.setattr(association, "REDRAWS", 2)  # bounds are not looked at
    monkeypatch.setattr(association, "PERMUTATIONS", 499)
    rng = np.random.default_rng(7)
    return float(np.mean([p_only(simulated(n, rho, rng), rng, members) <= 0.05 for _ in range(studies)]))


def test_covariates_that_say_nothing_leave_the_level(monkeypatch):
    """Ten covariates of 48 units; without a second fit of the permuted residuals about 9 % would be rejected."""
    assert share_rejected(120, 0, True, monkeypatch) <= 0.1  # 0.9 % of binomial(120, .05) lie above


def test_main_effects_of_losses_fool_the_plain_correlation(monkeypatch):
    assert share_rejected(150, 0, False, monkeypatch) > 0.12


@pytest.mark.slow
def test_level_under_main_effects(monkeypatch):
    assert share_rejected(1000, 0, True, monkeypatch) <= 0.06


@pytest.mark.slow
def test_power_with_48_sets(monkeypatch):
    assert share_rejected(400, 0.5, True, monkeypatch) >= 0.8


def test_partial_correlation_is_that_of_residuals_of_ranks(quick):
    sets = simulated(30, 0.5, np.random.default_rng(1))
    design = np.c_[np.ones(30), sets.membership]
    left = [
        r - design @ np.linalg.lstsq(design, r, rcond=None)[0]
        for r in (stats.rankdata(sets.numbers[name]) for name in "DR")
    ]
    found = sets.partial("D", "R", np.random.default_rng(0))
    assert found.rho == pytest.approx(np.corrcoef(*left)[0, 1])


def test_the_permutation_p_agrees_with_the_t_test_given_covariates(monkeypatch):
    monkeypatch.setattr(association, "REDRAWS", 2)
    rng = np.random.default_rng(2)
    x, y, others = rng.normal(size=40), rng.normal(size=40), rng.normal(size=(40, 8))
    y += 0.35 * x
    found = rank_correlation(x, y, rng, covariates=others)
    t = found.rho * math.sqrt((40 - 2 - 8) / (1 - found.rho**2))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), 30), abs=0.01)


def test_power_is_that_of_the_design():
    assert power(0.5, 31) == pytest.approx(0.80, abs=0.01)
    assert power(0.5, 40) == pytest.approx(0.90, abs=0.01)
    assert power(0.5, 12, 9) == 0


def judged(rho: float, rng: np.random.Generator) -> str:
    """Verdict of a simulated study: 48 sets, 24 on a second backbone, 15 placebo sets without effect."""
    first, second, placebo = simulated(48, rho, rng), simulated(24, rho, rng), simulated(15, 0, rng, main=0)
    evidence = Evidence(
        primary=first.partial("D", "R", rng),
        second=second.partial("D", "R", rng),
        placebo=placebo.partial("D", "R", rng, members=False),
    )
    return verdict(evidence).word


def test_a_large_effect_is_supported_and_none_is_not(quick):
    rng = np.random.default_rng(4)
    assert [judged(0.85, rng) for _ in range(3)] == ["supported"] * 3
    assert "supported" not in [judged(0, rng) for _ in range(12)]


@pytest.mark.slow
def test_verdicts_of_two_hundred_studies(quick):
    rng = np.random.default_rng(5)
    planted = [judged(0.7, rng) for _ in range(200)]
    assert planted.count("supported") >= 190
    assert [judged(0, rng) for _ in range(200)].count("supported") <= 4


STRONG = Association(0.6, 0.3, 0.8, 0.001, 48, 0.35, 0.75)
WEAK = Association(0.3, 0.1, 0.5, 0.03, 24, 0.12, 0.45)
PLACEBO = Association(0.05, -0.5, 0.6, 0.9, 12, -0.4, 0.5)
GOOD = Evidence(primary=STRONG, second=WEAK, placebo=PLACEBO)


@pytest.mark.parametrize(
    ("change", "word", "reason"),
    [
        ({}, "supported", "rises"),
        ({"second": NOTHING}, "undetermined", "no second backbone"),
        ({"second": dataclasses.replace(WEAK, rho=-0.1)}, "undetermined", "second backbone it is"),
        ({"placebo": NOTHING}, "undetermined", "no placebo"),
        ({"placebo": dataclasses.replace(PLACEBO, rho=0.7)}, "undetermined", "placebo sets show as much"),
        ({"primary": dataclasses.replace(STRONG, p=0.2)}, "undetermined", "not above zero"),
        ({"primary": dataclasses.replace(STRONG, low=-0.01)}, "undetermined", "begins at"),
        ({"primary": dataclasses.replace(STRONG, n=11)}, "undetermined", "12 or more"),
        (
            {"primary": Association(0.0, -0.2, 0.25, 0.9, 225, -0.15, 0.15)},
            "refuted",
            "no correlation of 0.2",
        ),
        ({"primary": Association(-0.5, -0.7, -0.2, 0.001, 48, -0.65, -0.25)}, "refuted", "falls"),
    ],
)
def test_the_rule(change, word, reason):
    found = verdict(dataclasses.replace(GOOD, **change))
    assert found.word == word
    assert any(reason in one for one in found.reasons)


def test_every_refuter_is_told_and_says_whether_it_was_tested():
    answers = {one.name: one.answer for one in verdict(GOOD).refuters}
    assert len(answers) == 8
    assert list(answers.values()).count("not tested") == 7
    fooled = dataclasses.replace(GOOD, plain=STRONG, primary=dataclasses.replace(STRONG, p=0.4))
    assert next(one for one in verdict(fooled).refuters if "which losses" in one.name).answer == "yes"
    blind = dataclasses.replace(GOOD, altering=dataclasses.replace(STRONG, rho=-0.6))
    assert next(one for one in verdict(blind).refuters if "blindness" in one.name).answer == "yes"


def test_missing_numbers_leave_out_their_sets(quick):
    sets = simulated(30, 0.5, np.random.default_rng(1))
    sets.numbers["D"][:4] = np.nan
    assert sets.partial("D", "R", np.random.default_rng(0)).n == 26


def test_too_few_sets_for_their_memberships_give_no_correlation():
    found = simulated(12, 0.9, np.random.default_rng(0)).partial("D", "R", np.random.default_rng(0))
    assert math.isnan(found.rho)
    assert found.n == 12
