"""Predicates on tables of results that others published: one row per model and task, a score, and what may not be compared.

A table is a CSV with the columns ``model``, ``task`` and ``value`` (a fraction). Single rows have no interval of their own; where a
task's number of test videos is told, shares are compared as of independent samples, which is conservative for shares of the same videos.
"""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from muybridge.core.seeding import rng
from muybridge.measure.diversity.association import (
    ALPHA,
    Association,
    least_p,
    rank_correlation,
    two_shares,
    wilson,
)

CALLED = ("supported", "refuted", "undetermined", "not comparable", "not testable")


@dataclass(frozen=True)
class Line:
    """One number behind a verdict."""

    words: str
    says: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Outcome:
    """A verdict with what it rests on.

    Attributes:
        effect: what was estimated, named by ``effect_name``; None where nothing was.
        n: units behind it, of ``n_unit``.
        runs: signatures of runs of ours.
        data: hash or fingerprint by data set or table.
    """

    verdict: str
    reason: str
    effect: float | None = None
    effect_name: str = ""
    ci: tuple[float, float] | None = None
    n: int | None = None
    n_unit: str = ""
    p: float | None = None
    p_adj: float | None = None
    lines: Sequence[Line] = ()
    runs: Sequence[str] = ()
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """A table of results.

    Attributes:
        values: by model and task.
        facts: further columns of a model: family, duplicate of, trained on.
        sha256: of its bytes.
    """

    name: str
    values: Mapping[tuple[str, str], float]
    facts: Mapping[str, Mapping[str, str]]
    sha256: str

    @classmethod
    def read(cls, name: str, content: bytes) -> "Results":
        """A table from its bytes.

        Raises:
            ValueError: a column is missing or a value is no number.
        """
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
        if not rows or not {"model", "task", "value"} <= set(rows[0]):
            raise ValueError(f"{name}: wanted the columns model, task and value")
        values = {(row["model"], row["task"]): float(row["value"]) for row in rows}
        facts = {
            row["model"]: {
                key: str(value or "") for key, value in row.items() if key not in ("task", "value")
            }
            for row in rows
        }
        return cls(name, values, facts, hashlib.sha256(content).hexdigest())

    def of(self, task: str) -> dict[str, float]:
        """Values of a task by model."""
        return {model: value for (model, other), value in sorted(self.values.items()) if other == task}

    @property
    def data(self) -> dict[str, str]:
        """Its name and hash."""
        return {self.name: self.sha256}


def correlated(
    results: Results,
    x: str,
    y: str,
    strata: str = "",
    direction: str = "rising",
    covariates: Sequence[str] = (),
) -> Outcome:
    """Scores of two tasks go together over models. With strata the verdict is of the correlation within them; covariates are further tasks.

    Where the pooled correlation says otherwise, the claim as worded (over all models) is undetermined: confounded by the strata.
    """
    a, b = results.of(x), results.of(y)
    others = [results.of(one) for one in covariates]
    models = sorted(one for one in set(a) & set(b) if all(one in held for held in others))
    xs, ys = (np.array([side[one] for one in models]) for side in (a, b))
    sign = 1 if direction == "rising" else -1
    held = np.array([[one[model] for one in others] for model in models]) if others else None
    pooled = rank_correlation(xs, ys, rng(0, "table", x, y), covariates=held)
    lines = [_line(f"pooled over {len(models)} models", pooled, sign)]
    if not strata:
        return _associated(results, pooled, sign, "permutation test over models", lines)
    groups = [results.facts[one].get(strata, "") for one in models]
    within = rank_correlation(xs, ys, rng(0, "table", x, y, strata), groups, held)
    lines.append(_line(f"within {strata}", within, sign))
    for name in sorted(set(groups)):
        own = np.array([one == name for one in groups])
        part = rank_correlation(xs[own], ys[own], rng(0, "table", x, y, name))
        lines.append(_line(f"{strata} {name}", part, sign))
    apart = (pooled.p <= ALPHA) != (within.p <= ALPHA) or pooled.rho * within.rho < 0
    if not apart:
        return _associated(results, within, sign, f"within {strata} as pooled", lines)
    both = f"pooled rho {pooled.rho:+.2f} and within {strata} {within.rho:+.2f} say different things"
    reason = f"confounded by {strata}: {both}; a number over all models must not stand alone"
    return replace(_associated(results, pooled, sign, reason, lines), verdict="undetermined")


def _associated(results: Results, one: Association, sign: int, reason: str, lines: Sequence[Line]) -> Outcome:
    return Outcome(
        _stands(one.p, one.rho * sign), reason, one.rho, "Spearman's rho", (one.low, one.high), one.n, "models", one.p,
        one.p, lines, data=results.data
    )  # fmt: skip


def _line(words: str, one: Association, sign: int) -> Line:
    says = {"supported": "for", "refuted": "against"}.get(_stands(one.p, one.rho * sign), "open")
    return Line(words, says, one.rho, one.low, one.high, one.p, one.n)


