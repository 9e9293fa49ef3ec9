"""Intervals: how far an accuracy would move with other test videos and other training seeds.

The paired, crossed percentile bootstrap. Whole source groups (subjects, scenes; single videos where none are
known) are drawn with replacement, the same draw for every model and condition, which pairs all comparisons;
seeds of one arm are drawn with replacement as well, independently of the groups (Owen, The pigeonhole
bootstrap, Ann. Appl. Stat. 1(2), 2007, arXiv 0712.1111: mildly conservative for crossed effects) and
independently between arms. That seeds belong into the interval: Bouthillier et al., Accounting for variance
in machine learning benchmarks, MLSys 2021, arXiv 2103.03098. Percentile rather than BCa: the statistic is a
mean, so bias is nil and skew small, and the jackknife behind BCa is not defined for crossed draws. Whole
groups, because clips of one group are alike: Field and Welsh, Bootstrapping clustered data, J. R. Stat. Soc.
B 69(3), 2007.

Coverage of the 95 % interval in simulation (200 videos of unlike difficulty, 200 repeats): 97 to 100 % where the
true accuracies of seeds differ by 0 to 3 points (SD); where they differ by 10 points, 84 % with two seeds, 85 %
with three, 92 % with five, 95 % with ten. Hence the words of caution below five seeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float64, Integer

from muybridge.core.predictions import Predictions
from muybridge.core.seeding import rng
from muybridge.measure.accuracy import video_level

REPLICATES = 10_000
KEPT = 2**25
"""Drawn numbers of groups that are kept in memory, in bytes or double bytes; UCF101's 2,500 clips fit in."""
LEVEL = 0.95
FEW_GROUPS = 8
FEW_SEEDS = 5

Condition = tuple[str, int]
CLEAN: Condition = ("clean", 0)


