"""Diversity of losses: known sets, units that must not matter, and noise that must not count."""

import math

import numpy as np
import pytest
import torch

from muybridge.measure.diversity.diversity_rows import diversity
from muybridge.measure.diversity.gradient_grams import gram_of
from muybridge.measure.diversity.loss_diversity import (
    between,
    category_entropy,
    conflict,
    cosines,
    functional,
    mean_pairwise,
    naive_cosines,
    normalised,
    novelty,
    rao,
    share,
    vendi,
)


def gradients(truth: np.ndarray, batches: int = 16, noise: float = 0.0, seed: int = 0) -> torch.Tensor:
    """Gradients of losses with these expected ones; the noise of every loss on every batch is its own."""
    rng = np.random.default_rng(seed)
    return torch.tensor(truth[None] + noise * rng.normal(size=(batches, *truth.shape)))


def test_a_duplicated_loss_adds_no_diversity():
    c = cosines(between(gram_of(gradients(np.ones((3, 10))))))
    assert mean_pairwise(c) == pytest.approx(0, abs=1e-12)
    assert vendi(c) == pytest.approx(1)
    assert novelty(c) == pytest.approx(0, abs=1e-9)


def test_orthogonal_losses_count_each():
    c = cosines(between(gram_of(gradients(np.eye(5)))))
    assert vendi(c) == pytest.approx(5)
    assert normalised(vendi(c), 5) == pytest.approx(1)
    assert mean_pairwise(c) == pytest.approx(1)
    assert conflict(c) == 0
    assert novelty(c) == pytest.approx(1)


def test_scaling_a_loss_changes_nothing():
    truth = np.random.default_rng(1).normal(size=(4, 30))
    grams = [gram_of(gradients(truth * np.array(scale)[:, None])) for scale in ([1] * 4, [1, 100, 1e-3, 7])]
    one, other = (diversity(gram, "pabc", np.random.default_rng(0)) for gram in grams)
    assert [m.value for m in one.measures] == pytest.approx([m.value for m in other.measures])


def test_opposed_losses_are_conflict_and_no_further_direction():
    c = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert (mean_pairwise(c), conflict(c)) == (2, 1)
    assert vendi(c) == pytest.approx(1)


def test_between_batches_noise_does_not_count_and_within_it_is_all_there_is():
    """Two copies of one loss under noise of twice its length: the usual cosine says orthogonal, the cross-batch one says the same."""
    truth = np.zeros((2, 400))
    truth[:, 0] = 1
    gram = gram_of(gradients(truth, batches=200, noise=0.1, seed=3))
    assert naive_cosines(gram)[0, 1] < 0.3  # 1 / (1 + 4)
    assert cosines(between(gram))[0, 1] == pytest.approx(1, abs=0.05)


def test_products_between_batches_are_unbiased():
    truth = np.random.default_rng(2).normal(size=(3, 8))
    found = [between(gram_of(gradients(truth, 4, noise=2.0, seed=seed))) for seed in range(800)]
    error = np.std(found, axis=0) / math.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - truth @ truth.T) < 4 * error).all()


def test_the_share_of_signal_is_what_was_mixed():
    truth = np.ones((1, 1000))
    gram = gram_of(gradients(truth, 200, noise=2.0))
    assert share(gram)[0] == pytest.approx(1 / (1 + 4), abs=0.01)


def test_a_loss_without_signal_is_undefined_and_counts_nowhere():
    rng = np.random.default_rng(0)
    truth = np.concatenate([np.eye(3), np.zeros((3, 47))], axis=1)
    made = gradients(np.concatenate([truth, np.zeros((1, 50))]), 16)
    made[:, 3] = torch.tensor(rng.normal(size=(16, 50)))
    found = diversity(gram_of(made), ("primary", "a", "b", "noise"), rng)
    assert found.undefined == ("noise",)
    assert found.value("D3") == pytest.approx(2)
    assert np.isnan(found.cosines[3]).all()


def test_one_loss_with_signal_has_no_diversity():
    found = diversity(gram_of(gradients(np.eye(3))), "pab", np.random.default_rng(0), inactive=["b"])
    assert all(math.isnan(one.value) and math.isnan(one.low) for one in found.measures)


def test_the_interval_over_batches_holds_the_truth():
    """Of 60 experiments at 95 % at most 9 miss (0.2 % of binomial(60, .05) lie above)."""
    truth = np.array([[1.0] + [0] * 19, [1.0] + [0] * 19, [0.5, 0.75**0.5] + [0] * 18])
    missed = 0
    for seed in range(60):
        found = diversity(gram_of(gradients(truth, 24, 0.3, seed)), "pab", np.random.default_rng(seed))
        d2 = next(one for one in found.measures if one.name == "D2")
        missed += not d2.low <= 0.5 <= d2.high
    assert missed <= 9


def test_weights_of_a_combiner_count():
    c = np.eye(3)
    assert vendi(c, np.array([1.0, 0, 0])) == pytest.approx(1)
    assert vendi(c, np.array([-1.0, 1, 1])) == pytest.approx(3)
    with pytest.raises(ValueError, match="other than 0"):
        vendi(c, np.zeros(3))


def test_novelty_is_that_of_the_least_new_loss():
    c = np.eye(3)
    c[1, 2] = c[2, 1] = 0.8
    assert novelty(c) == pytest.approx(1 - 0.64)
    assert novelty(c, of=[0]) == pytest.approx(1)


def test_categories():
    assert category_entropy("aabb") == pytest.approx(math.log(2))
    assert category_entropy("a") == 0
    assert rao(["S", "T", "S"], ["C", "C", "N"]) == pytest.approx((0.5 + 1 + 0.5) / 3)
    assert math.isnan(rao(["S"], ["C"]))
    assert functional(np.array([[1, 0.25], [0.25, 1]])) == pytest.approx(0.75)


def test_one_batch_is_refused():
    with pytest.raises(ValueError, match="2 or more"):
        between(gram_of(gradients(np.eye(2), batches=1)))
