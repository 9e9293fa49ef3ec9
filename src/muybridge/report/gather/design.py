"""What an experiment on perturbed clips averages: its types by category, and what is kept out of the means and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from muybridge.core.label_changes import LabelMap
from muybridge.measure.intervals import CLEAN
from muybridge.measure.robustness.robustness_scores import (
    absolute,
    category_falls,
    category_means,
    chance_corrected,
    fall_slopes,
    gaps,
    grid,
    mean_over_categories,
    mean_over_types,
    relative,
    type_means,
)
from muybridge.report.gather.collect import Experiment
from muybridge.report.scores.score import Scored
from muybridge.report.scores.shares import Cells, Score


@dataclass(frozen=True)
class Design:
    """Types and severities of an experiment.

    Attributes:
        types: severities that any arm was tested under, by type; in the order of the categories.
        categories: category of each type; empty unless every type has one.
        changing: types that change a label on this data set, as the runs say.
        becomes: what each of their severities makes of the classes; of runs from before it was told nothing.
        seen: types that some arm was trained on, with those arms.
        chance: accuracy of guessing; NaN where the runs do not say.
        gaps: what each arm lacks of them, in any of its seeds.
    """

    types: dict[str, list[int]]
    categories: dict[str, str]
    changing: list[str]
    seen: dict[str, list[str]]
    chance: float
    becomes: LabelMap = field(default_factory=dict)
    gaps: Mapping[str, list[str]] = field(default_factory=dict)

    @cached_property
    def excluded(self) -> list[str]:
        """Types that are shown but are in no mean, of any arm: else the means of two arms would differ in kind."""
        return sorted({*self.changing, *self.seen} & set(self.types))

    @cached_property
    def kept(self) -> list[str]:
        """Types in the means."""
        return [name for name in self.types if name not in self.excluded]

    @cached_property
    def severities(self) -> list[int]:
        """All severities, sorted."""
        return sorted({severity for severities in self.types.values() for severity in severities})

    @cached_property
    def by_category(self) -> dict[str, list[str]]:
        """Types in the means by category, in order; all in one where categories are not known."""
        found: dict[str, list[str]] = {}
        for name in self.kept:
            found.setdefault(self.categories.get(name, "all perturbations"), []).append(name)
        return found

    def over_types(self, cells: Cells) -> np.ndarray:
        """Mean over severities, then types."""
        return mean_over_types(cells, self.types, self.excluded)

    def over_categories(self, cells: Cells) -> np.ndarray:
        """Mean over severities, types, then categories."""
        return mean_over_categories(cells, self.types, self.categories, self.excluded)

    def type_mean(self, name: str) -> Score:
        """Score: mean over the severities of one type."""
        return lambda cells: type_means(cells, {name: self.types[name]})[name]

    def category_mean(self, category: str) -> Score:
        """Score: mean over severities and the types of one category."""
        return lambda cells: category_means(cells, self.types, self.categories, self.excluded)[category]

    @cached_property
    def graded(self) -> list[str]:
        """Categories of which every type has two severities or more, so that a line goes through them."""
        return [
            category
            for category, types in self.by_category.items()
            if self.categories and all(len(self.types[name]) > 1 for name in types)
        ]

    def category_kept(self, category: str) -> Score:
        """Score: relative robustness, the mean accuracy of one category over the clean one."""
        return lambda cells: relative(cells[CLEAN], self.category_mean(category)(cells))

    def category_fall(self, category: str) -> Score:
        """Score: how much further the accuracy of one category falls with every severity, a share of videos."""
        return lambda cells: category_falls(cells, self.types, self.categories, self.excluded)[category]

    def named(self, words: str) -> dict[str, list[int]]:
        """Severities by type of categories and types, joined by ``+``: ``"noise+blur"``, ``"static_rotation"``.

        Of a category it has the types that are in the means; a type that is named is meant although it is in none. Empty where one of
        them is not there.
        """
        found: dict[str, list[int]] = {}
        for word in words.split("+"):
            types = self.by_category.get(word, []) if self.categories else []
            types = types or ([word] if word in self.types else [])
            if not types:
                return {}
            found |= {name: self.types[name] for name in types}
        return found

    def score_of(self, kind: str, words: str) -> Score | None:
        """A score of what ``named`` finds; None where it finds nothing or no line goes through it.

        Args:
            kind: ``mean`` (accuracy), ``relative`` (over the clean one), ``fall`` (clean less mean accuracy),
                ``relative_fall`` (that over the clean one) or ``slope`` (how much further accuracy falls with every severity); means are
                over severities, then types.
            words: as of ``named``.
        """
        types = self.named(words)
        if not types or (kind == "slope" and any(len(severities) < 2 for severities in types.values())):
            return None
        over: dict[str, Score] = {
            "mean": lambda cells: mean_over_types(cells, types),
            "relative": lambda cells: relative(cells[CLEAN], mean_over_types(cells, types)),
            "fall": lambda cells: cells[CLEAN] - mean_over_types(cells, types),
            "relative_fall": lambda cells: 1 - relative(cells[CLEAN], mean_over_types(cells, types)),
            "slope": lambda cells: np.mean(list(fall_slopes(cells, types).values()), axis=0),
        }
        return over.get(kind)

    @cached_property
    def scores(self) -> dict[str, Score]:
        """Every mean score by name; those over categories only where categories are known."""
        corrected = partial(chance_corrected, chance=self.chance) if np.isfinite(self.chance) else _unknown
        over = {
            "types": self.over_types,
            "absolute": lambda cells: absolute(cells[CLEAN], self.over_types(cells)),
            "relative": lambda cells: relative(cells[CLEAN], self.over_types(cells)),
            "corrected": lambda cells: corrected(cells[CLEAN], self.over_types(cells)),
        }
        if self.categories:
            over["categories"] = self.over_categories
            over["relative_categories"] = lambda cells: relative(cells[CLEAN], self.over_categories(cells))
        return over


def design(scored: Scored) -> Design:
    """What the runs of an experiment say about its perturbations."""
    types = grid(
        {one for arm in scored.arms.values() for seed in arm.right.counted for one in seed.conditions}
    )
    told = _categories(scored.experiment)
    categories = {name: told[name] for name in told if name in types}
    if set(categories) != set(types):
        categories = {}
    order = list(dict.fromkeys(categories.values()))
    names = sorted(categories, key=lambda name: order.index(categories[name])) or list(types)
    changing = sorted(
        {name for run in scored.experiment.runs for name in run.result.get("label_changing") or []}
    )
    becomes = {
        name: cells
        for run in scored.experiment.runs
        for name, cells in (run.result.get("label_map") or {}).items()
    }
    ordered = {name: types[name] for name in names}
    lacking = {
        name: sorted({gap for seed in arm.right.counted for gap in gaps(seed, ordered)})
        for name, arm in scored.arms.items()
    }
    return Design(ordered, categories, changing, _seen(scored), scored.experiment.chance, becomes, lacking)


def _categories(experiment: Experiment) -> dict[str, str]:
    return {
        str(name): str(category)
        for run in experiment.runs
        for name, category in (run.result.get("categories") or {}).items()
    }


def _seen(scored: Scored) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, arm in scored.arms.items():
        for kind in sorted({kind for run in arm.runs for kind in run.result.get("seen") or []}):
            found.setdefault(str(kind), []).append(name)
    return found


def _unknown(clean: np.ndarray, perturbed: np.ndarray) -> np.ndarray:
    """What cannot be said when the runs do not tell their chance."""
    return np.full_like(perturbed, np.nan)
