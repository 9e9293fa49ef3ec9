"""Does diversity of losses go with robustness: the evidence of a study, adjusted one way and another, and one word for it.

The unit is a set of losses, seeds averaged: seeds and test conditions counted as units would make every p too small. Sets overlap, so a
loss that is good and unlike the others makes diversity look good: correlations are partial ones given which losses a set holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from muybridge.measure.diversity.association import ALPHA, Association, rank_correlation
from muybridge.measure.intervals import holm

SESOI = 0.2
"""Smallest rank correlation that matters."""
FEWEST = 12
"""Sets below which nothing is decided."""
Word = Literal["supported", "refuted", "undetermined"]
Answer = Literal["yes", "no", "not tested"]
Values = Float64[np.ndarray, "n"]
NOTHING = Association(math.nan, math.nan, math.nan, 1.0, 0)


@dataclass(frozen=True)
class Sets:
    """What is known of the sets of one combiner and backbone.

    Attributes:
        ids: of the sets.
        membership: 1 where a set holds a loss.
        numbers: by name (``D3norm``, ``R_pres``, ``clean``), one of every set; NaN where it is missing or undefined.
    """

    ids: Sequence[str]
    membership: Float64[np.ndarray, "n l"]
    numbers: Mapping[str, Values]

    def partial(
        self, x: str, y: str, generator: np.random.Generator, members: bool = True, covariates: Sequence[str] = ()
    ) -> Association:  # fmt: skip
        """Rank correlation of two numbers over the sets that have both and all covariates.

        Args:
            x: name of one.
            y: of the other.
            generator: of permutations and redraws.
            members: whether it is given which losses a set holds.
            covariates: further numbers held fixed; what does not differ between sets is left out.
        """
        wanted = [self.numbers[name] for name in (x, y, *covariates)]
        kept = np.isfinite(wanted).all(0)
        columns = [one[kept] for one in wanted[2:]]
        if members:
            columns += list(self.membership[kept].T)
        columns = [column for column in columns if len(column) and np.ptp(column) > 0]
        held = np.stack(columns, axis=1) if columns else None
        if held is not None and kept.sum() - np.linalg.matrix_rank(held - held.mean(0)) < 4:
            return replace(NOTHING, n=int(kept.sum()))
        held = _independent(held)
        return rank_correlation(wanted[0][kept], wanted[1][kept], generator, covariates=held)


def _independent(held: np.ndarray | None) -> np.ndarray | None:
    """Columns without those that the ones before tell: of sets of four, the last membership is known from the others."""
    if held is None:
        return None
    kept: list[int] = []
    centred = held - held.mean(0)
    for place in range(held.shape[1]):
        if np.linalg.matrix_rank(centred[:, [*kept, place]]) > len(kept):
            kept.append(place)
    return held[:, kept]


@dataclass(frozen=True)
class Evidence:
    """All that the verdict looks at. What was not run is ``NOTHING``.

    Attributes:
        primary: diversity against robustness given membership, over cells that no loss has shown in training.
        second: the same on a second backbone.
        placebo: on sets of losses that have nothing to teach.
        every_cell: as ``primary``, over all cells, those that a loss has shown among them.
        plain: without any adjustment.
        accuracy: given membership and clean accuracy.
        combiner: diversity against what the learned combiner gains over the sum, on the same sets.
        only_views: with robustness of sets whose views alone were shown.
        altering: diversity against the response to perturbations that alter the label; large is good.
        naive: with diversity from single batches.
        secondary: other measures of diversity against robustness, by name.
        outside: what was not registered and decides nothing, by words.
        worst: as ``primary``, sets without robustness taken for the least robust; ``NOTHING`` where none lack it.
        best: the same, taken for the most robust.
    """

    primary: Association
    second: Association = NOTHING
    placebo: Association = NOTHING
    every_cell: Association = NOTHING
    plain: Association = NOTHING
    accuracy: Association = NOTHING
    combiner: Association = NOTHING
    only_views: Association = NOTHING
    altering: Association = NOTHING
    naive: Association = NOTHING
    secondary: Mapping[str, Association] | None = None
    outside: Mapping[str, Association] = field(default_factory=dict)
    worst: Association = NOTHING
    best: Association = NOTHING

    def corrected(self) -> dict[str, float]:
        """Holm's p of the secondary measures."""
        others = self.secondary or {}
        return dict(zip(others, holm([one.p for one in others.values()]), strict=True)) if others else {}


