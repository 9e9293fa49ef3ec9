import numpy as np
import pytest
import threadpoolctl
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from muybridge.core.errors import UsageError
from muybridge.measure.features import linear
from muybridge.measure.features.linear import DECAYS, FALLBACK, Linear, fit_linear

Problem = tuple[np.ndarray, np.ndarray]


def blobs(classes: int, each: int = 30, spread: float = 0.3, seed: int = 0) -> Problem:
    """Rows around one corner per class, with units and offsets of very different size."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    rows = np.eye(classes, 6)[labels] + spread * rng.normal(size=(len(labels), 6))
    return (rows * [1, 10, 100, 0.1, 0.01, 1] + [5, -3, 200, 0, 0, 1e3]).astype(np.float32), labels


def features(rows: int, dims: int, classes: int, seed: int = 0) -> Problem:
    """Correlated, rectified features as a network gives them; hard enough that the strength of the penalty matters."""
    rng = np.random.default_rng(seed)
    centres, turn = rng.normal(size=(classes, dims)), np.linalg.qr(rng.normal(size=(dims, dims)))[0]
    labels = rng.integers(0, classes, rows)
    raw = 0.3 * centres[labels] + rng.normal(size=(rows, dims))
    return np.maximum(raw * np.arange(1, dims + 1) ** -0.6 @ turn, 0).astype(np.float32), labels


def halves(rows: int, dims: int, classes: int) -> tuple[Problem, Problem]:
    """Training and test rows of one problem."""
    x, y = features(2 * rows, dims, classes)
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def spread(count: int, folds: int = 5) -> np.ndarray:
    return np.arange(count) % folds


def answers(fitted: Linear, rows: np.ndarray) -> np.ndarray:
    return rows @ fitted.weight.T + fitted.bias


def chances(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def peer(rows: np.ndarray, labels: np.ndarray, decay: float) -> tuple[StandardScaler, LogisticRegression]:
    """scikit-learn's optimum of the same cost; with two classes it keeps one row of weights, ours two of half its length."""
    scaler = StandardScaler().fit(rows.astype(np.float64))
    c = (2 if len(np.unique(labels)) == 2 else 1) / (len(rows) * decay)
    model = LogisticRegression(C=c, max_iter=10_000, tol=1e-8)
    return scaler, model.fit(scaler.transform(rows.astype(np.float64)), labels)


@pytest.mark.parametrize(
    ("rows", "dims", "classes"), [(300, 20, 3), (300, 20, 2), (60, 150, 4), (120, 120, 7)]
)
@pytest.mark.parametrize("decay", [1.0, 0.01])
def test_probabilities_are_those_of_scikit_learn(rows: int, dims: int, classes: int, decay: float):
    (x, y), (new, _) = halves(rows, dims, classes)
    fitted = fit_linear(x, y, spread(rows), classes, decays=(decay,))
    scaler, model = peer(x, y, decay)
    assert np.abs(chances(answers(fitted, new)) - model.predict_proba(scaler.transform(new))).max() < 0.01


def test_units_and_offsets_of_the_features_do_not_matter():
    (x, y), (new, truth) = blobs(5), blobs(5, seed=1)
    fitted = fit_linear(x, y, spread(len(y)), 5)
    scaler, model = peer(x, y, fitted.decay)
    mine = answers(fitted, new)
    assert (mine.argmax(1) == model.predict(scaler.transform(new))).mean() > 0.99
    assert (mine.argmax(1) == truth).mean() > 0.85


