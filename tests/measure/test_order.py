import numpy as np
import pytest
from scipy.stats import kendalltau

from muybridge.measure.frame_order import distinct_frames, kendall_tau

rng = np.random.default_rng(0)


def slow_tau(order: np.ndarray) -> float:
    t = len(order)
    pairs = [(i, j) for i in range(t) for j in range(i + 1, t)]
    return sum(int(order[i] < order[j]) - int(order[i] > order[j]) for i, j in pairs) / len(pairs)


@pytest.mark.parametrize("t", [2, 3, 8, 16])
def test_tau_of_a_permutation_is_scipys(t: int):
    for _ in range(5):
        order = rng.permutation(t)
        assert kendall_tau(order) == pytest.approx(kendalltau(np.arange(t), order).statistic, abs=1e-12)


def test_held_frames_count_for_neither_side():
    orders = rng.integers(0, 6, (20, 9))
    expected = [slow_tau(order) for order in orders]
    np.testing.assert_allclose(kendall_tau(orders), expected, atol=1e-12)
    assert kendall_tau(np.zeros(5, np.int64)) == 0
    assert kendall_tau(np.array([0, 0, 2, 2])) == pytest.approx(4 / 6)


def test_tau_of_the_order_itself_and_of_the_reverse():
    assert kendall_tau(np.arange(7)) == 1
    assert kendall_tau(np.arange(7)[::-1]) == -1


def test_tau_needs_two_frames():
    with pytest.raises(ValueError, match="two frames, got 1"):
        kendall_tau(np.array([0]))


def test_distinct_frames_are_those_of_a_set():
    orders = rng.integers(0, 8, (3, 5, 12))
    counted = distinct_frames(orders)
    assert counted.shape == (3, 5)
    for row, count in zip(orders.reshape(-1, 12), counted.ravel(), strict=True):
        assert count == len(set(row.tolist()))
    assert distinct_frames(np.array([4])) == 1