@dataclass(frozen=True)
class Outcomes:
    """Right answers (or other marks) of one trained model, counted by source group and condition.

    Attributes:
        groups: sorted names.
        videos: sorted ids.
        conditions: sorted (perturbation, severity) pairs.
        right: videos answered correctly, or marked otherwise (``tally``).
        total: videos asked.
    """

    groups: np.ndarray
    videos: np.ndarray
    conditions: tuple[Condition, ...]
    right: Float64[np.ndarray, "g c"]
    total: Float64[np.ndarray, "g c"]

    @property
    def accuracy(self) -> Float64[np.ndarray, "c"]:
        """Share of right answers per condition."""
        result: np.ndarray = self.right.sum(axis=0) / self.total.sum(axis=0)
        return result


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval.

    Attributes:
        value: the number itself, not the mean of the replicates.
        low: lower bound; NaN where undefined.
        high: upper bound.
        groups: how many source groups stand behind it.
        seeds: how many training seeds.
    """

    value: float
    low: float
    high: float
    groups: int
    seeds: int = 1

    @property
    def caution(self) -> str:
        """Words a reader needs beside it; empty when there is nothing to say."""
        words = []
        if self.groups < FEW_GROUPS:
            words.append(
                f"only {self.groups} source groups: the interval is unreliable, most likely too narrow"
            )
        if 1 < self.seeds < FEW_SEEDS:
            words.append(f"only {self.seeds} seeds: how much seeds matter is known roughly")
        return "; ".join(words)


@dataclass(frozen=True)
class Difference:
    """How much arm ``a`` is above arm ``b``, paired on the same videos.

    Attributes:
        interval: of the difference of accuracies, as fractions.
        p: two-sided probability of a difference at least so clear if there were none.
    """

    a: str
    b: str
    interval: Interval
    p: float


def outcomes(rows: Predictions) -> Outcomes:
    """Count right answers of one model (all folds, one seed) by group and condition; views averaged first.

    Raises:
        ValueError: no rows.
    """
    rows = video_level(rows)
    return tally(rows, rows.correct)


def tally(rows: Predictions, marked: Bool[np.ndarray, "n"]) -> Outcomes:
    """Count marked rows by group and condition.

    Args:
        rows: one per video and condition.
        marked: what is counted as ``right``.
    """
    groups, group = np.unique(rows.group, return_inverse=True)
    names = list(zip(rows.perturbation.tolist(), rows.severity.tolist(), strict=True))
    conditions = tuple(sorted(set(names)))
    place = {name: index for index, name in enumerate(conditions)}
    column = np.array([place[name] for name in names])
    right, total = (np.zeros((len(groups), len(conditions))) for _ in range(2))
    np.add.at(right, (group, column), marked)
    np.add.at(total, (group, column), 1)
    return Outcomes(groups, np.unique(rows.video), conditions, right, total)


def resample_groups(
    right: Float64[np.ndarray, "g c"],
    total: Float64[np.ndarray, "g c"],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Float64[np.ndarray, "r c"]:
    """Accuracies of ``replicates`` redrawn test sets, all columns on the same draws.

    The draws depend on the seed and the number of groups only, so separate calls on the same groups are
    paired too.

    Returns:
        Fractions; NaN where a redrawn test set has no video of a column.
    """
    parts = []
    for drawn in _multiplicities(len(right), replicates, seed):
        with np.errstate(invalid="ignore"):
            parts.append((drawn @ right) / (drawn @ total))
    return np.concatenate(parts)


def resample_seeds(
    columns: Float64[np.ndarray, "r s *c"], arm: str, seed: int = 0
) -> Float64[np.ndarray, "r *c"]:
    """Mean over as many seeds drawn with replacement as there are, anew in every replicate.

    Args:
        columns: replicates of each seed, on the same redrawn test sets.
        arm: names the random stream, so that arms draw independently.
        seed: of the bootstrap itself.
    """
    count = columns.shape[1]
    drawn = rng(seed, "bootstrap", "seeds", arm).integers(0, count, (len(columns), count))
    share = np.stack([(drawn == index).mean(axis=1) for index in range(count)], axis=1)
    result: np.ndarray = np.einsum("rs,rs...->r...", share, columns)
    return result


def bounds(replicates: Float64[np.ndarray, "r *c"], level: float = LEVEL) -> Float64[np.ndarray, "2 *c"]:
    """Percentile bounds; NaN for a column in which any replicate is undefined."""
    tail = (1 - level) / 2
    result: np.ndarray = np.quantile(replicates, [tail, 1 - tail], axis=0)
    return result


def spread(values: Sequence[float]) -> float:
    """Standard deviation (n - 1) of one number over repeats that differ in a seed only; NaN for fewer than two.

    For seeds of the perturbations' noise: they are told apart from the choice of videos, which the intervals hold.
    """
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def interval(
    value: float, replicates: Float64[np.ndarray, "r"], groups: int, seeds: int = 1, of_accuracy: bool = False
) -> Interval:
    """A value with the percentile bounds of its replicates.

    Args:
        value: the number on the data as they are.
        replicates: the same number on redrawn data.
        groups: how many source groups were redrawn.
        seeds: how many seeds were redrawn.
        of_accuracy: the value is an accuracy. At exactly 0 or 1 every redrawn set says the same; then the
            exact binomial bound takes over, with groups as trials: ``1 - (tail) ** (1 / groups)`` (Clopper
            and Pearson, Biometrika 26, 1934).
    """
    low, high = bounds(replicates)
    reach = 1 - ((1 - LEVEL) / 2) ** (1 / groups)
    if of_accuracy and value == 0:
        high = reach
    if of_accuracy and value == 1:
        low = 1 - reach
    return Interval(value, float(low), float(high), groups, seeds)


def accuracy_interval(
    seeds: Sequence[Predictions], arm: str = "", replicates: int = REPLICATES, seed: int = 0
) -> Interval:
    """Accuracy of one arm, mean over its seeds, with its interval.

    Args:
        seeds: the rows of each seed (folds concatenated), all under one condition and on the same groups.
        arm: names the random stream of the seeds.
        replicates: how many redrawn data sets.
        seed: of the bootstrap itself.

    Raises:
        ValueError: no rows, several conditions, or seeds tested on different videos.
    """
    counted = _one_condition(seeds)
    draws = _arm_draws(counted, arm, replicates, seed)
    value = float(np.mean([one.accuracy[0] for one in counted]))
    return interval(value, draws, len(counted[0].groups), len(counted), of_accuracy=True)


def difference(
    a: Sequence[Predictions],
    b: Sequence[Predictions],
    names: tuple[str, str] = ("a", "b"),
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Difference:
    """Accuracy of arm ``a`` minus that of arm ``b``, paired on the same videos.

    Raises:
        ValueError: as ``accuracy_interval``, or the arms were tested on different videos.
    """
    counted = _one_condition([*a, *b])
    first, second = counted[: len(a)], counted[len(a) :]
    draws = _arm_draws(first, names[0], replicates, seed) - _arm_draws(second, names[1], replicates, seed)
    value = float(np.mean([one.accuracy[0] for one in first]) - np.mean([one.accuracy[0] for one in second]))
    return from_replicates(names, value, draws, len(first[0].groups), min(len(a), len(b)))


def from_replicates(
    names: tuple[str, str], value: float, draws: Float64[np.ndarray, "r"], groups: int, seeds: int
) -> Difference:
    """A difference with interval and p-value from its replicates."""
    return Difference(*names, interval(value, draws, groups, seeds), p_value(draws, groups))


def p_value(draws: Float64[np.ndarray, "r"], groups: int) -> float:
    """Two-sided p-value of "no difference" from bootstrap replicates, in (0, 1].

    Twice the smaller tail beyond zero (inverting the percentile interval), each tail with one added count
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, sec. 4.2), and never below ``2 ** (1
    - groups)``: no exact sign-flip test over so few groups can be surer, and the bootstrap alone rejects far
    too often there (Cameron, Gelbach and Miller, Rev. Econ. Stat. 90(3), 2008). Hence fewer than six groups
    never separate anything at 5 %.
    """
    if np.isnan(draws).any():
        return 1.0
    tail = min((draws <= 0).sum(), (draws >= 0).sum())
    return float(min(1.0, max(2 * (tail + 1) / (len(draws) + 1), 2.0 ** (1 - groups))))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm, Scand. J. Stat. 6, 1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(p) for p in adjusted]


def separable(differences: Sequence[Difference], alpha: float = 1 - LEVEL) -> list[bool]:
    """Which of several differences stand after Holm's correction over all of them."""
    return [p <= alpha + 1e-12 for p in holm([one.p for one in differences])]