@dataclass(frozen=True)
class Refuter:
    """Something that would take the answer away.

    Attributes:
        name: what it says.
        answer: whether it is so.
        seen: the number that says it.
    """

    name: str
    answer: Answer
    seen: Association


@dataclass(frozen=True)
class Verdict:
    """One word, why, and what was held against it.

    Attributes:
        word: supported, refuted or undetermined.
        reasons: what it hangs on, a sentence each.
        refuters: all of them, tested or not.
    """

    word: Word
    reasons: tuple[str, ...]
    refuters: tuple[Refuter, ...]


def verdict(evidence: Evidence, sesoi: float = SESOI, alpha: float = ALPHA) -> Verdict:
    """The rule, fixed before the first run.

    *Supported*: the partial rank correlation is above zero by permutation and by its interval, has the same sign on a second backbone,
    and is larger than that of placebo sets. *Refuted*: the 90 % interval ends below the smallest effect that matters (a one-sided test of
    equivalence), or the 95 % interval below zero. Else *undetermined*, as with fewer than ``FEWEST`` sets.
    """
    found = evidence.primary
    refuters = _refuters(evidence, alpha)
    if found.n < FEWEST or math.isnan(found.rho) or math.isnan(found.low):
        return Verdict("undetermined", (f"{found.n} sets can be judged; wanted {FEWEST} or more",), refuters)
    if found.high < 0:
        return Verdict("refuted", ("robustness falls with diversity",), refuters)
    if found.high_90 < sesoi:
        return Verdict(
            "refuted", (f"no correlation of {sesoi:g} or more: the 90 % interval ends at {found.high_90:.2f}",), refuters
        )  # fmt: skip
    missing = _missing(evidence, alpha)
    if missing:
        return Verdict("undetermined", tuple(missing), refuters)
    return Verdict(
        "supported", ("robustness rises with diversity, on all counts that were fixed before",), refuters
    )


def _missing(evidence: Evidence, alpha: float) -> list[str]:
    """What "supported" lacks."""
    found, second, placebo = evidence.primary, evidence.second, evidence.placebo
    lacks = []
    if not (found.rho > 0 and found.p < alpha):
        lacks.append(f"the correlation is {found.rho:.2f} with p {found.p:.2g}, not above zero at {alpha:g}")
    if not found.low > 0:
        lacks.append(f"its 95 % interval begins at {found.low:.2f}")
    if math.isnan(second.rho):
        lacks.append("there is no second backbone")
    elif not second.rho > 0:
        lacks.append(f"on the second backbone it is {second.rho:.2f}")
    if math.isnan(placebo.rho):
        lacks.append("there are no placebo sets")
    elif not placebo.rho < found.rho:
        lacks.append(f"placebo sets show as much ({placebo.rho:.2f})")
    return lacks


def _refuters(evidence: Evidence, alpha: float) -> tuple[Refuter, ...]:
    """Each is "yes" where it speaks against the hypothesis."""
    found = evidence.primary
    whole = found.rho > 0 and found.p < alpha

    def says(name: str, seen: Association, against: bool) -> Refuter:
        return Refuter(name, "not tested" if math.isnan(seen.rho) else "yes" if against else "no", seen)

    plain, accuracy = evidence.plain, evidence.accuracy
    return (
        says("it is gone once it is known which losses a set holds", plain, _seen(plain, alpha) and not whole),
        says("it is gone at equal clean accuracy", accuracy, whole and not _seen(accuracy, alpha)),
        says("it is there only with perturbations that a loss has shown in training", evidence.every_cell,
             _seen(evidence.every_cell, alpha) and not whole),
        says("the learned combiner gains no more from diversity than the sum: it is not the combiner's", evidence.combiner,
             not _seen(evidence.combiner, alpha)),
        says("the views alone, shown under the labels, do the same", evidence.only_views, _seen(evidence.only_views, alpha)),
        says("it comes with blindness for time: the response to reversal falls", evidence.altering,
             evidence.altering.rho < 0 and evidence.altering.p < alpha),
        says("only diversity from single batches, which is noise, correlates", evidence.naive, _seen(evidence.naive, alpha) and not whole),
        says("sets of placebo losses show the same", evidence.placebo, _seen(evidence.placebo, alpha)),
    )  # fmt: skip


def _seen(found: Association, alpha: float) -> bool:
    return found.rho > 0 and found.p < alpha
