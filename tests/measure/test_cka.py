"""CKA against its definition, the packages that others use, and what must hold of any measure of similarity."""

import itertools

import numpy as np
import pytest
import torch

from hsic import song
from muybridge.measure.similarity.cka import gram, products, unbiased_rows
from muybridge.measure.similarity.cka_weighted import Weighted
from muybridge.measure.similarity.layer_similarity import MEASURES, LayerSums


def drawn(n: int, *widths: int, seed: int = 0) -> list[torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    return [torch.randn(n, width, generator=source) for width in widths]


def grams(*features: torch.Tensor) -> torch.Tensor:
    return torch.stack([gram(one) for one in features])


def sums(batches: list[tuple[torch.Tensor, torch.Tensor]], **words) -> LayerSums:
    found = LayerSums(words.pop("measures", ("cka",)), **words)
    for i, (a, b) in enumerate(batches):
        found.add(a, b, np.arange(len(a[0])) + i * len(a[0]))
    return found


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e4])
def test_a_gram_is_that_of_centred_features_in_any_order_of_memory(mean: float):
    (maps,) = drawn(5, 4 * 3 * 6 * 7)
    maps = maps.view(5, 4, 3, 6, 7) + mean
    flat = maps.double().flatten(1)
    flat = flat - flat.mean(0)
    for given in (maps, maps.contiguous(memory_format=torch.channels_last_3d), maps.transpose(2, 4)):
        torch.testing.assert_close(gram(given), flat @ flat.T, rtol=1e-4, atol=1e-3)


def test_unbiased_hsic_is_that_of_song_whatever_the_mean():
    X, Y = drawn(9, 50, 30)
    own = products(unbiased_rows(grams(X)), unbiased_rows(grams(Y)))
    K, L = (one.double() @ one.double().T for one in (X + 5, Y - 3))
    assert float(own) == pytest.approx(float(song(K, L)), rel=1e-5)


def test_three_clips_are_too_few_for_it():
    with pytest.raises(ValueError, match="3 clips; wanted 4 or more"):
        unbiased_rows(grams(*drawn(3, 5)))


def test_redrawn_hsic_is_the_mean_over_weighted_tuples_of_different_clips():
    X, Y = drawn(7, 20, 30)
    weights = torch.tensor([[2.0, 0, 1, 3, 1, 1, 2], [1.0] * 7], dtype=torch.float64)
    made = Weighted(weights)
    rows = made.rows(grams(X)), made.rows(grams(Y))
    found = made.products(*rows).ravel() / made.share
    K, L = (one.double() @ one.double().T for one in (X, Y))
    for w, value in zip(weights, found, strict=True):
        over, whole = 0.0, 0.0
        for i, j, q, r in itertools.permutations(range(7), 4):
            often = w[i] * w[j] * w[q] * w[r]
            over += often * K[i, j] * (L[i, j] + L[q, r] - 2 * L[i, q])
            whole += often
        assert float(value) == pytest.approx(float(over / whole), rel=1e-5)
    torch.testing.assert_close(made.alike(*rows).ravel(), made.products(*rows).ravel())


def test_a_draw_of_fewer_than_four_clips_counts_for_nothing():
    made = Weighted(torch.tensor([[3.0, 3, 3, 0, 0]]))
    rows = made.rows(grams(*drawn(5, 8)))
    assert made.products(rows, rows).item() == 0 == made.share.item()


def test_independent_features_have_nothing_in_common_and_equal_ones_everything():
    """The benchmark's check: dimension 2000, 50 batches of 32."""
    stream = torch.Generator().manual_seed(1)
    turn = torch.linalg.qr(torch.randn(2000, 2000, generator=stream)).Q

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        X, Y = (torch.randn(32, 2000, generator=stream) for _ in range(2))
        return grams(X, Y), grams(X, 7 * X @ turn + 3)

    found = sums([batch() for _ in range(50)], measures=("cka", "cka-biased"), permutations=50).maps()
    value = found["cka"].value
    np.testing.assert_allclose(value[0], 1, atol=1e-6)  # itself, and rotated, scaled and moved
    assert np.abs(value[1]).max() < 0.02
    assert found["cka-biased"].value[1].min() > 0.97, "the bias that the other has not"