def test_accuracy_of_every_setting_agrees_with_scikit_learn_to_half_a_point():
    (x, y), _ = halves(1500, 64, 12)
    folds = np.where(np.arange(1500) < 1000, 1, 0)
    fitted = fit_linear(x, y, folds, 12, decays=DECAYS[3:18:3])
    held = np.flatnonzero(folds == 0)
    rest = np.flatnonzero(folds == 1)
    theirs = []
    for one in fitted.grid:
        scaler, model = peer(x[rest], y[rest], one.decay)
        back, other = peer(x[held], y[held], one.decay)
        right = (model.predict(scaler.transform(x[held])) == y[held]).sum()
        theirs.append((right + (other.predict(back.transform(x[rest])) == y[rest]).sum()) / 1500)
    assert fitted.held_out == 1500
    assert np.abs(np.array([one.accuracy for one in fitted.grid]) - theirs).max() <= 0.005
    assert max(theirs) - min(theirs) > 0.03, "the settings differ"


def test_the_chosen_layer_agrees_with_scikit_learn_to_half_a_point():
    (x, y), (new, truth) = halves(1500, 64, 12)
    fitted = fit_linear(x, y, spread(1500), 12)
    scaler, model = peer(x, y, fitted.decay)
    mine = (answers(fitted, new).argmax(1) == truth).mean()
    assert abs(mine - (model.predict(scaler.transform(new)) == truth).mean()) <= 0.005
    assert mine > 0.3


def test_a_path_ends_where_a_single_fit_does():
    (x, y), (new, _) = halves(300, 40, 6)
    path = fit_linear(x, y, np.zeros(300, int), 6, decays=DECAYS[:13])
    alone = fit_linear(x, y, np.zeros(300, int), 6, decays=(path.decay,))
    assert np.abs(chances(answers(path, new)) - chances(answers(alone, new))).max() < 2e-3


def test_the_same_rows_give_the_same_bits():
    x, y = features(200, 16, 4)
    first, second = (fit_linear(x, y, spread(200), 4) for _ in range(2))
    assert (first.weight == second.weight).all()
    assert first.grid == second.grid


