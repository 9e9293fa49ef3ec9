"""Accuracy under perturbation: what is kept, what hurts, how it falls with severity."""

from collections.abc import Iterator, Sequence

from muybridge.report.figures.figure_files import Figure
from muybridge.report.figures.heat import accuracy_map, fall_map
from muybridge.report.figures.paper_figures import arms_in_tasks, panels
from muybridge.report.figures.robust_charts import scatter, severity_panels
from muybridge.report.formats.tidy import Row, comparison_rows, noise_rows, robustness_rows
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.robust import Perturbed
from muybridge.report.sections.experiments import DISTURBED, perturbed_experiments
from muybridge.report.sections.findings import robust_words
from muybridge.report.sections.first_screen import robust_answers, robust_tasks
from muybridge.report.sections.page_blocks import (
    Bare,
    Block,
    Fold,
    Grid,
    Heading,
    Note,
    Panels,
    folded,
    legend,
)
from muybridge.report.sections.section import Finding, Section
from muybridge.report.tables.accuracy_tables import arm_index
from muybridge.report.tables.robust_tables import robustness_tables, slug_of
from muybridge.report.tables.table import capital

SEEN = 2
"""Tables behind the main one that are open at once."""


def shows(gathered: Gathered) -> Sequence[Block]:
    """One heading per experiment."""
    found = perturbed_experiments(gathered)
    return [block for one in found for block in _experiment(one, gathered)]


def _experiment(one: Perturbed, gathered: Gathered) -> Sequence[Block]:
    main, *others = robustness_tables(one, gathered)
    arms = list(one.arms.values())
    return [
        Heading(capital(one.scored.experiment.name)),
        Bare(main),
        *_curves(one, gathered),
        Heading("Fall under each perturbation", 4),
        Grid([fall_map(one, arm) for arm in arms]),
        Fold(
            "Accuracy under each perturbation, with intervals",
            [Grid([accuracy_map(one, arm) for arm in arms])],
        ),
        *(folded(table, place < SEEN) for place, table in enumerate(others)),
    ]


def _curves(one: Perturbed, gathered: Gathered) -> Iterator[Block]:
    """Accuracy by severity, and clean against perturbed; empty where one severity was measured."""
    curves, pairs = severity_panels(one, gathered), scatter(one, gathered)
    if curves:
        words = "Mean over the types of a category; bands are 95 % intervals. The dashed line is chance."
        words += " Last panel: on the dotted line nothing would be lost." if pairs else ""
        yield from (Heading("Accuracy by severity", 4), Note(words))
        yield legend(gathered, one.arms)
        yield Panels([*curves, *([pairs] if pairs else [])])


def findings(gathered: Gathered) -> list[Finding]:
    """How robust each arm is, by experiment."""
    found = perturbed_experiments(gathered)
    return [Finding(f"{capital(one.scored.experiment.name)}, perturbed", robust_words(one)) for one in found]


def _comparisons(gathered: Gathered) -> Iterator[Row]:
    return comparison_rows([], perturbed_experiments(gathered))


def figures(gathered: Gathered) -> list[Figure]:
    """Arms under perturbation, and accuracy by severity, one figure for each experiment."""
    found = perturbed_experiments(gathered)
    tasks = [(one.name, one.chance, one.drawn) for one in robust_tasks(found, gathered)]
    drawn = arms_in_tasks("robustness", tasks, "Every arm under perturbation, mean over types and severities")
    for one in found:
        arms = [(name, arm_index(name, gathered)) for name in one.arms]
        about = (
            f"{capital(one.scored.experiment.name)}: accuracy in percent by severity (0: clean), mean over the types of each category; "
            "bands are 95 % intervals of Student's t over source groups and training seeds; dotted: chance."
        )
        drawn += panels(slug_of(one, "severity"), severity_panels(one, gathered), arms, about)
    return drawn


ROBUSTNESS = Section(
    "robustness",
    "Robustness",
    shows,
    DISTURBED,
    figures=figures,
    findings=findings,
    answers=lambda gathered: robust_answers(perturbed_experiments(gathered)),
    tasks=lambda gathered: robust_tasks(perturbed_experiments(gathered), gathered),
    rows={
        "comparisons": _comparisons,
        "robustness": lambda gathered: robustness_rows(perturbed_experiments(gathered)),
        "noise_seeds": lambda gathered: noise_rows(perturbed_experiments(gathered)),
    },
)