def test_values_below_zero_are_not_clamped():
    values = [
        sums([(grams(X), grams(Y))], permutations=2).maps()["cka"].value.item()
        for X, Y in (drawn(8, 500, 500, seed=seed) for seed in range(20))
    ]
    assert 4 <= sum(value < 0 for value in values) <= 16


def test_constant_features_are_no_zero_but_nothing():
    X, flat = drawn(8, 20)[0], torch.ones(8, 20)
    found = sums([(grams(X, flat), grams(X, flat))], measures=MEASURES, permutations=2).maps()
    for name in ("cka", "cka-biased", "procrustes"):
        assert np.isnan(found[name].value).tolist() == [[False, True], [True, True]]


def test_a_biased_batch_is_ordinary_linear_cka():
    X, Y = (one.double() for one in drawn(12, 6, 9))
    X, Y = X - X.mean(0), Y - Y.mean(0)
    expected = (X.T @ Y).square().sum() / ((X.T @ X).norm() * (Y.T @ Y).norm())
    found = sums([(grams(X), grams(Y))], measures=("cka-biased",), permutations=2).maps()
    assert found["cka-biased"].value.item() == pytest.approx(float(expected), rel=1e-6)


def test_procrustes_is_the_best_rotation():
    from scipy.spatial import procrustes as peer

    X, Y = (one.double().numpy() for one in drawn(12, 6, 6))
    found = sums(
        [(grams(torch.from_numpy(X)), grams(torch.from_numpy(Y)))], measures=("procrustes",), permutations=2
    )
    _, _, disparity = peer(X, Y)  # 1 - (sum of singular values)^2 for both of norm one
    assert found.maps()["procrustes"].value.item() ** 2 == pytest.approx(1 - disparity, rel=1e-5)


def test_mutual_neighbours_are_those_of_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    X, Y = drawn(20, 6, 6)
    near = [NearestNeighbors(n_neighbors=5).fit(one).kneighbors(return_distance=False) for one in (X, Y)]
    shared = np.mean([len({*a} & {*b}) / 5 for a, b in zip(*near, strict=True)])
    found = sums([(grams(X), grams(Y))], measures=("mutual-knn",), permutations=2).maps()["mutual-knn"]
    assert found.value.item() == pytest.approx(shared)


def test_the_null_band_holds_unpaired_features_and_not_paired_ones():
    inside = 0
    for seed in range(20):
        X, Y = drawn(64, 30, 30, seed=seed)
        Z = X + 2 * drawn(64, 30, seed=100 + seed)[0]
        parts = [(grams(X[i : i + 16], Z[i : i + 16]), grams(Y[i : i + 16])) for i in range(0, 64, 16)]
        one = sums(parts).maps()["cka"]
        inside += int(one.null[0][0, 0] <= one.value[0, 0] <= one.null[1][0, 0])
        paired = sums([(a[:1], a[1:]) for a, _ in parts]).maps()["cka"]
        assert paired.value.item() > paired.null[1].item()
    assert 16 <= inside <= 20


def test_no_measure_is_named_that_is_not_made():
    X = grams(*drawn(9, 5))
    assert set(sums([(X, X)], measures=MEASURES, permutations=3).maps()) == set(MEASURES)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """Layers that share half of their directions; the truth from 400 batches, 100 samples of 64 clips in batches of 16."""

    def sample(number: int, seed: int) -> LayerSums:
        source = torch.Generator().manual_seed(seed)
        made = []
        for _ in range(number):
            shared = torch.randn(16, 10, generator=source) * torch.linspace(2, 0.3, 10)
            X, Y = (torch.cat([shared, torch.randn(16, 10, generator=source)], 1) for _ in range(2))
            made.append((grams(X), grams(Y)))
        draws = np.random.default_rng(seed).multinomial(
            16 * number, np.full(16 * number, 1 / 16 / number), 200
        )
        return sums(made, multiplicities=draws.astype(float) if number < 100 else None, permutations=2)

    truth = sample(400, 10_000).maps()["cka"].value.item()
    hit = 0
    for seed in range(100):
        low, high = sample(4, seed).maps()["cka"].interval
        hit += int(low.item() <= truth <= high.item())
    assert 85 <= hit <= 99
