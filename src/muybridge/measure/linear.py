"""Linear probe: multinomial logistic regression on frozen features, its strength chosen without the test videos."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, Int64

from muybridge.core.errors import UsageError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

STRENGTHS = (0.003, 0.03, 0.3, 3.0)


@dataclass(frozen=True)
class Linear:
    """A linear layer on raw (not standardised) features.

    Attributes:
        weight: one row per class; classes never seen in training get a bias of -1e4.
        strength: inverse L2 penalty (scikit-learn's C), chosen on held-out training groups.
    """

    weight: Float32[np.ndarray, "k d"]
    bias: Float32[np.ndarray, "k"]
    strength: float


def fit_linear(
    features: Float32[np.ndarray, "n d"], labels: Int64[np.ndarray, "n"], groups: np.ndarray, classes: int
) -> Linear:
    """Standardise, choose C by accuracy over group-disjoint folds of the training rows, fit on all of them.

    Args:
        features: one row per training clip.
        labels: class of each row, 0 to classes - 1.
        groups: rows of one group stay on one side of every fold.
        classes: number of rows of the result's weight.

    Raises:
        UsageError: fewer than two classes in training.
    """
    from threadpoolctl import threadpool_limits

    if len(np.unique(labels)) < 2:
        raise UsageError(
            f"linear probe: the {len(labels)} training clips are of one class; wanted at least 2 classes in training."
        )
    exact = features.astype(np.float64)
    mean, std = exact.mean(0), exact.std(0) + 1e-6
    scaled = (exact - mean) / std
    with threadpool_limits(
        1
    ):  # small products: more threads only spin, and bits would depend on their number
        strength = _choose(scaled, labels, groups)
        model = _regression(strength).fit(scaled, labels)
    weight = np.zeros((classes, features.shape[1]))
    bias = np.full(classes, -1e4)
    coefficients, intercept = _both_classes(model.coef_, model.intercept_)
    weight[model.classes_] = coefficients / std
    bias[model.classes_] = intercept - (coefficients / std) @ mean
    return Linear(weight.astype(np.float32), bias.astype(np.float32), strength)


def _choose(features: Float[np.ndarray, "n d"], labels: np.ndarray, groups: np.ndarray) -> float:
    from sklearn.model_selection import StratifiedGroupKFold

    number = min(3, len(np.unique(groups)), int(np.bincount(labels).max()))
    if number < 2:
        return STRENGTHS[1]
    with warnings.catch_warnings():  # classes with fewer rows than folds count where they are trained on
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        folds = list(StratifiedGroupKFold(number).split(features, labels, groups))
    scores = []
    for strength in STRENGTHS:
        right = [
            (_regression(strength).fit(features[a], labels[a]).predict(features[b]) == labels[b]).sum()
            for a, b in folds
            if len(b) and len(np.unique(labels[a])) > 1
        ]
        scores.append(sum(right))
    return STRENGTHS[int(np.argmax(scores))]


def _regression(strength: float) -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=300, tol=1e-3)


def _both_classes(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two rows also where there are two classes and scikit-learn keeps one."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
