"""The mixed model of loss sets: against restricted maximum likelihood by search, by level, planted effects, and data that have gaps."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import optimize, stats

from muybridge.measure.diversity.mixed_model import Mixed, mixed_model

ARMS = ("sum", "pcd", "meltr")
LOSSES, PER_SET = 10, 4


def membership(n: int, rng: np.random.Generator) -> np.ndarray:
    """Which four of ten losses a set holds."""
    found = np.zeros((n, LOSSES))
    for row in found:
        row[rng.choice(LOSSES, PER_SET, replace=False)] = 1
    return found


def simulated(
    rng: np.random.Generator, n: int, fixed: np.ndarray, slope: float = 0.0, departures: tuple[float, ...] = (0, 0, 0),
    sets: float = 1.0, cells: float = 0.7,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Diversity and outcomes; what is held fixed moves both."""
    x = rng.normal(size=n) + 0.6 * fixed @ rng.normal(size=fixed.shape[1])
    y = rng.normal(size=len(departures)) + np.outer(x, slope + np.array(departures))
    common = fixed @ rng.normal(size=fixed.shape[1]) + sets * rng.normal(size=n)
    return x, y + common[:, None] + cells * rng.normal(size=y.shape)


@dataclasses.dataclass(frozen=True)
class Searched:
    """Coefficients (arms, slope, departures but the last, fixed) with their covariance, variances of sets and cells."""

    found: np.ndarray
    covariance: np.ndarray
    sets: float
    cells: float

    def of(self, weights: np.ndarray) -> tuple[float, float]:
        """A sum of coefficients and its standard error."""
        return float(weights @ self.found), math.sqrt(weights @ self.covariance @ weights)


def searched(x: np.ndarray, y: np.ndarray, fixed: np.ndarray) -> Searched:
    """The same model by the restricted likelihood of all cells, with dense matrices, maximised by search."""
    n, a = y.shape
    cells = y.reshape(-1)
    arm, set_of = np.tile(np.eye(a), (n, 1)), np.kron(np.eye(n), np.ones((a, 1)))
    coding = arm[:, :-1] - arm[:, -1:]
    along = np.repeat(x, a)[:, None]
    design = np.hstack([arm, along, along * coding, np.repeat(fixed, a, axis=0)])

    def fit(logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        of_sets, of_cells = np.exp(logs)
        covariance = of_sets * set_of @ set_of.T + of_cells * np.eye(n * a)
        weighted = np.linalg.solve(covariance, design)
        information = design.T @ weighted
        found = np.linalg.solve(information, weighted.T @ cells)
        left = cells - design @ found
        parts = (np.linalg.slogdet(covariance)[1], np.linalg.slogdet(information)[1])
        return sum(parts) + left @ np.linalg.solve(covariance, left), found, np.linalg.inv(information)

    best = optimize.minimize(
        lambda logs: fit(logs)[0], np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-11}
    )
    assert best.success
    of_sets, of_cells = np.exp(best.x)
    return Searched(*fit(best.x)[1:], of_sets, of_cells)


@pytest.mark.parametrize(
    ("seed", "n", "a", "k"), [(0, 14, 3, 3), (1, 20, 3, 0), (2, 16, 2, 4), (3, 12, 4, 1)]
)
def test_it_is_restricted_maximum_likelihood(seed: int, n: int, a: int, k: int):
    rng = np.random.default_rng(seed)
    fixed = rng.normal(size=(n, k))
    x, y = simulated(rng, n, fixed, 0.3, (0.4, *[0.0] * (a - 1)))
    names = [f"arm {i}" for i in range(a)]
    found, other = mixed_model(x, y, names, fixed), searched(x, y, fixed)
    assert other.sets > 0.05  # at the bound of the search there would be nothing to compare
    unit = np.eye(other.found.size)
    slope, error = other.of(unit[a])
    assert (found.slope, found.error) == pytest.approx((slope, error), rel=1e-4)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(slope / error), n - 2 - k), rel=1e-3)
    assert found.high - found.low == pytest.approx(2 * stats.t.isf(0.025, n - 2 - k) * error, rel=1e-4)
    last = -unit[a + 1 : 2 * a].sum(axis=0)
    departures = [*unit[a + 1 : 2 * a], last]
    assert list(found.departures.values()) == pytest.approx(
        [other.of(one)[0] for one in departures], rel=1e-4
    )
    assert found.difference_error == pytest.approx(other.of(departures[0] - last)[1], rel=1e-4)
    inner = slice(a + 1, 2 * a)
    wald = other.found[inner] @ np.linalg.solve(other.covariance[inner, inner], other.found[inner])
    assert found.p_arms == pytest.approx(stats.f.sf(wald / (a - 1), a - 1, (a - 1) * (n - 2)), rel=1e-3)
    assert (found.freedom, found.freedom_arms) == (n - 2 - k, (a - 1) * (n - 2))
    assert found.within == pytest.approx(other.cells, rel=1e-4)
    assert found.intraclass == pytest.approx(other.sets / (other.sets + other.cells), rel=1e-4)