def words(one: Difference, stands: bool) -> str:
    """A clause: ``"a is 4.0 points above b (...)"`` or ``"a and b cannot be separated (...)"``."""
    points = [100 * bound for bound in (one.interval.value, one.interval.low, one.interval.high)]
    span = f"95 % interval {points[1]:+.1f} to {points[2]:+.1f} points"
    if stands:
        return (
            f"{one.a} is {abs(points[0]):.1f} points {'above' if points[0] > 0 else 'below'} {one.b} ({span})"
        )
    few = f"; only {one.interval.groups} source groups" if one.interval.groups < FEW_GROUPS else ""
    return f"{one.a} and {one.b} cannot be separated ({points[0]:+.1f} points, {span}{few})"


def _multiplicities(groups: int, replicates: int, seed: int) -> Iterator[Float64[np.ndarray, "r g"]]:
    """How often each group is drawn in each replicate, in blocks of some 4 million numbers; kept where small, being asked for often."""
    small = groups * replicates <= KEPT
    for block in (_kept_counts if small else _counts)(groups, replicates, seed):
        yield block.astype(np.float64)


@lru_cache(4)
def _kept_counts(groups: int, replicates: int, seed: int) -> list[Integer[np.ndarray, "r g"]]:
    return list(_counts(groups, replicates, seed))


def _counts(groups: int, replicates: int, seed: int) -> Iterator[Integer[np.ndarray, "r g"]]:
    stream = rng(seed, "bootstrap", "groups")
    block = max(1, 2**22 // groups)
    for start in range(0, replicates, block):
        rows = min(block, replicates - start)
        drawn = stream.integers(0, groups, (rows, groups)) + groups * np.arange(rows)[:, None]
        counted = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups)
        yield counted.astype(np.min_scalar_type(groups))


def _arm_draws(counted: Sequence[Outcomes], arm: str, replicates: int, seed: int) -> Float64[np.ndarray, "r"]:
    right, total = (
        np.concatenate([getattr(one, name) for one in counted], axis=1) for name in ("right", "total")
    )
    return resample_seeds(resample_groups(right, total, replicates, seed), arm, seed)


def _one_condition(seeds: Sequence[Predictions]) -> list[Outcomes]:
    """Outcomes of several models under one condition on the same videos."""
    counted = [outcomes(rows) for rows in seeds]
    if not counted:
        raise ValueError("no prediction rows: an interval of nothing is undefined")
    for one in counted:
        if one.conditions != counted[0].conditions or len(one.conditions) != 1:
            raise ValueError(
                f"wanted rows of one condition, got {sorted({*one.conditions, *counted[0].conditions})}"
            )
        if not (
            np.array_equal(one.videos, counted[0].videos) and np.array_equal(one.groups, counted[0].groups)
        ):
            raise ValueError("the models were tested on different videos: they cannot be paired")
    return counted
