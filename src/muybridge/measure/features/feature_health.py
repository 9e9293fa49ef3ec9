"""Health of features during pretraining, without labels and with them, and the findings in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from muybridge.measure.features.ranking import nearest
from muybridge.measure.features.votes import TEMPERATURE, votes

EPSILON = 1e-7
"""Added to each share of the spectrum (RankMe, for float32)."""
COLLAPSED_RANK = 2.0
"""Below two directions the features lie on a line: no linear layer can tell more than two groups of classes apart."""
LOW_RANK = 0.02
"""Share of the possible rank. The tiny network keeps 7 to 20 % of it while it learns (the rank falls as features specialise, so a fall
alone says nothing); random weights with calibrated norms give 57 %."""
FLAT = 0.1
"""Of 1/sqrt(d), the deviation of unit vectors that fill the sphere (Chen & He, CVPR 2021, fig. 2). Features behind a ReLU share a mean and
stay at 0.16 to 0.6 of it while the tiny network learns; at a tenth, a hundredth of their squared length tells clips apart."""
KEPT = 0.5
"""Share of what an accuracy has above chance that a control must keep to be called a shortcut: most of the task, then, needs no more."""


def rankme(features: Float32[np.ndarray, "n d"]) -> float:
    """Effective rank: the exponential of the entropy of the singular values, 1 to min(n, d); NaN where a feature is not finite.

    Garrido et al., RankMe: Assessing the downstream performance of pretrained self-supervised representations by their rank, ICML 2023,
    eq. 1 and 2. The features are not centred.
    """
    if not np.isfinite(features).all():
        return float("nan")
    values = np.linalg.svd(features.astype(np.float64), compute_uv=False)
    share = values / max(values.sum(), 1e-300) + EPSILON
    return float(np.exp(-(share * np.log(share)).sum()))


def feature_std(features: Float32[np.ndarray, "n d"]) -> float:
    """Mean over the dimensions of the deviation of the unit vectors; about 1/sqrt(d) where they fill the sphere, 0 where they are one.

    Chen & He, Exploring simple Siamese representation learning, CVPR 2021, sec. 4.1.
    """
    exact = features.astype(np.float64)
    unit = exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12)
    return float(unit.std(0).mean())


def knn_accuracy(
    features: Float32[np.ndarray, "n d"],
    labels: Int64[np.ndarray, "n"],
    groups: np.ndarray,
    neighbours: int = 20,
    temperature: float = TEMPERATURE,
) -> float:
    """Share of rows whose class wins the vote of the nearest rows of other groups, each weighing exp(cosine / temperature).

    Wu et al., Unsupervised feature learning via non-parametric instance discrimination, CVPR 2018, sec. 3.4. The bank is the set itself.
    Rows without a label neither vote nor count; NaN where no row has one. Ties go to the smaller label.
    """
    known = labels >= 0
    if not known.any():
        return float("nan")
    labels = labels[known]
    order, similarity = nearest(features[known], groups[known], neighbours)
    found = votes(order, similarity, labels, int(labels.max()) + 1, temperature)
    right = (found.argmax(1) == labels) & (found.max(1) > 0)
    return float(right.mean())


def diagnose(
    rows: Sequence[Mapping[str, object]],
    dim: int,
    controls: Mapping[str, object] | None = None,
    motion: bool = True,
) -> list[str]:
    """What went wrong, in words; nothing for a healthy run.

    Args:
        rows: looks at the features in order: ``step`` and, under ``health``, ``effective_rank`` and ``feature_std``.
        dim: largest rank that the features could have: the smaller of their length and their number.
        controls: accuracies of the task on held-out videos: ``normal``, ``still`` and ``shuffled``, with ``chance`` and the number of
            ``answers`` behind each.
        motion: whether the task is meant to need motion; a spatial task that is solved on still clips is as it should be.
    """
    said = [words for words in (collapse(rows, dim),) if words]
    return said + (shortcuts(controls) if controls and motion else [])


def collapse(rows: Sequence[Mapping[str, Any]], dim: int) -> str:
    """The worst that is true of the last look, with the step since when it has been so; empty for healthy features."""
    ranks = [
        (row["step"], row["health"]["effective_rank"]) for row in rows if "effective_rank" in row["health"]
    ]
    stds = [(row["step"], row["health"]["feature_std"]) for row in rows if "feature_std" in row["health"]]
    for bound, words in (
        (COLLAPSED_RANK, "collapsed at step {}: effective rank {:.1f} of {}"),
        (LOW_RANK * dim, "dimensional collapse at step {}: effective rank {:.1f} of {}"),
    ):
        since = _since(ranks, bound)
        if since is not None:
            return words.format(since, ranks[-1][1], dim)
    since = _since(stds, FLAT / dim**0.5)
    if since is None:
        return ""
    return (
        f"features of all clips nearly equal from step {since} on: standard deviation {stds[-1][1]:.2g},"
        f" {dim**-0.5:.2g} where they fill the space"
    )


def _since(values: Sequence[tuple[int, float]], bound: float) -> int | None:
    """First step from which on all values lie below a bound."""
    below: int | None = None
    for step, value in values:
        below = None if value >= bound else below if below is not None else step
    return below


def shortcuts(controls: Mapping[str, Any]) -> list[str]:
    """Controls on which a task that should need motion keeps most of its accuracy."""
    chance, normal = controls["chance"], controls["normal"]
    noise = 3 * (chance * (1 - chance) / controls["answers"]) ** 0.5
    told = f"(chance {chance:.1%}, untouched clips {normal:.1%})"
    meaning = {
        "still": "the pretext task is solved without motion: accuracy on still clips {:.1%} {}: a shortcut",
        "shuffled": "the pretext task is solved without the order of frames: accuracy on shuffled frames {:.1%} {}",
    }
    bound = chance + max(noise, KEPT * (normal - chance))
    return [words.format(controls[kind], told) for kind, words in meaning.items() if controls[kind] > bound]
