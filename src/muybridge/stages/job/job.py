"""What a stage says and what a job of it is: the contracts between configs, run folders, plans and the code that computes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Generic, TypeVar

from muybridge.backbones import gains_by_bf16
from muybridge.config.config_fields import ConfigFields, fields_of
from muybridge.config.control import Control, Precision
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset
from muybridge.runs.contents import snapshots
from muybridge.runs.contents.result_fields import Facets
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.runs.stages import StageFacts, facts_of
from muybridge.stages.job.check import check_parts
from muybridge.stages.job.facets import network_facets
from muybridge.stages.job.origins import Planned, find_inputs
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.settled import command, inherit_backbone
from muybridge.stages.job.signed import public, signed_input
from muybridge.stages.job.transductive import TRANSDUCTIVE, is_transductive
from muybridge.stages.testing.models import TestedModel
from muybridge.train.precision import check_training, choose

Progress = Callable[[int, int, dict[str, float]], None]
Result = dict[str, object]
"""What a stage adds to ``result.json`` (docs/records.md)."""
C = TypeVar("C", bound=Control)
C_co = TypeVar("C_co", bound=Control, covariant=True)


@dataclass(frozen=True)
class Work:
    """What a run has to do.

    Attributes:
        learnt: clips that are encoded with a gradient.
        seen: clips that are encoded without one.
        like: what else decides the time of a clip, in words: pretext tasks and their weighting, kinds of perturbation.
    """

    learnt: float
    seen: float
    like: str = ""


@dataclass(frozen=True)
class Job(Generic[C_co]):
    """A config with everything that decides its result; made once, by ``resolve``, and handed to ``execute``.

    Attributes:
        config: as given, with full paths, ``precision`` resolved and all options spelt out.
        dataset: what it reads.
        inputs: finished or planned runs it starts from, by the field that names them.
        signature: name of its run folder.
        facets: how its result is sorted: arm, data, protocol, seed, fold, backbone.
        signed: what the signature is made of besides the inputs.
        subject: the model under test where it is no run.
        transductive: whether test videos, though not their labels, were among those of the pretraining.
        shifted: whether a run is tested on other data than its own.
        checkpoint: what was taken of a file of public weights, filled when it is read.
        parts: the jobs whose answers it joins, by the name of the input (``--fold all``).
    """

    stage: str
    config: C_co
    dataset: Dataset
    inputs: dict[str, Run]
    signature: str
    facets: Facets
    signed: dict[str, object]
    notes: list[str] = field(default_factory=list)
    subject: TestedModel | None = None
    transductive: bool = False
    shifted: bool = False
    checkpoint: dict[str, object] = field(default_factory=dict)
    parts: "dict[str, Job[C_co]]" = field(default_factory=dict)

    @property
    def run(self) -> Run:
        """Its run folder."""
        return Run(self.config.out / "runs" / self.stage / self.signature)

    @property
    def init(self) -> Run | Path | None:
        """What its backbone starts from: a pretrain run, a snapshot of one, a file of public weights, or None for random weights."""
        value = vars(self.config).get("init", "random")
        if snapshots.split(value)[1]:
            return Path(value)
        return self.inputs.get("init", None if value == "random" else Path(value))

    @property
    def command(self) -> str:
        """The command that makes this run again."""
        return command(self.config)


@dataclass(frozen=True)
class Request(Generic[C_co]):
    """A config that was found good, with what was read on the way to its job.

    Attributes:
        config: inherited, checked and completed.
        inputs: runs it starts from, by the field that names them; none for a subject.
        origins: the configs of these runs.
        planned: configs of runs that will be made before.
        signed: what the signature is made of besides the inputs.
        subject: a model under test that was handed over as an object.
        memory: reads files once.
    """

    config: C_co
    dataset: Dataset
    inputs: dict[str, Run]
    origins: Planned
    planned: Planned
    signed: dict[str, object]
    subject: TestedModel | None
    memory: ResolveCache


class Stage(Generic[C]):
    """One stage: what differs between stages, as hooks in the order in which ``resolve`` calls them; and ``run``.

    A subclass says ``name``, ``run`` and what is not as usual. There is one object of each, which its line in ``runs.stages`` names.

    Attributes:
        name: of its line in ``runs.stages``.
        trains: whether it trains a network, which half precision forbids on some processors.
        shorter: flags that make a run shorter, in words.
        alike: whether the facets of runs that differ in seed and input runs alone differ in ``seed`` alone; plans sign such runs at once.
    """

    name: str
    trains: bool = False
    shorter: str = "--limit"
    alike: bool = True

    @property
    def facts(self) -> StageFacts:
        """Its line in the table of stages."""
        return facts_of(self.name)

    def located(self, config: C) -> C:
        """The config with full paths in the fields that only this stage has."""
        return config

    def precision(self, config: C, subject: TestedModel | None, networks: Sequence[str]) -> Precision:
        """The number format that a run computes in.

        Args:
            config: what is asked for.
            subject: a model under test that was handed over as an object.
            networks: names of the backbones that compute, as far as they are known.

        Raises:
            UsageError: the device cannot compute in it.
        """
        compute = choose(config.device, config.precision, all(map(gains_by_bf16, networks)))
        if self.trains:
            check_training(compute)
        return compute.precision

    def runs(self, config: C) -> dict[str, Run]:
        """Folders of the runs that a config starts from, by its field (``teachers`` as ``teacher-1`` and so on).

        Raises:
            UsageError: not the folder of a run of the right stage.
        """
        return find_inputs(config, self.facts.inputs)

    def inherit(self, config: C, origins: Planned) -> C:
        """Take from the inputs what must agree with them, and write out what was left to be found.

        Raises:
            UsageError: it does not agree.
        """
        return inherit_backbone(config, origins)

    def load(self, config: C, origins: Planned, memory: ResolveCache) -> Dataset:
        """The data set of a config.

        Raises:
            UsageError: it cannot be read.
        """
        return memory.load_for(fields_of(config))

    def check(self, config: C, dataset: Dataset, origins: Planned, memory: ResolveCache) -> None:
        """Refuse what can be known to fail before a video is decoded; the parts that configs share are looked at here.

        Raises:
            UsageError: says which field, what was expected and the way out.
        """
        check_parts(config, dataset, memory.check_split)

    def complete(self, config: C) -> C:
        """The config with every option spelt out, so that all of them are printed, saved and signed."""
        return config

    def signed(self, config: C, dataset: Dataset, memory: ResolveCache) -> dict[str, object]:
        """What is signed besides the fields of the config, or in their place: the content of the files that they name."""
        return {}

    def job(self, asked: Request[C]) -> Job[C]:
        """Name the run and say how it is sorted."""
        config, dataset, memory = asked.config, asked.dataset, asked.memory
        values = fields_of(config)
        named = {
            name: signed_input(run.signature, vars(config).get(name, ""))
            for name, run in asked.inputs.items()
        }
        seen = is_transductive(config, dataset, asked.origins, asked.planned, memory)
        return Job(
            self.name, config, dataset, asked.inputs, signature(self.name, asked.signed, named | public(config, memory)),
            self.facets(values, dataset.name, asked.planned), asked.signed,
            [*dataset.notes, *self.notes(config, dataset), *([TRANSDUCTIVE] if seen else [])], transductive=seen,
        )  # fmt: skip

    def recipe(self, config: C) -> tuple[Mapping[str, object], str]:
        """Of a transfer: what is trained or compared, and how, by name; and what was chosen by which videos, in words."""
        raise NotImplementedError

    def notes(self, config: C, dataset: Dataset) -> list[str]:
        """What a reader must know of a config on a data set."""
        return []

    def protocol(self, config: ConfigFields) -> str:
        """Name of the protocol in tables; of a config's fields."""
        return self.facts.title

    def facets(self, config: ConfigFields, data: str, planned: Planned) -> Facets:
        """How a result is sorted.

        Args:
            config: fields of a run, finished or planned.
            data: name of the data set.
            planned: configs of runs that will be made before.
        """
        return network_facets(config, data, self.protocol(config), planned)

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """What a run has to do, for estimates; every test video is seen once per view unless a stage says otherwise.

        Args:
            config: its fields, and of a model's those that it leaves open.
            backbone: name of the network.
            train: training videos.
            test: test videos.
        """
        return Work(0.0, float(test * views_of(config)))

    def run(self, job: Job[C], progress: Progress | None) -> Result:
        """Compute, write the files of the run folder but ``result.json``, and return what that says.

        Of several processes all come here; those that are not the first write nothing and return an empty result.
        """
        raise NotImplementedError


def views_of(config: ConfigFields) -> int:
    """Clips per video: views, as a number or ``10x3``, times crops."""
    return prod(int(number) for number in str(config.get("views") or 1).split("x")) * int(
        config.get("crops") or 1
    )


def stage_of(name: str) -> Stage[Any]:
    """The stage of a name, with its code.

    Raises:
        UsageError: no such stage, or its package is broken.
    """
    facts = facts_of(name)
    found = facts.load()
    if not isinstance(found, Stage):
        raise UsageError(
            f"stage {name}: {facts.code} is a {type(found).__name__}; wanted a Stage (muybridge.stages.job.job)."
        )
    return found
