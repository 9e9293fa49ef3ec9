"""Zero-shot answers in numbers: calibration, what a prompt is worth, permuted names, classes whose names were never seen.

Pure functions of rows, one set of rows per training seed (a single one for public weights); intervals are those of ``measure.estimate``:
over source groups, and over seeds where there are several. All shares are fractions in [0, 1].
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64, Int64

from muybridge.core.seeding import rng
from muybridge.measure.accuracy import balanced, hits, video_level
from muybridge.measure.estimate import Estimate, Interval, mean_over_seeds
from muybridge.measure.intervals import REPLICATES, accuracy_interval, outcomes, resample_groups, tally
from muybridge.runs.contents.predictions import Predictions

BINS = 15
PERMUTATIONS = 200
TEMPLATE = "template"
"""Perturbation under which rows of single templates stand, with the number of the template, from 1, as their severity."""
NAMES = "names"
"""Perturbation under which rows of the ensemble stand where the classes were named the other way, raw for clean or clean for raw."""

Drawn = tuple[float, Float64[np.ndarray, "r"], int]
"""A number, its redraws, and how many groups were redrawn."""


@dataclass(frozen=True)
class Prompts:
    """How far an accuracy hangs on the words of its prompt.

    Attributes:
        single: accuracy of each template alone, in their order, mean over seeds.
        gain: of the ensemble over the mean single template, paired on the same videos.
    """

    single: tuple[float, ...]
    gain: Interval

    @property
    def spread(self) -> float:
        """Standard deviation (n - 1) over the templates."""
        return float(np.std(self.single, ddof=1))


@dataclass(frozen=True)
class Zero:
    """What a zero-shot model is worth; accuracies as fractions, mean over seeds.

    Attributes:
        top1: accuracy over all classes.
        top5: share of videos whose class is among the five highest scores; None for fewer than six classes.
        macro: mean of the accuracies of the classes that have videos.
        calibration: expected calibration error; None where nothing could be decoded.
        prompts: what single templates are worth; None for a single template.
        other_names: accuracy where the classes were named the other way; None where that was not asked.
        permuted: accuracy under names dealt out at random.
        unseen: accuracy on, and among, the classes whose names the model was not trained on; None where these are none, one or all.
        generalised: accuracy on these classes among all of them.
        classes: candidates; those of them that are unseen.
    """

    top1: Interval
    top5: Interval | None
    macro: float
    calibration: Interval | None
    prompts: Prompts | None
    other_names: Interval | None
    permuted: float
    unseen: Interval | None
    generalised: Interval | None
    classes: tuple[int, int]


def zero_of(
    rows: Sequence[Predictions],
    single: Sequence[Predictions],
    seen: Sequence[int] = (),
    arm: str = "",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Zero:
    """All numbers of a zero-shot model.

    Args:
        rows: of the ensemble, by training seed.
        single: of templates alone and of the other naming, by training seed.
        seen: classes whose names the model was trained on.
        arm: names the random stream of its seeds.
        replicates: redrawn test sets.
        seed: of the redraws.

    Raises:
        ValueError: no rows, or rows of different videos.
    """
    videos = [video_level(one) for one in rows]
    classes = videos[0].scores.shape[1]
    left = sorted(set(range(classes)) - set(seen))
    unseen = [one.where(np.isin(one.label, left)) for one in videos]
    apart = len(left) < classes and all(len(one) for one in unseen)
    other = [one.where(one.perturbation == NAMES) for one in single]

    def share(parts: Sequence[Predictions]) -> Interval:
        return accuracy_interval(parts, arm, replicates, seed)

    def over(of: Callable[[Predictions], Drawn | None]) -> Interval | None:
        found = [drawn for one in videos if (drawn := of(one))]
        return _over_seeds(found, arm).interval(of_accuracy=True) if len(found) == len(videos) else None

    return Zero(
        share(videos),
        over(lambda one: _top(one, 5, replicates, seed)) if classes > 5 else None,
        float(np.mean([balanced(one) for one in videos])),
        over(lambda one: calibration(one, BINS, replicates, seed)),
        prompt_sensitivity(
            videos, [one.where(one.perturbation == TEMPLATE) for one in single], arm, replicates, seed
        ),
        share(other) if all(len(one) for one in other) else None,
        float(np.mean([permuted(one, seed=seed)[0] for one in videos])),
        share([among(one, left) for one in unseen])
        if apart and len(left) > 1
        else None,  # one alone is no choice
        share(unseen) if apart else None,
        (classes, len(left)),
    )


def probabilities(scores: Float[np.ndarray, "n k"]) -> Float64[np.ndarray, "n k"]:
    """Softmax over the classes of each row, in double precision; rows without scores stay NaN."""
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return result


def calibration(
    rows: Predictions, bins: int = BINS, replicates: int = REPLICATES, seed: int = 0
) -> Drawn | None:
    """Expected calibration error of the softmax over the classes, and its redraws.

    ECE = sum over bins of |right - confidence| / n (Naeini et al., AAAI 2015; Guo et al., ICML 2017, eq. 3), bins of equal width. It is
    biased upwards, the more so the fewer videos. A video that could not be decoded has no confidence and is in no bin.

    Args:
        rows: one per video.
        bins: of confidence, of equal width.
        replicates: redrawn test sets.
        seed: of the redraws.

    Returns:
        None where no video has scores.
    """
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
    return value, np.abs(resample_groups(gap, total, replicates, seed)).sum(axis=1), len(groups)


def prompt_sensitivity(
    ensemble: Sequence[Predictions],
    single: Sequence[Predictions],
    arm: str = "",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Prompts | None:
    """Accuracy of each template alone, and what all together gain over the mean of them.

    Args:
        ensemble: rows of the ensemble, by training seed.
        single: rows of every template under ``TEMPLATE``, on the same videos.
        arm: names the random stream of its seeds.
        replicates: redrawn test sets.
        seed: of the redraws.

    Returns:
        None where there are not several templates.

    Raises:
        ValueError: other videos.
    """
    if min(len(set(one.severity.tolist())) for one in single) < 2:
        return None
    drawn, each = [], []
    for whole, alone in zip(ensemble, single, strict=True):
        both, one = outcomes(whole), outcomes(alone)
        if not np.array_equal(both.videos, one.videos):
            raise ValueError("the templates were asked about other videos than the ensemble")
        right, total = (
            np.concatenate([getattr(part, name) for part in (both, one)], axis=1)
            for name in ("right", "total")
        )
        draws = resample_groups(right, total, replicates, seed)
        value = float(both.accuracy[0] - one.accuracy.mean())
        drawn.append((value, draws[:, 0] - draws[:, 1:].mean(axis=1), len(both.groups)))
        each.append(one.accuracy)
    return Prompts(tuple(np.mean(each, axis=0).tolist()), _over_seeds(drawn, arm).interval())


def permuted(rows: Predictions, permutations: int = PERMUTATIONS, seed: int = 0) -> tuple[float, float]:
    """Accuracy where the names of the classes were dealt out at random: mean over deals, and their standard deviation.

    It must lie at chance; where it does not, answers do not come from the names.
    """
    stream, classes = rng(seed, "permuted names"), rows.scores.shape[1]
    predicted, found = rows.predicted, []
    for _ in range(permutations):
        deal = stream.permutation(classes)
        dealt = np.where(predicted >= 0, deal[np.maximum(predicted, 0)], -1)
        found.append(float((dealt == rows.label).mean()))
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
        rows: any.
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


def _top(rows: Predictions, k: int, replicates: int, seed: int) -> Drawn:
    counted = tally(rows, hits(rows, k))
    drawn = resample_groups(counted.right, counted.total, replicates, seed)[:, 0]
    return float(counted.accuracy[0]), drawn, len(counted.groups)


def _over_seeds(found: Sequence[Drawn], arm: str) -> Estimate:
    values = np.array([value for value, _, _ in found])
    draws = np.stack([drawn for _, drawn, _ in found], axis=1)
    return mean_over_seeds(values, draws, min(groups for _, _, groups in found), arm)
