import math

import numpy as np
import pytest

from muybridge.measure.features.feature_health import (
    FLAT,
    collapse,
    diagnose,
    feature_std,
    knn_accuracy,
    rankme,
    shortcuts,
)


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def slow_rank(features: np.ndarray) -> float:
    """Square roots of the eigenvalues of the Gram matrix, and the sum of the entropy term by term."""
    values = np.sqrt(np.clip(np.linalg.eigvalsh(features.astype(float).T @ features.astype(float)), 0, None))
    shares = [value / sum(values) + 1e-7 for value in values]
    return math.exp(-sum(share * math.log(share) for share in shares))


def test_rank_equals_the_formula_of_the_paper():
    for seed, (n, d) in enumerate([(40, 8), (300, 30)]):
        features = gaussian(n, d, seed) * np.linspace(1, 5, d, dtype=np.float32) + 0.5
        assert rankme(features) == pytest.approx(slow_rank(features), rel=1e-6)


@pytest.mark.parametrize("directions", [1, 3, 16])
def test_rank_counts_equal_directions(directions: int):
    basis = np.linalg.qr(gaussian(64, 16))[0][:, :directions]
    features = (basis @ np.linalg.qr(gaussian(16, 16, 1))[0][:directions]).astype(np.float32)
    assert rankme(features) == pytest.approx(directions, rel=1e-3)
    assert rankme(100 * features) == pytest.approx(rankme(features), rel=1e-6)


def test_rank_of_wide_noise_is_near_its_bound_and_of_a_constant_is_one():
    assert 0.9 * 32 < rankme(gaussian(2000, 32)) <= 32.001
    assert rankme(np.ones((50, 32), np.float32)) == pytest.approx(1, abs=1e-3)
    assert math.isnan(rankme(np.full((4, 4), np.nan, np.float32)))
    assert np.isfinite(rankme(np.zeros((4, 4), np.float32)))


def test_deviation_is_that_of_a_full_sphere_for_noise_and_zero_for_one_point():
    assert feature_std(gaussian(4000, 64)) == pytest.approx(1 / 8, rel=0.02)
    assert feature_std(np.ones((50, 64), np.float32)) == pytest.approx(0, abs=1e-9)
    features = gaussian(200, 16)
    assert feature_std(features) == pytest.approx(feature_std(7 * features), rel=1e-5)


def slow_knn(features: np.ndarray, labels: list[int], groups: list[int], k: int, temperature: float) -> float:
    right = 0
    rows = [row / np.linalg.norm(row) for row in features.astype(float)]
    known = [i for i, label in enumerate(labels) if label >= 0]
    for i in known:
        others = sorted((-float(rows[i] @ rows[j]), j) for j in known if groups[j] != groups[i])[:k]
        votes: dict[int, float] = {}
        for similarity, j in others:
            votes[labels[j]] = votes.get(labels[j], 0) + math.exp(-similarity / temperature)
        right += bool(votes) and max(votes, key=lambda label: (votes[label], -label)) == labels[i]
    return right / len(known)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (5, 0.07), (20, 0.07), (20, 10.0)])
def test_votes_equal_the_plain_reference(k: int, temperature: float):
    rng = np.random.default_rng(3)
    labels = rng.integers(-1, 4, 60)
    features = gaussian(60, 6) + 1.2 * np.eye(6, dtype=np.float32)[labels.clip(0)]
    groups = rng.integers(0, 15, 60)
    expected = slow_knn(features, labels.tolist(), groups.tolist(), k, temperature)
    assert knn_accuracy(features, labels, groups, k, temperature) == pytest.approx(expected)


def test_neighbours_name_classes_that_lie_apart_and_guess_where_they_do_not():
    labels = np.repeat(np.arange(4), 50)
    apart = gaussian(200, 16) * 0.1 + np.eye(16, dtype=np.float32)[labels]
    groups = np.arange(200)
    assert knn_accuracy(apart, labels, groups) == 1
    assert abs(knn_accuracy(gaussian(200, 16), labels, groups) - 0.25) < 0.13
    alone = np.zeros(200, dtype=np.int64)
    assert knn_accuracy(apart, labels, alone) == 0, "neighbours of the own group do not count"
    assert math.isnan(knn_accuracy(apart, np.full(200, -1), groups))


def looks(ranks: list[float], stds: list[float] | None = None) -> list[dict]:
    stds = stds or [0.03] * len(ranks)
    pairs = enumerate(zip(ranks, stds, strict=True), start=1)
    return [{"step": 100 * i, "health": {"effective_rank": r, "feature_std": s}} for i, (r, s) in pairs]


CONTROLS = {"normal": 0.95, "still": 0.2, "shuffled": 0.5, "chance": 1 / 6, "answers": 128}


def test_healthy_curves_give_no_words():
    assert diagnose(looks([80, 40, 25, 30, 28]), 128, CONTROLS) == []
    assert diagnose([], 128) == []
    assert diagnose(looks([1.2, 40, 25]), 128) == [], "what recovered is healthy"


def test_a_collapse_is_dated_from_where_it_stays():
    rows = looks([200, 1.5, 180, 90, 30, 4, 1.9, 1.5, 1.3])
    assert diagnose(rows, 512) == ["collapsed at step 700: effective rank 1.3 of 512"]


def test_few_directions_left_are_a_dimensional_collapse():
    assert (
        collapse(looks([90, 30, 9, 6, 5.2]), 512)
        == "dimensional collapse at step 300: effective rank 5.2 of 512"
    )
    assert collapse(looks([90, 30, 9, 6, 5.2]), 128) == ""


def test_features_that_are_one_point_up_to_a_little_noise_are_named():
    bound = FLAT / 128**0.5
    words = collapse(looks([40, 40, 40], [0.03, 0.9 * bound, 0.5 * bound]), 128)
    assert words.startswith(
        "features of all clips nearly equal from step 200 on: standard deviation 0.0044, 0.088"
    )
    assert collapse(looks([40, 40], [0.9 * bound, 1.1 * bound]), 128) == ""


def test_measured_collapses_of_constructed_features_are_found():
    """The same words from features as they would come from a network."""
    noise, line = gaussian(256, 128), np.outer(gaussian(256, 1), gaussian(1, 128, 1))
    point = gaussian(1, 128, 2) + 0.04 * noise
    kinds = {"": noise, "collapsed": line, "nearly equal": point}
    for word, features in kinds.items():
        told = {"effective_rank": rankme(features.astype(np.float32)), "feature_std": feature_std(features)}
        found = collapse([{"step": 10, "health": told}], 128)
        assert (word in found) if word else (found == "")


def test_a_task_solved_on_still_clips_is_a_shortcut():
    (words,) = diagnose([], 128, CONTROLS | {"still": 0.93})
    assert words == (
        "the pretext task is solved without motion: accuracy on still clips 93.0% (chance 16.7%, untouched clips 95.0%): a shortcut"
    )
    assert diagnose([], 128, CONTROLS | {"still": 0.93}, motion=False) == []
    (words,) = shortcuts(CONTROLS | {"shuffled": 0.9})
    assert "without the order of frames: accuracy on shuffled frames 90.0%" in words


def test_a_control_within_noise_of_chance_is_no_shortcut():
    near = {"normal": 0.3, "still": 0.28, "shuffled": 0.17, "chance": 1 / 6, "answers": 48}
    assert shortcuts(near) == [], "0.28 is within three deviations of guessing 48 times"
    assert len(shortcuts(near | {"answers": 2000})) == 1