class Seen:
    """Remembers which rows a layer was fitted on: the last column says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[np.ndarray] = []
        real = linear._Problem.of
        monkeypatch.setattr(
            linear._Problem, "of", lambda x, *rest: self.rows.append(x[:, -1]) or real(x, *rest)
        )


def test_libraries_are_looked_for_once_whatever_is_fitted(monkeypatch: pytest.MonkeyPatch):
    looks = []

    class Counted(threadpoolctl.ThreadpoolController):
        def __init__(self) -> None:
            looks.append(1)
            super().__init__()

    for name in ("ThreadpoolController", "threadpool_limits"):  # the second makes one of its own each time
        monkeypatch.setattr(threadpoolctl, name, Counted)
    linear._libraries.cache_clear()
    rows, labels = blobs(3)
    fit_linear(rows, labels, spread(len(rows)), 3)
    linear._libraries.cache_clear()
    assert len(looks) == 1


def test_no_held_out_row_is_trained_on_and_the_last_fit_sees_all(monkeypatch: pytest.MonkeyPatch):
    x, y = blobs(3)
    folds = np.random.default_rng(0).integers(0, 3, len(y))
    marked = np.column_stack([x, folds]).astype(np.float32)
    seen = Seen(monkeypatch)
    fitted = fit_linear(marked, y, folds, 3)
    assert [set(rows) for rows in seen.rows] == [{1, 2}, {0, 2}, {0, 1}, {0, 1, 2}]
    assert [len(rows) for rows in seen.rows[:3]] == [(folds != fold).sum() for fold in range(3)]
    assert (len(seen.rows[3]), fitted.held_out) == (len(y), len(y))


def test_folds_are_held_out_until_there_are_enough_rows(monkeypatch: pytest.MonkeyPatch):
    x, y = features(2400, 4, 3)
    seen = Seen(monkeypatch)
    assert fit_linear(x, y, spread(2400), 3).held_out == 1440
    assert len(seen.rows) == 4, "three folds of 480, and all rows"


def test_the_decay_with_the_most_right_held_out_rows_is_taken():
    x, y = features(400, 30, 5)
    fitted = fit_linear(x, y, spread(400), 5)
    most = max(one.accuracy for one in fitted.grid)
    assert [one.decay for one in fitted.grid] == list(DECAYS)
    assert {one.accuracy for one in fitted.grid if one.decay == fitted.decay} == {most}
    assert len({one.accuracy for one in fitted.grid}) > 5
    assert fitted.decay not in (DECAYS[0], DECAYS[-1])


def test_of_equally_accurate_settings_the_one_with_the_lowest_loss_is_taken():
    x, y = blobs(3, spread=0.05)
    fitted = fit_linear(x, y, spread(len(y)), 3)
    perfect = [one for one in fitted.grid if one.accuracy == 1]
    assert len(perfect) > 5
    assert fitted.decay == min(perfect, key=lambda one: one.loss).decay


def test_recorded_losses_are_those_of_the_held_out_rows():
    x, y = features(200, 10, 4)
    (one,) = fit_linear(x, y, spread(200, 2), 4, decays=(0.1,)).grid
    losses = []
    for fold in range(2):
        train, held = spread(200, 2) != fold, spread(200, 2) == fold
        scaler, model = peer(x[train], y[train], 0.1)
        own = model.predict_log_proba(scaler.transform(x[held]))
        losses += own[np.arange(100), y[held]].tolist()
    assert one.loss == pytest.approx(-np.mean(losses), abs=1e-3)


def test_classes_missing_in_training_are_never_predicted():
    x, y = blobs(3)
    fitted = fit_linear(x, y * 2, spread(len(y)), 7)
    far = 100 * np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32)
    assert set(answers(fitted, np.concatenate([x, far / 100])).argmax(1)) <= {0, 2, 4}
    assert not fitted.weight[[1, 3, 5, 6]].any()
    assert (fitted.bias[[1, 3, 5, 6]] == -1e4).all()


def test_a_feature_without_spread_gets_no_weight():
    x, y = blobs(3)
    x[:, 5] = 1234.567
    fitted = fit_linear(x, y, spread(len(y)), 3)
    assert np.isfinite(fitted.weight).all()
    assert np.abs(fitted.weight[:, 5]).max() < 1e-3


def test_a_class_with_one_row_is_learnt_and_left_out_of_the_choice():
    x, y = blobs(3)
    keep = np.r_[:61]
    fitted = fit_linear(x[keep], y[keep], spread(61), 3)
    assert fitted.held_out == 60
    assert (answers(fitted, x[:61]).argmax(1) == y[:61]).mean() > 0.95


@pytest.mark.parametrize("folds", [np.zeros(3, int), np.arange(3)], ids=["one group", "one row per class"])
def test_where_nothing_can_be_held_out_a_fixed_decay_is_taken(folds: np.ndarray):
    x, y = blobs(3, each=1)
    fitted = fit_linear(x, y, folds, 3)
    assert (fitted.decay, fitted.grid, fitted.held_out) == (FALLBACK, (), 0)
    assert answers(fitted, x).argmax(1).tolist() == [0, 1, 2]


def test_one_class_in_training_is_refused():
    x, _ = blobs(2)
    with pytest.raises(UsageError, match="the 60 training clips are of one class"):
        fit_linear(x, np.ones(60, np.int64), spread(60), 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(value: float):
    x, y = blobs(3)
    x[[4, 7], 2] = value
    with pytest.raises(UsageError, match=r"features of 2 of 90 clips are not finite.*--precision fp32"):
        fit_linear(x, y, spread(90), 3)


@pytest.mark.parametrize("spread_of_rows", [0.0, 0.02, 3.0])
def test_easy_and_hopeless_problems_converge(spread_of_rows: float):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 12)
    rows = rng.normal(size=(8, 128))[labels] + spread_of_rows * rng.normal(size=(96, 128))
    fitted = fit_linear(rows.astype(np.float32), labels, spread(96), 8)
    assert np.isfinite(fitted.weight).all()
    assert (answers(fitted, rows.astype(np.float32)).argmax(1) == labels).mean() > 0.9
