import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from muybridge.measure.features.ranking import nearest_in
from muybridge.measure.features.votes import votes


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gallery, its labels (class 2 never occurs) and queries."""
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 3, 4], 80)
    centres = rng.normal(size=(5, 12))
    gallery = 0.4 * centres[labels] + rng.normal(size=(80, 12))
    queries = 0.4 * centres[rng.choice([0, 1, 3, 4], 25)] + rng.normal(size=(25, 12))
    return gallery.astype(np.float32), labels, queries.astype(np.float32)


@pytest.mark.parametrize("k", [1, 5, 80])
@pytest.mark.parametrize("temperature", [None, 0.07, 1.0])
def test_votes_are_those_of_scikit_learn(k: int, temperature: float | None, rows):
    gallery, labels, queries = rows
    weights = "uniform" if temperature is None else lambda distance: np.exp(-distance / temperature)
    peer = KNeighborsClassifier(k, weights=weights, metric="cosine", algorithm="brute").fit(gallery, labels)
    found = votes(*nearest_in(queries, gallery, k), labels, 5, temperature)
    assert not found[:, 2].any()
    shares = (found / found.sum(axis=1, keepdims=True))[:, [0, 1, 3, 4]]
    np.testing.assert_allclose(shares, peer.predict_proba(queries), atol=1e-5)


def test_weights_are_those_of_wu_et_al():
    order, similarity = np.array([[0, 1, 2]]), np.array([[0.9, 0.5, 0.4]], np.float32)
    found = votes(order, similarity, np.array([0, 1, 1]), 2, temperature=0.1)
    expected = np.exp([[9.0 - 10, 0]]) + np.array([[0, np.exp(5.0 - 10) + np.exp(4.0 - 10) - 1]])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_cold_vote_follows_the_nearest_and_a_plain_one_the_many():
    order, similarity = np.array([[0, 1, 2]]), np.array([[0.9, 0.8, 0.8]], np.float32)
    labels = np.array([0, 1, 1])
    assert votes(order, similarity, labels, 2, temperature=0.01).argmax() == 0
    assert votes(order, similarity, labels, 2, temperature=None).tolist() == [[1, 2]]


@pytest.mark.parametrize("temperature", [None, 0.07])
def test_missing_neighbours_do_not_vote(temperature: float | None):
    order, similarity = np.array([[1, -1], [-1, -1]]), np.array([[1, np.nan], [np.nan, np.nan]], np.float32)
    found = votes(order, similarity, np.array([0, 2]), 3, temperature)
    assert found.tolist() == [[0, 0, 1], [0, 0, 0]]