def test_nothing_is_found_in_nothing_more_often_than_it_says():
    """Cells counted as if they were sets reject far too often, so the simulation can tell."""
    rng = np.random.default_rng(11)
    p, p_arms, p_cells = [], [], []
    for _ in range(200):
        members = membership(30, rng)
        x, y = simulated(rng, 30, members)
        found = mixed_model(x, y, ARMS, members)
        p.append(found.p)
        p_arms.append(found.p_arms)
        by_cell = y - y.mean(axis=0)
        cells = mixed_model(np.repeat(x, 3), by_cell.reshape(-1, 1), ["cell"], np.repeat(members, 3, axis=0))
        p_cells.append(cells.p)
    rejected = [float(np.mean(np.array(one) < 0.05)) for one in (p, p_arms, p_cells)]
    assert all(0.02 <= one <= 0.09 for one in rejected[:2]), rejected
    assert rejected[2] > 0.15


def test_a_planted_slope_is_found_and_is_all_arms():
    rng = np.random.default_rng(2)
    members = membership(48, rng)
    x, y = simulated(rng, 48, members, slope=0.8)
    found = mixed_model(x, y, ARMS, members)
    assert found.low < 0.8 < found.high
    assert found.low > 0
    assert found.p < 0.001
    assert found.p_arms > 0.05


def test_a_planted_difference_of_slopes_is_found_and_is_no_slope():
    rng = np.random.default_rng(5)
    members = membership(48, rng)
    x, y = simulated(rng, 48, members, departures=(-0.25, -0.25, 0.5))
    found = mixed_model(x, y, ARMS, members)
    assert found.p_arms < 0.001
    assert found.p > 0.05
    assert max(found.slopes, key=found.slopes.__getitem__) == "meltr"
    assert sum(found.departures.values()) == pytest.approx(0, abs=1e-12)
    assert found.departures["meltr"] == pytest.approx(0.5, abs=3 * found.difference_error)
    assert found.slopes["meltr"] == pytest.approx(found.slope + found.departures["meltr"])


