import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from muybridge.core.errors import UsageError
from muybridge.measure import linear
from muybridge.measure.linear import STRENGTHS, fit_linear


def blobs(classes: int, each: int = 30, spread: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows around one corner per class, with units and offsets of very different size."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    rows = np.eye(classes, 6)[labels] + spread * rng.normal(size=(len(labels), 6))
    return (rows * [1, 10, 100, 0.1, 0.01, 1] + [5, -3, 200, 0, 0, 1e3]).astype(np.float32), labels


def alone(count: int) -> np.ndarray:
    return np.array([f"g{i}" for i in range(count)])


def answers(fitted: linear.Linear, features: np.ndarray) -> np.ndarray:
    return features @ fitted.weight.T + fitted.bias


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_answers_agree_with_a_pipeline_of_scikit_learn(classes: int):
    features, labels = blobs(classes)
    fitted = fit_linear(features, labels, alone(len(labels)), classes)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=fitted.strength, max_iter=1000, tol=1e-6))
    pipeline.fit(features.astype(np.float64), labels)
    new, truth = blobs(classes, seed=1)
    mine = answers(fitted, new)
    assert (mine.argmax(1) == pipeline.predict(new)).mean() > 0.99
    assert (mine.argmax(1) == truth).mean() > 0.85
    chances = np.exp(mine - mine.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    assert np.abs(chances - pipeline.predict_proba(new)).max() < 0.02


@pytest.mark.parametrize("classes", [2, 4])
def test_folding_the_standardisation_into_the_weights_is_exact(classes: int):
    features, labels = blobs(classes)
    fitted = fit_linear(features, labels, alone(len(labels)), classes)
    mean, std = features.astype(np.float64).mean(0), features.astype(np.float64).std(0) + 1e-6
    scaled = (features - mean) / std
    model = LogisticRegression(C=fitted.strength, max_iter=300, tol=1e-3).fit(scaled, labels)
    scores = answers(fitted, features.astype(np.float64))
    mine = scores - scores[:, :1]
    theirs = model.decision_function(scaled)
    theirs = np.stack([np.zeros(len(theirs)), theirs], 1) if classes == 2 else theirs - theirs[:, :1]
    np.testing.assert_allclose(mine, theirs, atol=2e-3)


def test_classes_missing_in_training_are_never_predicted():
    features, labels = blobs(3)
    fitted = fit_linear(features, labels * 2, alone(len(labels)), 7)
    assert fitted.weight.shape == (7, 6)
    far = 100 * np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32)
    assert set(answers(fitted, np.concatenate([features, far / 100])).argmax(1)) <= {0, 2, 4}
    assert not fitted.weight[[1, 3, 5, 6]].any()
    assert (fitted.bias[[1, 3, 5, 6]] == -1e4).all()


def test_two_classes_get_a_row_each():
    features, labels = blobs(2)
    fitted = fit_linear(features, labels, alone(len(labels)), 2)
    np.testing.assert_allclose(fitted.weight[0], -fitted.weight[1])
    assert (answers(fitted, features).argmax(1) == labels).mean() > 0.95


def test_a_feature_without_spread_gets_no_weight():
    features, labels = blobs(3)
    features[:, 5] = 1234.567
    fitted = fit_linear(features, labels, alone(len(labels)), 3)
    assert np.isfinite(fitted.weight).all()
    assert np.abs(fitted.weight[:, 5]).max() < 1e-3


class Asked(LogisticRegression):
    """Remembers which rows it was fitted on."""

    seen: list[np.ndarray] = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):  # noqa: N803
        Asked.seen.append(X[:, -1])
        return super().fit(X, y, sample_weight)


def test_the_strength_is_chosen_on_groups_that_were_not_trained_on(monkeypatch: pytest.MonkeyPatch):
    features, labels = blobs(3)
    groups = np.random.default_rng(0).integers(0, 9, len(labels))
    marked = np.column_stack([features, groups]).astype(np.float32)
    Asked.seen = []
    monkeypatch.setattr(linear, "_regression", lambda strength: Asked(C=strength, max_iter=300, tol=1e-3))
    fit_linear(marked, labels, groups, 3)
    *folds, last = Asked.seen
    assert len(folds) == 3 * len(STRENGTHS)
    everything = set(np.unique(last))
    assert len(everything) == 9
    for rows in folds:
        kept = set(np.unique(rows))
        assert 0 < len(kept) < 9
        for group in kept:
            assert (rows == group).sum() == (last == group).sum(), (
                "a group is trained on wholly or not at all"
            )
    left_out = [everything - set(np.unique(rows)) for rows in folds[:3]]
    assert set.union(*left_out) == everything


def test_the_strength_that_answers_held_out_groups_best_is_taken():
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 30)
    features = rng.normal(size=(60, 200)).astype(np.float32)
    features[:, 0] += 1.5 * labels
    groups = np.arange(60) // 2
    fitted = fit_linear(features, labels, groups, 2)
    exact = features.astype(np.float64)
    scaled = (exact - exact.mean(0)) / (exact.std(0) + 1e-6)
    right = []
    for strength in STRENGTHS:
        count = 0
        for a, b in StratifiedGroupKFold(3).split(scaled, labels, groups):
            model = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(scaled[a], labels[a])
            count += (model.predict(scaled[b]) == labels[b]).sum()
        right.append(count)
    assert fitted.strength == STRENGTHS[right.index(max(right))]
    assert len(set(right)) > 1


def test_one_group_falls_back_to_a_fixed_strength():
    features, labels = blobs(3)
    assert fit_linear(features, labels, np.zeros(len(labels)), 3).strength == STRENGTHS[1]


def test_a_class_with_one_row_does_not_end_the_choice_for_all_others(monkeypatch: pytest.MonkeyPatch):
    features, labels = blobs(3)
    keep = np.r_[: 2 * 30 + 1]
    asked = []
    plain = linear._regression
    monkeypatch.setattr(linear, "_regression", lambda strength: (asked.append(strength), plain(strength))[1])
    fitted = fit_linear(features[keep], labels[keep], alone(len(keep)), 3)
    assert set(asked) == set(STRENGTHS)
    assert (answers(fitted, features[:60]).argmax(1) == labels[:60]).mean() > 0.95


def test_one_class_in_training_is_refused():
    features, _ = blobs(2)
    with pytest.raises(UsageError, match="the 60 training clips are of one class"):
        fit_linear(features, np.ones(60, np.int64), alone(60), 3)


def test_one_row_per_class_is_enough():
    features, labels = blobs(3, each=1)
    fitted = fit_linear(features, labels, alone(3), 3)
    assert fitted.strength == STRENGTHS[1]
    assert answers(fitted, features).argmax(1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("spread", [0.0, 0.02, 3.0])
def test_easy_and_hopeless_problems_converge_without_warnings(spread: float):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 12)
    rows = rng.normal(size=(8, 128))[labels] + spread * rng.normal(size=(96, 128))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_linear(rows.astype(np.float32), labels, alone(96), 8)