def _stands(p: float, effect: float) -> str:
    return "undetermined" if not p <= ALPHA else "supported" if effect > 0 else "refuted"


def above(results: Results, task: str, better: str, worse: str, n: int) -> Outcome:
    """One model is above another on a task of ``n`` test videos; unpaired, since rows by video are not published."""
    value, low, high, p = two_shares(results.values[better, task], n, results.values[worse, task], n)
    lines = [
        Line(f"{one}", "open", results.values[one, task], *wilson(results.values[one, task], n), n=n)
        for one in (better, worse)
    ]
    return Outcome(
        _stands(p, value),
        "unpaired: answers by video are not published",
        value,
        "difference of accuracies",
        (low, high),
        n,
        "test videos of each",
        p,
        p,
        lines,
        data=results.data,
    )


def same_values(
    results: Results, groups: Sequence[Sequence[str]], tasks: Sequence[str], tolerance: float = 1e-9
) -> Outcome:
    """Entries of a leaderboard that hold the same numbers, up to a tolerance: one model listed again."""
    lines = []
    for group in groups:
        for other in group[1:]:
            shared = [
                task
                for task in tasks
                if (group[0], task) in results.values and (other, task) in results.values
            ]
            gap = max(
                (abs(results.values[group[0], task] - results.values[other, task]) for task in shared),
                default=np.inf,
            )
            same = bool(shared) and gap <= tolerance
            lines.append(
                Line(
                    f"{group[0]} and {other}, {len(shared)} tasks",
                    "for" if same else "against",
                    float(gap),
                    n=len(shared),
                )
            )
    verdict = "supported" if all(one.says == "for" for one in lines) else "refuted"
    worst = max(one.effect or 0.0 for one in lines)
    return Outcome(
        verdict,
        "numbers are compared, not estimated",
        worst,
        "largest difference",
        n=len(lines),
        n_unit="pairs of entries",
        lines=lines,
        data=results.data,
    )


def reference(
    results: Results,
    model: str,
    task: str,
    value: float,
    ours: Mapping[str, str],
    theirs: Mapping[str, str],
    n: int,
) -> Outcome:
    """A published number against a row of the table: only where the two protocols agree."""
    have = results.values[model, task]
    differing = [
        f"{key}: {ours.get(key, 'not told')} / {theirs.get(key, 'not told')}"
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]
    low, high = wilson(have, n)
    line = Line(f"{model} on {task}", "open", have, low, high, n=n)
    told: dict[str, Any] = {
        "effect": value - have,
        "effect_name": "published less table",
        "n": n,
        "n_unit": "test videos",
        "lines": [line],
        "data": results.data,
    }
    if differing:
        return Outcome("not comparable", "protocols differ in " + "; ".join(differing), **told)
    return Outcome("supported" if low <= value <= high else "refuted", "same protocol", **told)


def every_equal(results: Results, setting: str, value: float, scope: str = "") -> Outcome:
    """Every model of a table has one value of a setting: a protocol as its release has it; ``scope`` says what is judged."""
    found = results.of(setting)
    lines = [
        Line(f"{setting} {have:g} for {model}", "for" if have == value else "against")
        for model, have in found.items()
    ]
    wrong = [one for one in lines if one.says == "against"]
    reason = f"{len(wrong)} of {len(lines)} models differ" if wrong else f"all {len(lines)} models"
    reason += f" (judged: {scope})" if scope else ""
    verdict = "not testable" if not lines else "refuted" if wrong else "supported"
    return Outcome(
        verdict, reason, None, n=len(lines), n_unit="models of the release", lines=lines, data=results.data
    )


def enough_units(sizes: Sequence[int], alpha: float = 0.05) -> Outcome:
    """Whether a comparison of two groups of units can reach a level at all; if not, no gap between them decides."""
    least = least_p(sizes)
    reason = f"{sizes[0]} of {sum(sizes)} units: the smallest exact one-sided p is {least:.3f}"
    words = f"{reason}, above {alpha:g}" if least > alpha else f"{reason}; results by unit are not at hand"
    return Outcome(
        "undetermined",
        words,
        n=sum(sizes),
        n_unit="models",
        p=None,
        lines=[Line("smallest p that can be reached", "open", least, n=sum(sizes))],
    )


def unequal_conditions(
    first: Mapping[str, float], second: Mapping[str, float], what: str, unit: str
) -> Outcome:
    """A comparison of two conditions is one of strengths too where they are not equally strong at each severity."""
    lines = [Line(f"severity {key}: {first[key]:g} and {second[key]:g} {unit}", "open") for key in first]
    equal = all(first[key] == second[key] for key in first)
    reason = f"{what} differs at {sum(first[k] != second[k] for k in first)} of {len(first)} severities"
    return Outcome(
        "undetermined" if equal else "not comparable", reason, n=len(first), n_unit="severities", lines=lines
    )
