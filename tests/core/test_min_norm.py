"""Weights of teachers against scikit-learn's one-class SVM, against their optimality conditions, and at the edges."""

import numpy as np
import pytest
from sklearn.svm import OneClassSVM

from muybridge.core.errors import UsageError
from muybridge.core.networks.min_norm import capped_min_norm


def drawn(number: int, seed: int) -> tuple[np.ndarray, float]:
    """A Gram matrix of vectors that have more or less in common, and a cap."""
    stream = np.random.default_rng([number, seed])
    vectors = stream.standard_normal((number, int(stream.integers(number, 40)))) + stream.uniform(0, 2)
    return vectors @ vectors.T, float(stream.uniform(1 / number + 0.01, 1))


@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_the_same_as_a_one_class_svm(number: int):
    """250 Gram matrices of each size, a thousand in all; duals of nu = 1 / (C M), divided by M nu, are the weights."""
    for seed in range(250):
        gram, cap = drawn(number, seed)
        nu = 1 / (cap * number)
        peer = OneClassSVM(kernel="precomputed", nu=nu, tol=1e-9).fit(gram)
        expected = np.zeros(number)
        expected[peer.support_] = peer.dual_coef_[0] / (number * nu)
        np.testing.assert_allclose(capped_min_norm(gram.tolist(), cap), expected, atol=1e-4)


@pytest.mark.parametrize("number", [2, 3, 4, 6, 8])
def test_no_weight_can_be_moved_to_shorten_the_combination(number: int):
    """Karush, Kuhn and Tucker: whoever is below the cap has a slope no lower than whoever is above zero."""
    for seed in range(60):
        gram, cap = drawn(number, 1000 + seed)
        weights = np.array(capped_min_norm(gram.tolist(), cap))
        assert weights.min() >= 0
        assert weights.max() <= cap + 1e-12
        assert weights.sum() == pytest.approx(1, abs=1e-9)
        slopes = gram @ weights
        assert (
            slopes[weights < cap - 1e-9].min(initial=np.inf)
            >= slopes[weights > 1e-9].max() - 1e-6 * np.abs(gram).max()
        )


@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_equal_teachers_count_alike_and_silent_ones_too(number: int):
    for value in (0.0, 1.0, 1e-300, 1e12):
        assert capped_min_norm([[value] * number] * number, 0.6) == pytest.approx(
            [1 / number] * number, abs=1e-6
        )


def test_the_longer_pull_counts_less_down_to_what_the_cap_leaves():
    assert capped_min_norm([[1.0, 0.0], [0.0, 100.0]], 0.6) == pytest.approx([0.6, 0.4])
    assert capped_min_norm([[1.0, 0.0], [0.0, 100.0]], 1.0) == pytest.approx([100 / 101, 1 / 101])
    assert capped_min_norm([[1.0, 0, 0], [0, 1e6, 0], [0, 0, 1e6]], 0.5) == pytest.approx([0.5, 0.25, 0.25])


@pytest.mark.parametrize("number", [3, 5])
def test_the_order_and_the_scale_of_teachers_do_not_matter(number: int):
    for seed in range(30):
        gram, cap = drawn(number, seed)
        order = np.random.default_rng(seed).permutation(number)
        plain = np.array(capped_min_norm(gram.tolist(), cap))
        np.testing.assert_allclose(
            capped_min_norm((1e-7 * gram[order][:, order]).tolist(), cap), plain[order], atol=1e-6
        )


def test_what_cannot_be_is_refused():
    with pytest.raises(
        UsageError, match=r"a cap of 0.3 for 3 teachers: their weights cannot reach 1; wanted 1 / 3 or more"
    ):
        capped_min_norm([[1.0] * 3] * 3, 0.3)
    for gram in (
        [[float("nan"), 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, float("nan")]],
        [[1.0, 0.0], [0.0, float("inf")]],
    ):
        with pytest.raises(UsageError, match="gradients of the teachers' losses are not finite"):
            capped_min_norm(gram, 0.6)
    assert capped_min_norm([[5.0]], 0.6 + 0.4) == [1.0]
