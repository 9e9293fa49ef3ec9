"""Experiments with their scores, which several sections tell of; their comparisons are corrected as one family over the whole report."""

from dataclasses import replace

from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.robust import Perturbed, perturbed
from muybridge.report.scores.score import Scored, one_family, score

PLAIN = ("probe", "knn", "finetune")
"""Stages that the section on accuracy wants."""
DISTURBED = ("robustness",)
"""Stages that the section on robustness wants."""


def scored_experiments(gathered: Gathered) -> list[Scored]:
    """Experiments on the test videos as they are."""
    return gathered.once(_family)[0]


def perturbed_experiments(gathered: Gathered) -> list[Perturbed]:
    """Experiments on perturbed test videos."""
    return gathered.once(_family)[1]


def _family(gathered: Gathered) -> tuple[list[Scored], list[Perturbed]]:
    """All comparisons of the report, corrected as one family: what stands in Findings, tables and ``comparisons.csv``."""
    scored = [score(one, gathered.rows) for one in gathered.of(*PLAIN)]
    found = [perturbed(score(one, gathered.rows), gathered) for one in gathered.of(*DISTURBED)]
    clean = [*scored, *(one.scored for one in found)]
    parts = iter(one_family([*(one.comparisons for one in clean), *(one.pairs for one in found)]))
    plain = [replace(one, comparisons=next(parts)) for one in scored]
    inner = [replace(one.scored, comparisons=next(parts)) for one in found]
    return plain, [replace(one, scored=own, pairs=next(parts)) for one, own in zip(found, inner, strict=True)]
