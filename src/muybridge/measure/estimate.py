"""An estimate: a number, what other test videos would make of it, and what other training seeds would.

Two things move a number and are counted apart. *Test videos*: whole source groups (subjects, scenes; single videos
where none are known) are redrawn with replacement, the same draw for every model and condition, which pairs all
comparisons (Field and Welsh, Bootstrapping clustered data, J. R. Stat. Soc. B 69(3), 2007); the variance over
redraws, times ``groups / (groups - 1)`` because the bootstrap divides by the number of groups, has ``groups - 1``
degrees of freedom. *Training seeds*: the variance of the mean over the seeds of an arm, from their own spread
(Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021, arXiv 2103.03098), with
``seeds - 1`` degrees of freedom; of a score that is no mean, by the jackknife (Efron and Stein, Ann. Stat. 9(3),
1981). Both are added, and the interval is that of Student's t with the degrees of freedom of Satterthwaite
(Biometrics Bull. 2(6), 1946). What a seed does to single videos is in both parts, which makes the interval wider than
it need be where seeds hardly differ (Owen, The pigeonhole bootstrap, Ann. Appl. Stat. 1(2), 2007, arXiv 0712.1111).

Where a seed moves several arms alike, since it draws which videos have labels for all of them, arms are paired seed by
seed (``BLOCKS``): what is alike falls out of their differences. Seeds are few then and their part is large, and
Satterthwaite's degrees of freedom are guessed from the very variances whose luck they should cover (13 % false alarms
with two seeds): each part has the quantile of its own degrees of freedom instead, and the margins are added in squares
(Howe, Approximate confidence limits on the mean of X + Y, J. Am. Stat. Assoc. 69, 1974).

A percentile bootstrap over both, which stood here before, calls arms of equal truth different in 13 % of cases with
three seeds whose true accuracies differ by 10 points (SD), and in 7.5 % with eight groups. How often this one does is
in docs/statistics.md, made by ``python tests/measure/levels.py``.

With one seed the second part is unknown. The interval is then that of *this network*, and says nothing of the way it
was trained.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float64

LEVEL = 0.95
FEW_GROUPS = 8
FEW_SEEDS = 5
BLOCKS = "seeds "
"""Begins the names of deviations that arms share: their numbers are paired seed by seed."""


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval.

    Attributes:
        value: the number itself, not the mean of the redraws.
        low: lower bound; NaN where there is no interval.
        high: upper bound.
        groups: how many source groups stand behind it.
        seeds: how many training seeds; the fewest of any arm in it.
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
        if self.groups == 1:
            words.append("one source group: no interval, since nothing tells how another would differ")
        elif self.groups < FEW_GROUPS:
            words.append(f"only {self.groups} source groups: how much groups matter is known roughly")
        if 1 < self.seeds < FEW_SEEDS:
            words.append(f"only {self.seeds} seeds: how much seeds matter is known roughly")
        return "; ".join(words)


@dataclass(frozen=True)
class Estimate:
    """A number, its redraws over source groups, and how it hangs on single training seeds.

    Attributes:
        value: on the data as they are, mean over seeds.
        redrawn: the same number on redrawn groups, with the seeds as they are.
        groups: how many groups were redrawn.
        seeds: the fewest training seeds of any arm in it.
        deviations: by arm, how far each of its seeds pulls the number from its mean: jackknife pseudo-values less
            their mean. Arms with one seed are left out. Numbers of one arm are paired seed by seed; so are those
            of arms under one name that begins with ``BLOCKS``.
    """

    value: float
    redrawn: Float64[np.ndarray, "r"]
    groups: int
    seeds: int = 1
    deviations: Mapping[str, Float64[np.ndarray, "s"]] = field(default_factory=dict)

    def __sub__(self, other: "Estimate") -> "Estimate":
        return combined([self, other], [1.0, -1.0])

    def above(self, constant: float) -> "Estimate":
        """The number less a constant that nothing moves, such as chance."""
        return Estimate(
            self.value - constant, self.redrawn - constant, self.groups, self.seeds, self.deviations
        )

    @cached_property
    def _parts(self) -> list[tuple[float, int]]:
        """Variance and degrees of freedom of each part; none with one group."""
        if self.groups < 2:
            return []
        by_group = float(np.var(self.redrawn)) * self.groups / (self.groups - 1)
        seeds = [
            (float(one @ one) / (len(one) - 1) / len(one), len(one) - 1) for one in self.deviations.values()
        ]
        return [(by_group, self.groups - 1), *seeds]

    @cached_property
    def error(self) -> float:
        """Standard error; NaN with one group, or where a redrawn test set leaves the number undefined."""
        return math.sqrt(sum(variance for variance, _ in self._parts)) if self._parts else math.nan

    @cached_property
    def freedom(self) -> float:
        """Degrees of freedom of the error; NaN where it is 0 or undefined."""
        whole = sum(variance**2 / freedom for variance, freedom in self._parts)
        return self.error**4 / whole if whole > 0 else math.nan

    def interval(self, of_accuracy: bool = False) -> Interval:
        """The 95 % interval.

        Args:
            of_accuracy: the number is an accuracy, a share of videos: bounds come from the scale of log odds and so stay
                within [0, 1]. At exactly 0 and 1 no redraw says anything; then the exact binomial bound takes over,
                with groups as trials (Clopper and Pearson, Biometrika 26, 1934).
        """
        if math.isnan(self.value) or math.isnan(self.error):
            return Interval(self.value, math.nan, math.nan, self.groups, self.seeds)
        if of_accuracy and self.value in (0, 1):
            low, high = (0.0, self._reach) if self.value == 0 else (1 - self._reach, 1.0)
        elif of_accuracy and self.error > 0:
            low, high = _log_odds_bounds(self.value, self._margin)
        else:
            low, high = self.value - self._margin, self.value + self._margin
        if of_accuracy:
            low, high = max(low, 0.0), min(high, 1.0)
        return Interval(self.value, low, high, self.groups, self.seeds)

    @property
    def p(self) -> float:
        """Two-sided p-value of "the number is zero", in (0, 1]; 1 without an interval.

        Never below ``2 ** (1 - groups)``: no exact sign-flip test over so few groups can be surer (Cameron, Gelbach and
        Miller, Rev. Econ. Stat. 90(3), 2008). Hence fewer than six groups never separate anything at 5 %.
        """
        if math.isnan(self.value) or math.isnan(self.error) or self.value == 0:
            return 1.0
        tail = self._tail(abs(self.value)) if self.error > 0 else 0.0
        return min(1.0, max(tail, 2.0 ** (1 - self.groups)))

    def within(self, smallest: float) -> float:
        """p-value of "it is at least so far from zero" by two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987).

        Args:
            smallest: distance from zero that would matter; above 0.

        Raises:
            ValueError: it is not above 0.
        """
        if smallest <= 0:
            raise ValueError(f"the smallest effect that matters must be above 0, got {smallest}")
        if not (math.isfinite(self.value) and self.error > 0):
            return 1.0
        inside = smallest - abs(self.value)
        half = self._tail(abs(inside)) / 2
        return half if inside > 0 else 1 - half

    @property
    def _reach(self) -> float:
        """Share of groups that may differ although none of those seen does: the exact binomial bound."""
        return float(1 - ((1 - LEVEL) / 2) ** (1 / self.groups))

    @cached_property
    def _margin(self) -> float:
        """Half width. Where no redraw moves the number, what groups that were not seen may do stands in."""
        return self._reach if self.error == 0 else self._half_width(1 - LEVEL)

    @property
    def _blocked(self) -> bool:
        return any(name.startswith(BLOCKS) for name in self.deviations)

    def _half_width(self, alpha: float) -> float:
        """Distance from the number beyond which alpha lies: of blocks the margins of the parts, added in squares."""
        from scipy.special import stdtrit

        parts = [(self.error, self.freedom)]
        if self._blocked:
            parts = [(math.sqrt(variance), freedom) for variance, freedom in self._parts]
        margins = [float(stdtrit(freedom, 1 - alpha / 2)) * error for error, freedom in parts]
        return math.hypot(*margins)

    def _tail(self, distance: float) -> float:
        """The alpha whose half width is a distance."""
        if not self._blocked:
            from scipy.special import stdtr

            return 2 * float(stdtr(self.freedom, -distance / self.error))
        from scipy.optimize import brentq

        least = 1e-15
        if self._half_width(least) < distance:
            return least
        return float(
            brentq(lambda alpha: self._half_width(alpha) - distance, least, 1.0, xtol=1e-15, rtol=1e-6)
        )


def combined(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """A weighted sum of estimates on the same redraws; arms that are in several of them are paired seed by seed.

    Raises:
        ValueError: none, or not as many weights as estimates.
    """
    if not estimates or len(estimates) != len(weights):
        raise ValueError(f"wanted estimates and as many weights, got {len(estimates)} and {len(weights)}")
    pairs = list(zip(estimates, weights, strict=True))
    deviations: dict[str, Float64[np.ndarray, "s"]] = {}
    for one, weight in pairs:
        for arm, own in one.deviations.items():
            # Arms of one name with unlike numbers of seeds cannot be paired: they count as independent.
            paired = arm not in deviations or len(deviations[arm]) == len(own)
            key = arm if paired else f"{arm}, {len(own)} seeds"
            deviations[key] = deviations.get(key, np.zeros(len(own))) + weight * own
    return Estimate(
        sum(weight * one.value for one, weight in pairs),
        np.sum([weight * one.redrawn for one, weight in pairs], axis=0),
        min(one.groups for one in estimates),
        min(one.seeds for one in estimates),
        deviations,
    )


def mean_over_seeds(
    values: Float64[np.ndarray, "s"], redrawn: Float64[np.ndarray, "r s"], groups: int, arm: str = ""
) -> Estimate:
    """The mean of one number over the training seeds of an arm.

    Args:
        values: of each seed.
        redrawn: of each seed, all on the same redrawn groups.
        groups: how many groups were redrawn.
        arm: pairs it with other numbers of the same seeds.
    """
    deviations = {arm: values - values.mean()} if len(values) > 1 else {}
    return Estimate(float(values.mean()), redrawn.mean(axis=1), groups, len(values), deviations)


def pseudo_deviations(whole: float, without: Sequence[float]) -> Float64[np.ndarray, "s"]:
    """Jackknife pseudo-values less their mean; of a mean they are the values of the seeds less theirs.

    Args:
        whole: the number with all seeds.
        without: the number with each seed left out in turn.
    """
    pseudo = len(without) * whole - (len(without) - 1) * np.asarray(without, np.float64)
    result: np.ndarray = pseudo - pseudo.mean()
    return result


def _log_odds_bounds(share: float, margin: float) -> tuple[float, float]:
    """Bounds of a share: the margin is carried over to log odds, where shares have no ends, and back."""
    reach = margin / (share * (1 - share))
    odds = math.log(share / (1 - share))
    low, high = (1 / (1 + math.exp(-max(-700.0, min(700.0, odds + side)))) for side in (-reach, reach))
    return low, high
