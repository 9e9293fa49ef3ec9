"""Calibration against a plain loop, prompts against single accuracies, restricted candidates against a plain argmax."""

import numpy as np
import pytest

from muybridge.measure.zeroshot_scores import (
    NAMES,
    TEMPLATE,
    among,
    answers,
    calibration,
    permuted,
    probabilities,
    prompt_sensitivity,
    within,
    zero_of,
)  # fmt: skip
from muybridge.runs.contents.predictions import Predictions


def rows(
    scores: np.ndarray, label: np.ndarray, perturbation: str = "clean", severity: int = 0
) -> Predictions:
    n = len(label)
    names = np.array([f"v{i}" for i in range(n)])
    groups = np.array([f"g{i // 2}" for i in range(n)])
    return Predictions(
        names,
        groups,
        label.astype(np.int64),
        np.zeros(n, np.int64),
        np.full(n, perturbation),
        np.full(n, severity),
        scores.astype(np.float32),
    )


@pytest.fixture
def some() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 6, 200)
    return rng.normal(size=(200, 6)) * 2 + 2 * np.eye(6)[label], label


def test_calibration_error_is_that_of_a_plain_loop(some):
    scores, label = some
    value, draws, groups = calibration(rows(scores, label), bins=10, replicates=200)
    p = np.exp(scores.astype(np.float32).astype(float))
    p /= p.sum(1, keepdims=True)
    confidence, right = p.max(1), p.argmax(1) == label
    expected = 0.0
    for low in np.arange(10) / 10:
        inside = (confidence >= low) & (confidence < low + 0.1)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert value == pytest.approx(expected, abs=1e-9)
    assert (len(draws), groups) == (200, 100)
    assert draws.mean() > value  # the bootstrap adds its own noise to every bin


def test_a_model_that_says_its_own_accuracy_is_calibrated_and_one_that_boasts_is_not():
    rng = np.random.default_rng(1)
    chance = rng.uniform(0.5, 1, 4000)
    label = (rng.random(4000) > chance).astype(int)
    honest = np.log(np.stack([chance, 1 - chance], 1))
    assert calibration(rows(honest, label), replicates=10)[0] < 0.03
    assert calibration(rows(5 * honest, label), replicates=10)[0] > 0.1


def test_broken_videos_have_no_confidence(some):
    scores, label = some
    broken = scores.copy()
    broken[:50] = np.nan
    assert calibration(rows(broken, label), replicates=5)[0] == pytest.approx(
        calibration(rows(scores[50:], label[50:]), replicates=5)[0]
    )
    assert calibration(rows(np.full((3, 2), np.nan), np.zeros(3)), replicates=5) is None


def test_probabilities_survive_large_logits():
    found = probabilities(np.array([[1000.0, 999.0], [np.nan, np.nan]]))
    assert found[0] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    assert np.isnan(found[1]).all()


def test_prompts_are_single_accuracies_and_a_paired_gain(some):
    scores, label = some
    whole = rows(scores, label)
    noisy = [scores + np.random.default_rng(t).normal(size=scores.shape) for t in range(3)]
    parts = [rows(answers(one.argmax(1), 6), label, TEMPLATE, t + 1) for t, one in enumerate(noisy)]
    single = Predictions(
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])}
    )
    found = prompt_sensitivity([whole], [single], replicates=500)
    expected = [float((one.argmax(1) == label).mean()) for one in noisy]
    assert found.single == pytest.approx(expected)
    assert found.gain.value == pytest.approx((scores.argmax(1) == label).mean() - np.mean(expected))
    assert found.gain.low < found.gain.value < found.gain.high
    assert prompt_sensitivity([whole], [parts[0]]) is None


def test_names_dealt_out_at_random_give_chance_however_good_the_model(some):
    _, label = some
    mean, sd = permuted(rows(10 * np.eye(6)[label], label), permutations=400)
    assert mean == pytest.approx(1 / 6, abs=4 * sd / 20)


def test_among_asks_only_about_the_classes_that_are_left(some):
    scores, label = some
    left = [1, 4, 5]
    found = among(rows(scores, label), left)
    inside = np.isin(label, left)
    best = np.array(left)[scores.astype(np.float32)[inside][:, left].argmax(1)]
    assert float(found.correct.mean()) == float((best == label[inside]).mean())


def test_within_compares_with_classes_that_share_the_given_part(some):
    scores, label = some
    parts = ["a", "a", "b", "b", "c", "c"]
    found = within(rows(scores, label), parts)
    by_hand = [
        max((c for c in range(6) if parts[c] == parts[y]), key=lambda c: s[c]) == y
        for s, y in zip(scores, label, strict=True)
    ]
    assert found.correct.tolist() == by_hand


def test_all_numbers_of_a_model_with_seen_classes(some):
    scores, label = some
    other = rows(answers(np.zeros(200, int), 6), label, NAMES, 1)
    zero = zero_of([rows(scores, label)], [other], [0, 1, 2], replicates=200)
    assert zero.classes == (6, 3)
    assert zero.unseen.value > zero.generalised.value  # three candidates are easier than six
    assert zero.other_names.value == pytest.approx((label == 0).mean())
    assert zero.prompts is None
    assert zero_of([rows(scores, label)], [other], [], replicates=50).unseen is None
    alone = zero_of([rows(scores, label)], [other], [0, 1, 2, 3, 4], replicates=50)
    assert alone.unseen is None  # one candidate is no choice
    assert alone.generalised is not None
    two = zero_of([rows(scores, label)] * 2, [other] * 2, replicates=200, arm="a")
    assert two.top1.seeds == 2
