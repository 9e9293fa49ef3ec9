"""What a stage is: the one table that the command line, Python, plans, queries, reports and YAML read. Imports no torch and no config.

A stage says here what must be known without its code: how it is called, where its config and its code stand, what it may start from and
what its runs hold. What it does is a ``Stage`` (``stages.job.job``), one object in a file of its own. Packages outside add a stage through
the entry-point group ``muybridge.stages``, whose object is such a ``StageFacts``.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal

from muybridge.core.catalogue import Entry, outside, rows, suggestion
from muybridge.core.errors import UsageError

GROUP = "muybridge.stages"
"""Entry points of other packages."""
NETWORKS = ("pretrain", "finetune", "probe")
"""Stages whose runs hold the weights of a network."""
TRAINED = ("finetune", "probe")
"""Those that hold a classifier, too."""


Kind = Literal["", "answers", "tested", "apart"]
"""What the runs of a stage are to a report: they hold a row for every test view, they were only tested on such videos, they are no arm of
an experiment, or nothing of these (training)."""


@dataclass(frozen=True)
class StageFacts:
    """One stage.

    Attributes:
        summary: one line for people.
        title: its protocol's name in tables.
        config: ``module:Class`` of its config.
        code: ``module:OBJECT``, its ``Stage``.
        inputs: the stages that a run may start from, by the field that names the run.
        runs: what its runs are to a report.
        transfers: whether it measures what a pretraining was worth, under a transfer protocol.
    """

    summary: str
    title: str
    config: str
    code: str
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    runs: Kind = ""
    transfers: bool = False

    def kind(self) -> Any:
        """The class of its config; imports it."""
        return Entry("", self.config).load()

    def load(self) -> Any:
        """Its ``Stage``; imports it."""
        return Entry("", self.code).load()


CONFIGS = "muybridge.config.stage_configs"
INIT = {"init": ("pretrain",)}
LEARNT = {"init": ("pretrain", "finetune")}
"""Of stages that look at features as they are: what labels have taught is as good to look at as what a pretext task has."""

STAGES: dict[str, StageFacts] = {
    "pretrain": StageFacts(
        "learn from unlabelled videos with one pretext task", "pretrain",
        f"{CONFIGS}:PretrainConfig", "muybridge.stages.pretrain:PRETRAIN",
    ),
    "probe": StageFacts(
        "train a linear layer on frozen features", "linear probe",
        f"{CONFIGS}:ProbeConfig", "muybridge.stages.probe:PROBE", LEARNT, runs="answers", transfers=True,
    ),
    "knn": StageFacts(
        "classify by the nearest training videos in feature space", "kNN",
        f"{CONFIGS}:KnnConfig", "muybridge.stages.knn:KNN", LEARNT, runs="answers", transfers=True,
    ),
    "finetune": StageFacts(
        "train backbone and linear layer on labels", "fine-tune",
        f"{CONFIGS}:FinetuneConfig", "muybridge.stages.finetune:FINETUNE", INIT | {"teachers": TRAINED},
        runs="answers", transfers=True,
    ),
    "zeroshot": StageFacts(
        "classify videos by the names of classes, said in words", "zero-shot",
        f"{CONFIGS}:ZeroshotConfig", "muybridge.stages.zeroshot:ZEROSHOT", {"model": NETWORKS}, runs="answers",
    ),
    "robustness": StageFacts(
        "measure a classifier on perturbed clips", "robustness",
        f"{CONFIGS}:RobustnessConfig", "muybridge.stages.robustness:ROBUSTNESS", {"model": (*TRAINED, "zeroshot")},
        runs="answers",
    ),
    "retrieval": StageFacts(
        "find the training videos of a class in feature space: recall at k, mean average precision", "retrieval",
        f"{CONFIGS}:RetrievalConfig", "muybridge.stages.retrieval:RETRIEVAL", LEARNT, runs="tested", transfers=True,
    ),
    "neighbours": StageFacts(
        "find the nearest videos of each video in feature space", "neighbours",
        f"{CONFIGS}:NeighboursConfig", "muybridge.stages.neighbours:NEIGHBOURS", LEARNT, runs="tested",
    ),
    "similarity": StageFacts(
        "compare the layers of two networks on the same clips: CKA with null bands and intervals", "similarity",
        f"{CONFIGS}:SimilarityConfig", "muybridge.stages.similarity:SIMILARITY", {"a": NETWORKS, "b": NETWORKS},
        runs="apart",
    ),
    "diversity": StageFacts(
        "measure how diverse auxiliary losses are, by their gradients on the shared weights", "diversity",
        f"{CONFIGS}:DiversityConfig", "muybridge.stages.diversity:DIVERSITY", INIT | {"teachers": TRAINED},
    ),
}  # fmt: skip
"""In the order in which a study comes to them, and reports and lists show them."""


def names() -> list[str]:
    """All stages, those of other packages last; imports none of these."""
    outside = sorted({point.name for point in entry_points(group=GROUP)} - STAGES.keys())
    return [*STAGES, *outside]


def entries() -> dict[str, Entry]:
    """The table as ``muybridge list`` shows catalogues."""
    return {
        name: Entry(facts.summary, facts.code, {"protocol": facts.title, "inputs": dict(facts.inputs)})
        for name, facts in STAGES.items()
    }


def summaries() -> dict[str, str]:
    """One line for people of every stage; of those of other packages where they come from, since none is imported for it."""
    return {row["name"]: row["summary"] for row in rows("stages", entries())}


def facts_of(stage: str) -> StageFacts:
    """What a stage is, built in or of another package, which is imported.

    Raises:
        UsageError: no such stage; or its package cannot be imported, or offers something else.
    """
    found = _known(stage)
    if found is None:
        known = names()
        raise UsageError(f"stages has no {stage!r}.{suggestion(stage, known)} Known: {', '.join(known)}.")
    return found


def _known(stage: str) -> StageFacts | None:
    return STAGES.get(stage) or _outside(stage, tuple(sys.path))


@cache
def _outside(stage: str, path: tuple[str, ...]) -> StageFacts | None:
    """Of another package; ``path`` is that of imports, so that what is found is forgotten when it changes."""
    return outside("stages", stage, StageFacts)


def is_known(stage: str) -> bool:
    """Whether a stage is built in or offered by an installed package."""
    return stage in STAGES or stage in names()


def of_runs(stage: str) -> StageFacts:
    """As ``facts_of``, for runs that lie in a folder: where the package of their stage is gone or broken, nothing is known of them."""
    try:
        found = _known(stage)
    except UsageError:
        found = None
    return found or StageFacts("", stage, "", "")


def order(stage: str) -> tuple[int, str]:
    """Where a stage stands in lists: as in the table, those of other packages behind it by name."""
    place = {name: number for number, name in enumerate(STAGES)}
    return place.get(stage, len(place)), stage
