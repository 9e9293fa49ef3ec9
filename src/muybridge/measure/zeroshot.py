"""Zero-shot answers in numbers: calibration, what a prompt is worth, permuted names, classes whose names were never seen.

Pure functions of rows; intervals are those of ``measure.intervals``. All shares are fractions in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from muybridge.core.predictions import Predictions
from muybridge.core.seeding import rng
from muybridge.measure.accuracy import balanced, hits, video_level
from muybridge.measure.estimate import Estimate, Interval
from muybridge.measure.intervals import REPLICATES, accuracy_interval, outcomes, resample_groups, tally

BINS = 15
PERMUTATIONS = 200
TEMPLATE = "template"
"""Perturbation under which rows of single templates stand, with the number of the template, from 1, as their severity."""
NAMES = "names"
"""Perturbation under which rows of the ensemble stand where the classes were named the other way, raw for clean or clean for raw."""


@dataclass(frozen=True)
class Prompts:
    """How far an accuracy hangs on the words of its prompt.

    Attributes:
        single: accuracy of each template alone, in their order.
        ensemble: accuracy of all templates together.
        gain: of the ensemble over the mean single template, paired on the same videos.
    """

    single: tuple[float, ...]
    ensemble: float
    gain: Interval

    @property
    def low(self) -> float:
        """Of the worst template."""
        return min(self.single)

    @property
    def high(self) -> float:
        """Of the best template."""
        return max(self.single)

    @property
    def spread(self) -> float:
        """Standard deviation (n - 1) over the templates; NaN for one."""
        return float(np.std(self.single, ddof=1)) if len(self.single) > 1 else float("nan")


def probabilities(scores: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, "n k"]:
    """Softmax over the classes of each row, in double precision; rows without scores stay NaN."""
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return result


def calibration(
    rows: Predictions, bins: int = BINS, replicates: int = REPLICATES, seed: int = 0
) -> Interval | None:
    """Expected calibration error of the softmax over the classes, with its interval over source groups.

    ECE = sum over bins of |right - confidence| / n (Naeini et al., AAAI 2015; Guo et al., ICML 2017, eq. 3), bins of equal width. It is
    biased upwards, the more so the fewer videos. Departure: none is left out; a video that could not be decoded has no confidence and is
    in no bin.

    Args:
        rows: any number of views; logits are averaged first.
        bins: of confidence, of equal width.
        replicates: redrawn test sets.
        seed: of the redraws.

    Returns:
        None where no video has scores.
    """
    rows = video_level(rows)
    rows = rows.where(~np.isnan(rows.scores).any(axis=1))
    if not len(rows):
        return None
    confidence = probabilities(rows.scores).max(axis=1)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    groups, group = np.unique(rows.group, return_inverse=True)
    gap, total = (np.zeros((len(groups), bins)) for _ in range(2))
    np.add.at(gap, (group, place), rows.correct - confidence)
    np.add.at(total, group, 1.0)  # every bin is divided by all videos of the group
    value = float(np.abs(gap.sum(axis=0)).sum() / len(rows))
    draws = np.abs(resample_groups(gap, total, replicates, seed)).sum(axis=1)
    return Estimate(value, draws, len(groups)).interval(of_accuracy=True)


def prompt_sensitivity(
    ensemble: Predictions, single: Predictions, replicates: int = REPLICATES, seed: int = 0
) -> Prompts:
    """Accuracy of each template alone, and what all together gain over the mean of them.

    Args:
        ensemble: rows of the ensemble.
        single: rows of every template under ``TEMPLATE``, on the same videos.
        replicates: redrawn test sets.
        seed: of the redraws.

    Raises:
        ValueError: no rows, or other videos.
    """
    both, each = outcomes(ensemble), outcomes(single)
    if not np.array_equal(both.videos, each.videos):
        raise ValueError("the templates were asked about other videos than the ensemble")
    right, total = (
        np.concatenate([getattr(one, name) for one in (both, each)], axis=1) for name in ("right", "total")
    )
    drawn = resample_groups(right, total, replicates, seed)
    gain = Estimate(
        float(both.accuracy[0] - each.accuracy.mean()),
        drawn[:, 0] - drawn[:, 1:].mean(axis=1),
        len(both.groups),
    )
    return Prompts(tuple(each.accuracy.tolist()), float(both.accuracy[0]), gain.interval())


def permuted(rows: Predictions, permutations: int = PERMUTATIONS, seed: int = 0) -> tuple[float, float]:
    """Accuracy where the names of the classes were dealt out at random: mean over deals, and their standard deviation.

    It must lie at chance; where it does not, answers do not come from the names.
    """
    rows = video_level(rows)
    stream, classes = rng(seed, "permuted names"), rows.scores.shape[1]
    predicted, found = rows.predicted, []
    for _ in range(permutations):
        deal = stream.permutation(classes)
        answers = np.where(predicted >= 0, deal[np.maximum(predicted, 0)], -1)
        found.append(float((answers == rows.label).mean()))
    return float(np.mean(found)), float(np.std(found, ddof=1))


def among(rows: Predictions, classes: Sequence[int]) -> Predictions:
    """The rows of some classes, asked about these classes alone: what is left when others are no candidates.

    Args:
        rows: any.
        classes: indices that stay, rising; labels and scores are numbered anew in their order.

    Raises:
        ValueError: no class.
    """
    if not len(classes):
        raise ValueError("no class is left to ask about")
    kept = np.asarray(classes, dtype=np.int64)
    chosen = rows.where(np.isin(rows.label, kept))
    place = np.full(rows.scores.shape[1], -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return replace(chosen, label=place[chosen.label], scores=np.ascontiguousarray(chosen.scores[:, kept]))


def within(rows: Predictions, parts: Sequence[str]) -> Predictions:
    """Rows where only the classes that share a part with the true one are candidates, the others scored minus infinity.

    Of classes that are pairs (an object and a motion) it says how well one part is told where the other is given.

    Args:
        rows: any; every part has the same number of classes.
        parts: of each class, the part that is given.
    """
    given = np.asarray(parts)
    candidates = given[None, :] == given[np.maximum(rows.label, 0)][:, None]
    scores = np.where(candidates | np.isnan(rows.scores), rows.scores, -np.inf).astype(np.float32)
    return replace(rows, scores=scores)


def answers(predicted: Int64[np.ndarray, "n"], classes: int) -> np.ndarray:
    """Scores that say no more than the answer: 1 for it, 0 for the others; NaN where it is -1."""
    found = np.zeros((len(predicted), classes), np.float32)
    found[np.arange(len(predicted)), np.maximum(predicted, 0)] = 1
    found[predicted < 0] = np.nan
    return found


@dataclass(frozen=True)
class Zero:
    """What a zero-shot run is worth; accuracies as fractions.

    Attributes:
        top1: accuracy over all classes.
        top5: share of videos whose class is among the five highest scores; None for fewer than six classes.
        macro: mean of the accuracies of the classes that have videos.
        calibration: expected calibration error; None where nothing could be decoded.
        prompts: what single templates are worth; None for a single template.
        other_names: accuracy where the classes were named the other way; None where that was not asked.
        permuted: accuracy under names dealt out at random, and its standard deviation.
        unseen: accuracy on, and among, the classes whose names the model was not trained on; None where it was trained on none or all.
        generalised: accuracy on these classes among all of them.
        classes: candidates; those unseen.
    """

    top1: Interval
    top5: Interval | None
    macro: float
    calibration: Interval | None
    prompts: Prompts | None
    other_names: Interval | None
    permuted: tuple[float, float]
    unseen: Interval | None
    generalised: Interval | None
    classes: tuple[int, int]


def zero_of(
    rows: Predictions, single: Predictions, seen: Sequence[int], replicates: int = REPLICATES, seed: int = 0
) -> Zero:
    """All numbers of a zero-shot run.

    Args:
        rows: of the ensemble.
        single: of templates alone and of the other naming.
        seen: classes whose names the model was trained on.
        replicates: redrawn test sets.
        seed: of the redraws.

    Raises:
        ValueError: no rows, or rows of different videos.
    """
    video = video_level(rows)
    classes = video.scores.shape[1]
    templates, other = (
        single.where(single.perturbation == TEMPLATE),
        single.where(single.perturbation == NAMES),
    )
    left = sorted(set(range(classes)) - set(seen))
    apart = bool(seen) and bool(np.isin(video.label, left).any())
    asked = video.where(np.isin(video.label, left))
    return Zero(
        accuracy_interval([video], replicates=replicates, seed=seed),
        _top(video, replicates, seed) if classes > 5 else None,
        balanced(video),
        calibration(video, replicates=replicates, seed=seed),
        prompt_sensitivity(video, templates, replicates, seed)
        if len(set(templates.severity.tolist())) > 1
        else None,
        accuracy_interval([other], replicates=replicates, seed=seed) if len(other) else None,
        permuted(video, seed=seed),
        accuracy_interval([among(video, left)], replicates=replicates, seed=seed) if apart else None,
        accuracy_interval([asked], replicates=replicates, seed=seed) if apart else None,
        (classes, len(left)),
    )


def _top(rows: Predictions, replicates: int, seed: int, k: int = 5) -> Interval:
    counted = tally(rows, hits(rows, k))
    drawn = resample_groups(counted.right, counted.total, replicates, seed)[:, 0]
    return Estimate(float(counted.accuracy[0]), drawn, len(counted.groups)).interval(of_accuracy=True)