def study(seed: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    members = membership(24, rng)
    return *simulated(rng, 24, members, 0.4, (0.2, -0.2, 0)), members


def same(one: Mixed, other: Mixed, times: float = 1.0) -> None:
    """Slopes are ``times`` as large, and as sure."""
    assert [one.slope * times, one.error * times, one.low * times, one.high * times, one.p] == pytest.approx(
        [other.slope, other.error, other.low, other.high, other.p], rel=1e-7
    )
    assert [one.difference_error * times, one.p_arms] == pytest.approx(
        [other.difference_error, other.p_arms], rel=1e-7
    )
    assert {arm: value * times for arm, value in one.departures.items()} == pytest.approx(
        dict(other.departures), rel=1e-7
    )
    assert one.intraclass == pytest.approx(other.intraclass, rel=1e-7)


def test_levels_of_arms_effects_of_losses_order_and_scales_change_nothing():
    x, y, members = study()
    found = mixed_model(x, y, ARMS, members)
    same(found, mixed_model(x, y + np.array([0, 50, -3]), ARMS, members))
    same(found, mixed_model(x, y + (members @ np.arange(10.0))[:, None], ARMS, members))
    same(found, mixed_model(x, y[:, ::-1].copy(), ARMS[::-1], members))
    same(found, mixed_model(x + 7, y, ARMS, members * 10.0 ** np.arange(-7, 3)))
    same(found, mixed_model(x, y * 100, ARMS, members), times=100)
    same(found, mixed_model(x * 1000, y, ARMS, members), times=1e-3)


def test_what_sets_have_in_common_is_no_matter_of_arms():
    x, y, members = study()
    found = mixed_model(x, y, ARMS, members)
    other = mixed_model(x, y + np.random.default_rng(0).normal(size=(24, 1)), ARMS, members)
    assert other.slope != pytest.approx(found.slope, rel=1e-2)
    assert other.p_arms == pytest.approx(found.p_arms)
    assert dict(other.departures) == pytest.approx(dict(found.departures))


def test_sets_with_gaps_are_left_out_and_counted():
    x, y, members = study()
    gaps = [one.copy() for one in (x, y, members)]
    gaps[0][2], gaps[1][5, 1], gaps[1][6], gaps[2][9, 0] = math.nan, math.nan, math.inf, math.nan
    kept = np.setdiff1d(np.arange(24), [2, 5, 6, 9])
    found = mixed_model(gaps[0], gaps[1], ARMS, gaps[2])
    assert (found.n, found.left_out) == (20, 4)
    same(found, mixed_model(x[kept], y[kept], ARMS, members[kept]))


def test_one_arm_is_a_regression():
    x, y, _ = study()
    found, expected = mixed_model(x, y[:, :1], ["sum"]), stats.linregress(x, y[:, 0])
    assert [found.slope, found.error, found.p] == pytest.approx(
        [expected.slope, expected.stderr, expected.pvalue]
    )
    assert (found.freedom, found.freedom_arms) == (22, 0)
    assert all(map(math.isnan, [found.p_arms, found.difference_error, found.within, found.intraclass]))


def test_columns_that_follow_from_others_count_once():
    """Sets of four: the last membership is known from the others; their number is a constant."""
    x, y, members = study()
    found = mixed_model(x, y, ARMS, members)
    assert found.freedom == 24 - 11
    same(found, mixed_model(x, y, ARMS, members[:, :-1]))
    same(found, mixed_model(x, y, ARMS, np.column_stack([members, members.sum(1), np.full(24, 0.1), np.zeros(24)])))  # fmt: skip
    assert mixed_model(x, y, ARMS).freedom == 22


@pytest.mark.parametrize("x", [np.zeros(24), np.full(24, 0.1), np.full(24, 1e9 / 3)])
def test_without_spread_there_is_no_slope(x: np.ndarray):
    found = mixed_model(x, study()[1], ARMS)
    assert all(map(math.isnan, [found.slope, found.low, found.high, found.p, found.p_arms, *found.slopes.values()]))  # fmt: skip
    assert found.n == 24


def test_diversity_that_losses_tell_has_no_slope_but_may_have_departures():
    _, y, members = study()
    x = members @ np.arange(10.0)
    found = mixed_model(x, y, ARMS, members)
    assert math.isnan(found.slope)
    assert math.isnan(found.p)
    assert found.p_arms == pytest.approx(mixed_model(x, y, ARMS).p_arms)


@pytest.mark.parametrize(
    ("n", "slope", "departures"),
    [(0, False, False), (2, False, False), (3, False, True), (11, False, True), (12, True, True)],
)
def test_too_few_sets_give_nothing(n: int, slope: bool, departures: bool):
    x, y, _ = study()
    fixed = np.random.default_rng(0).normal(size=(24, 9))
    found = mixed_model(x[:n], y[:n], ARMS, fixed[:n])
    assert (found.freedom > 0, found.freedom_arms > 0) == (slope, departures)
    assert (math.isfinite(found.p), math.isfinite(found.p_arms)) == (slope, departures)
    assert math.isnan(found.low) != slope


def test_arms_that_are_equal_do_not_differ_by_rounding():
    x, y, _ = study()
    found = mixed_model(x, np.repeat(y[:, :1], 3, axis=1), ARMS)
    assert math.isnan(found.p_arms)
    assert (found.within, found.intraclass) == (0, 1)
    assert found.p == pytest.approx(mixed_model(x, y[:, :1], ["sum"]).p)


def test_a_line_without_noise_is_sure():
    x, _, _ = study()
    found = mixed_model(x, np.stack([2 * x, 3 * x + 1], axis=1), ["sum", "meltr"])
    assert [found.slope, found.low, found.high] == pytest.approx([2.5, 2.5, 2.5])
    assert (found.p, found.p_arms) == (0, 0)
    assert found.slopes == pytest.approx({"sum": 2, "meltr": 3})


def test_names_that_do_not_fit_are_refused():
    x, y, _ = study()
    with pytest.raises(ValueError, match="3 columns of y, got"):
        mixed_model(x, y, ["sum", "pcd"])
    with pytest.raises(ValueError, match="a name of its own"):
        mixed_model(x, y, ["sum", "pcd", "sum"])
