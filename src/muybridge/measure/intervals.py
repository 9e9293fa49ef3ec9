"""Right answers counted by source group, test sets redrawn from them, and what follows: intervals, differences, corrections.

How far a number would move with other test videos and other training seeds is in ``measure.estimate``; here is what goes
into it. Whole groups are drawn, the same draw for every model and condition, which pairs all comparisons.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64, Integer, Shaped

from muybridge.core.seeding import rng
from muybridge.measure.accuracy import video_level
from muybridge.measure.estimate import FEW_GROUPS, LEVEL, Estimate, Interval, mean_over_seeds
from muybridge.runs.contents.predictions import Decisions, Predictions

REPLICATES = 10_000
KEPT = 2**25
"""Drawn numbers of groups that are kept in memory, in bytes or double bytes; UCF101's 2,500 clips fit in."""
READY = 2**24
"""As many that are kept as floats of four bytes, of the last two numbers of groups."""
SINGLE = 2**24
"""Whole numbers below it are exact in single precision."""

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

    @classmethod
    def of(cls, names: tuple[str, str], estimate: Estimate) -> "Difference":
        """A difference from its estimate."""
        return cls(*names, estimate.interval(), estimate.p)


def outcomes(rows: Predictions) -> Outcomes:
    """Count right answers of one model (all folds, one seed) by group and condition; views averaged first.

    Raises:
        ValueError: no rows.
    """
    rows = video_level(rows)
    return tally(rows, rows.correct)


def outcomes_of(pieces: Iterable[Predictions]) -> Outcomes:
    """As ``outcomes`` of all rows together, of which no more than a piece is in memory; pieces part no video.

    Raises:
        ValueError: no rows.
    """
    counted = [outcomes(rows) for rows in pieces if len(rows)]
    if len(counted) == 1:
        return counted[0]
    if not counted:
        raise ValueError("no prediction rows: outcomes of nothing are undefined")
    groups, videos = (
        np.unique(np.concatenate([getattr(one, name) for one in counted])) for name in ("groups", "videos")
    )
    conditions = tuple(sorted({condition for one in counted for condition in one.conditions}))
    column = {condition: place for place, condition in enumerate(conditions)}
    right, total = (np.zeros((len(groups), len(conditions))) for _ in range(2))
    for one in counted:
        columns = np.array([column[condition] for condition in one.conditions])
        at = np.ix_(np.searchsorted(groups, one.groups), columns)
        right[at] += one.right
        total[at] += one.total
    return Outcomes(groups, videos, conditions, right, total)


def tally(rows: Decisions, marked: Shaped[np.ndarray, "n"]) -> Outcomes:
    """Count marked rows by group and condition.

    Args:
        rows: one per video and condition.
        marked: what is counted as ``right``: bool, or shares of 0 to 1.
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
    alike = bool((total == total[:, :1]).all())  # one sum serves all columns
    asked = total[:, :1] if alike else total
    kind = np.float32 if _whole(right) and _whole(asked) else np.float64
    right, once = right.astype(kind), bool((asked == asked[0]).all())
    parts = []
    for counts in _multiplicities(len(right), replicates, seed, kind):
        # A draw has as many groups as there are: where all of them count alike, so does every draw.
        whole = asked[:1] * len(right) if once else (counts @ asked.astype(kind)).astype(np.float64)
        with np.errstate(invalid="ignore"):
            parts.append((counts @ right).astype(np.float64) / whole)
    return np.concatenate(parts)


def _whole(marks: Float64[np.ndarray, "g c"]) -> bool:
    """Whether sums of redrawn marks are exact in single precision: whole numbers that stay below its 24 bits."""
    return bool(marks.max(initial=0) * len(marks) < SINGLE and (marks == np.floor(marks)).all())


def spread(values: Sequence[float]) -> float:
    """Standard deviation (n - 1) of one number over repeats that differ in a seed only; NaN for fewer than two.

    For seeds of the perturbations' noise: they are told apart from the choice of videos, which the intervals hold.
    """
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def accuracy_estimate(
    seeds: Sequence[Predictions], arm: str = "", replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Accuracy of one arm, mean over its seeds.

    Args:
        seeds: the rows of each seed (folds concatenated), all under one condition and on the same groups.
        arm: pairs it with other numbers of the same seeds.
        replicates: how many redrawn test sets.
        seed: of the redraws.

    Raises:
        ValueError: no rows, several conditions, or seeds tested on different videos.
    """
    return _estimate(_one_condition(seeds), arm, replicates, seed)


def accuracy_interval(
    seeds: Sequence[Predictions], arm: str = "", replicates: int = REPLICATES, seed: int = 0
) -> Interval:
    """The interval of ``accuracy_estimate``, with its arguments and errors."""
    return accuracy_estimate(seeds, arm, replicates, seed).interval(of_accuracy=True)


def difference(
    a: Sequence[Predictions],
    b: Sequence[Predictions],
    names: tuple[str, str] = ("a", "b"),
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Difference:
    """Accuracy of arm ``a`` minus that of arm ``b``, paired on the same videos.

    Raises:
        ValueError: as ``accuracy_estimate``, or the arms were tested on different videos.
    """
    counted = _one_condition([*a, *b])
    first, second = counted[: len(a)], counted[len(a) :]
    return Difference.of(
        names, _estimate(first, names[0], replicates, seed) - _estimate(second, names[1], replicates, seed)
    )


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


def _multiplicities(groups: int, replicates: int, seed: int, kind: type[np.floating]) -> Iterable[np.ndarray]:
    """How often each group is drawn in each replicate, in blocks of some 4 million numbers; kept where small, being asked for often."""
    if kind is np.float32 and groups * replicates <= READY:
        return _ready_counts(groups, replicates, seed)
    small = groups * replicates <= KEPT
    return (block.astype(kind) for block in (_kept_counts if small else _counts)(groups, replicates, seed))


@lru_cache(2)
def _ready_counts(groups: int, replicates: int, seed: int) -> list[Float32[np.ndarray, "r g"]]:
    """The same as floats, ready to be multiplied: turning them costs as much as the product."""
    return [block.astype(np.float32) for block in _kept_counts(groups, replicates, seed)]


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


def _estimate(counted: Sequence[Outcomes], arm: str, replicates: int, seed: int) -> Estimate:
    right, total = (
        np.concatenate([getattr(one, name) for one in counted], axis=1) for name in ("right", "total")
    )
    values = np.array([one.accuracy[0] for one in counted])
    return mean_over_seeds(
        values, resample_groups(right, total, replicates, seed), len(counted[0].groups), arm
    )


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
