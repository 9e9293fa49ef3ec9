"""Formulas as claims: the formula in a sentence against a metric of ours, for random values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from muybridge.core.errors import UsageError
from muybridge.core.text.formulas import Formula, agree, formulas
from muybridge.measure.robustness import robustness_scores
from muybridge.report.claims.verdicts import Evidence, Test, World
from muybridge.report.scores.score import Comparison


@dataclass(frozen=True)
class Metric:
    """A metric of ours.

    Attributes:
        function: of ``c``, the clean accuracy, and ``p``, that under perturbation.
        over: range that both are drawn from.
    """

    function: Callable[..., float]
    over: tuple[float, float]


METRICS: Mapping[str, Metric] = {
    "absolute robustness": Metric(lambda c, p: float(robustness_scores.absolute(c, p)), (0.0, 1.0)),
    "absolute robustness of percent": Metric(
        lambda c, p: float(robustness_scores.absolute(c / 100, p / 100)), (0.0, 100.0)
    ),
    "relative robustness": Metric(lambda c, p: float(robustness_scores.relative(c, p)), (0.0, 1.0)),
    "relative robustness of percent": Metric(
        lambda c, p: float(robustness_scores.relative(c / 100, p / 100)), (0.0, 100.0)
    ),
}
"""By the name that a claim gives. Code of others is never named: a ledger from elsewhere runs nothing."""


@dataclass(frozen=True)
class FormulaHolds:
    """The formula in a text gives what a metric of ours gives.

    Attributes:
        text: holds the formula, plain or in LaTeX.
        metric: name in ``METRICS``.
    """

    words: str
    text: str
    metric: str

    def tests(self, world: World) -> tuple[list[Test], list[str]]:
        """None: it is computed, not estimated."""
        return [], [] if formulas(self.text) else ["no formula that can be read"]

    def weigh(self, world: World, found: list[tuple[Test, Comparison]]) -> list[Evidence]:
        """One line per formula."""
        return [_line(one, self.metric) for one in formulas(self.text)]


def metric_of(name: str) -> Metric:
    """A metric by name.

    Raises:
        UsageError: no such metric.
    """
    if name not in METRICS:
        raise UsageError(f"no metric {name!r}. Known: {', '.join(METRICS)}.")
    return METRICS[name]


def _line(one: Formula, name: str) -> Evidence:
    metric = metric_of(name)
    if set(one.variables) != {"c", "p"}:
        told = ", ".join(one.variables)
        return Evidence(
            f"{one.text}: its variables ({told}) are not a clean and a perturbed accuracy", "open"
        )
    holds, worst, trials = agree(one, metric.function, one.variables, metric.over)
    words = f"{one.text}: largest difference from {name} {worst:.1e} over {trials} random pairs"
    return Evidence(words, "for" if holds else "against")
