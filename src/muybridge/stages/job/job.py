"""One run of a stage: from a config to its inputs, its signature and its folder."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muybridge.config.names import is_external, is_run_of, is_weights
from muybridge.config.stage_configs import (
    Control,
    DiversityConfig,
    FinetuneConfig,
    Optimisation,
    PretrainConfig,
    RobustnessConfig,
    SimilarityConfig,
    ZeroshotConfig,
    as_dict,
    change,
)
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, count_folds
from muybridge.data.lists.name_groups import is_pattern
from muybridge.data.sets.known_sets import source_name
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.stages.features import compared
from muybridge.stages.job import declared
from muybridge.stages.job.check import check
from muybridge.stages.job.facets import facets_of, zeroshot_facets
from muybridge.stages.job.origins import Planned, consented, find_inputs, read_config
from muybridge.stages.job.resolve_cache import Memory
from muybridge.stages.job.settled import absolute, command, inherit
from muybridge.stages.job.signed import held, public, signed_config, signed_input
from muybridge.stages.job.transductive import TRANSDUCTIVE, is_transductive
from muybridge.stages.testing import models, own_code
from muybridge.stages.testing.class_file import read_classes
from muybridge.stages.testing.clip_protocol import chosen
from muybridge.stages.testing.models import Subject
from muybridge.stages.texts.text_scored import external
from muybridge.stages.training import taught
from muybridge.stages.training.options import complete
from muybridge.stages.training.weighing import spelt
from muybridge.store.storage import local

ALL = "all"
"""The ``fold`` of a run that joins those of all folds."""
Progress = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Job:
    """A config with everything that decides its result.

    Attributes:
        config: as given, ``precision`` resolved.
        dataset: what it reads.
        inputs: finished or planned runs it starts from, by the field that names them.
        signature: name of its run folder.
        facets: how its result is sorted: arm, data, protocol, seed, fold, backbone.
        subject: the model under test where it is no run.
        transductive: whether test videos, though not their labels, were among those of the pretraining.
        shifted: whether a run is tested on other data than its own.
        checkpoint: what was taken of a file of public weights, filled when it is read.
        parts: configs of the runs whose answers it joins, by the name of the input (``--fold all``).
    """

    stage: str
    config: Any
    dataset: Dataset
    inputs: dict[str, Run]
    signature: str
    facets: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    subject: Subject | None = None
    transductive: bool = False
    shifted: bool = False
    checkpoint: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Control] = field(default_factory=dict)

    @property
    def run(self) -> Run:
        """Its run folder."""
        return Run(self.config.out / "runs" / self.stage / self.signature)

    @property
    def init(self) -> Run | Path | None:
        """What its backbone starts from: a pretrain run, a snapshot of one, a file of public weights, or None for random weights."""
        value = getattr(self.config, "init", "random")
        if snapshots.split(value)[1]:
            return Path(value)
        return self.inputs.get("init", None if value == "random" else Path(value))

    @property
    def command(self) -> str:
        """The command that makes this run again."""
        return command(self.config)


def resolve(
    config: Control,
    planned: Planned | None = None,
    subject: Subject | None = None,
    memory: Memory | None = None,
) -> Job:
    """Read the data set's list, find the inputs and sign.

    Args:
        config: what to do.
        planned: configs of runs that will be made before.
        subject: a model under test that was handed over as an object.
        memory: what configs resolved before have read already.

    Raises:
        UsageError: unknown names or missing inputs.
    """
    config = absolute(config)
    stage: str = config.stage  # type: ignore[attr-defined]
    config = dataclasses.replace(config, precision=_precision(config, subject))
    if getattr(config, "fold", None) == ALL:
        return _over_folds(config, planned or {}, memory or Memory())
    inputs = {} if subject else find_inputs(config)
    origins = {name: read_config(run, planned or {}) for name, run in inputs.items()}
    config = inherit(consented(config, inputs, origins, planned or {}), origins)
    check_one_network(origins)
    memory = memory or Memory()
    dataset = load(config, origins, memory)
    check(config, dataset, memory.check_split)
    if isinstance(config, PretrainConfig):
        config = complete(config)
    if isinstance(config, Optimisation):
        config = spelt(config)
    if isinstance(config, FinetuneConfig) and config.teachers:
        taught.check(config, dataset, origins, memory)
    signed = signed_config(config, dataset, memory)
    signed |= own_code.code_of((as_dict(config), *origins.values()), config.seed)
    if isinstance(config, RobustnessConfig) and not inputs:
        return _foreign(config, dataset, models.fed(subject or models.load(config), config), signed)
    if isinstance(config, SimilarityConfig):
        return _comparison(config, dataset, inputs, origins, planned or {}, signed, memory)
    if isinstance(config, ZeroshotConfig) and not inputs:
        return _scored(config, dataset, subject or external(config), signed)
    named = {name: signed_input(run.signature, getattr(config, name, "")) for name, run in inputs.items()}
    name = signature(stage, signed, named | public(config, memory))
    facets = facets_of(config, dataset.name, inputs, origins, planned or {})
    shifted = stage == "robustness" and _is_shifted(dataset, inputs["model"])
    if shifted:
        facets |= {"data": f"{dataset.name} (trained on {facets['data']})", "fold": None}
    seen = is_transductive(config, dataset, origins, memory)
    mirrored = declared.flips(dataset, config) if isinstance(config, FinetuneConfig) else []
    notes = [*dataset.notes, *mirrored, *([TRANSDUCTIVE] if seen else [])]
    return Job(stage, config, dataset, inputs, name, facets, notes, transductive=seen, shifted=shifted)


def _over_folds(config: Any, planned: Planned, memory: Memory) -> Job:
    """A job that joins the answers of one run for each fold."""
    if isinstance(config, DiversityConfig):
        raise UsageError("--fold all: diversity answers for no videos that could be joined; name one fold.")
    count = count_folds(load(config, {}, memory), config.folds)
    jobs = {}
    for fold in range(count):
        init = _init_of(config, fold, count, planned, memory)
        one = dataclasses.replace(config, fold=fold, init=init)
        jobs[f"fold-{fold}"] = resolve(one, planned, memory=memory)
    first = jobs["fold-0"]
    config = dataclasses.replace(first.config, fold=ALL, init=config.init)
    name = signature(
        config.stage,
        signed_config(config, first.dataset, memory),
        {name: job.signature for name, job in jobs.items()},
    )
    return Job(
        config.stage, config, first.dataset, {name: job.run for name, job in jobs.items()}, name,
        first.facets | {"fold": ALL}, transductive=any(job.transductive for job in jobs.values()),
        parts={name: job.config for name, job in jobs.items()},
    )  # fmt: skip


def _init_of(config: Any, fold: int, count: int, planned: Planned, memory: Memory) -> str:
    """What a fold starts from: of a pretraining that left one fold out, the run that left this one out.

    Raises:
        UsageError: that run is not there, or folds of another number were left out.
    """
    folder, share = snapshots.split(config.init)
    if config.init == "random" or is_weights(folder):
        return str(config.init)
    origin = dict(read_config(Run(Path(folder)), planned))
    if origin.get("held_out_fold") is None:
        return str(config.init)
    begun: PretrainConfig = change(PretrainConfig(), origin, folder)
    begun = dataclasses.replace(begun, out=Path(folder).parents[2], held_out_fold=fold)
    theirs = count_folds(memory.load_for(origin), begun.held_out_folds)
    if theirs != count:
        raise UsageError(
            f"--init {folder}: left out one of {theirs} folds, and {count} are tested. Give --folds {theirs}."
        )
    run = resolve(begun, planned, memory=memory).run
    if not run.done:
        raise UsageError(
            f"--fold all: --init {folder} left out fold {origin['held_out_fold']}, and no run beside it left out fold {fold}. Make it: "
            f"{command(begun)}"
        )
    return str(run.path / snapshots.name_of(share) if share else run.path)


def check_one_network(origins: Planned) -> None:
    """Refuse what starts from the joined answers of several networks.

    Raises:
        UsageError: says whose runs to give instead.
    """
    for name, origin in origins.items():
        if origin.get("fold") == ALL:
            flag = "teachers" if name.startswith("teacher") else name
            raise UsageError(
                f"--{flag}: joins the answers of all folds and has no network of its own; give the run of one fold. "
                "`muybridge runs ls --where fold=0` lists them."
            )


def _is_shifted(dataset: Dataset, model: Run) -> bool:
    """Whether a finished run is to be tested on other data than it was trained and tested on before."""
    return model.done and not dataset.has(model.result.get("data", {}).get("fingerprint"))


def _precision(config: Any, subject: Subject | None) -> Any:
    """The number format of a config: ``auto`` is float32 for a model that came whole, head and all, and where texts are compared."""
    from muybridge.train.precision import check_training, choose

    worded = isinstance(config, ZeroshotConfig) or is_run_of(getattr(config, "model", ""), ("zeroshot",))
    foreign = worded or (isinstance(config, RobustnessConfig) and (subject or is_external(config.model)))
    if foreign and config.precision == "auto":
        return "fp32"
    compute = choose(config.device, config.precision)
    if isinstance(config, Optimisation):
        check_training(compute)
    return compute.precision


def _scored(config: ZeroshotConfig, dataset: Dataset, subject: Subject, signed: dict[str, Any]) -> Job:
    """A job on a text-scored model that is no run."""
    evaluation = chosen(config, subject.protocol, subject.clip)
    name = signature(config.stage, signed | {"evaluation": evaluation.facts()}, {"model": subject.key})
    facets = zeroshot_facets(as_dict(config), dataset.name, {}) | {"arm": subject.name}
    return Job(config.stage, config, dataset, {}, name, facets, list(dataset.notes), subject)


def _foreign(config: RobustnessConfig, dataset: Dataset, subject: Subject, signed: dict[str, Any]) -> Job:
    """A job on a model that is no run: signed by its weights and classes."""
    if config.classes:
        subject = dataclasses.replace(subject, classes=read_classes(Path(config.classes)))
    evaluation = chosen(config, subject.protocol, subject.clip)
    name = signature(
        config.stage,
        signed | {"evaluation": evaluation.facts(), "class_names": subject.classes},
        {"model": subject.key},
    )
    facets = {
        "arm": subject.name,
        "data": dataset.name,
        "protocol": evaluation.name,
        "seed": 0,
        "fold": None,
        "backbone": "",
    }
    return Job(config.stage, config, dataset, {}, name, facets, list(dataset.notes), subject)


def _comparison(
    config: SimilarityConfig, dataset: Dataset, inputs: dict[str, Run], origins: Planned, planned: Planned,
    signed: dict[str, Any], memory: Memory,
) -> Job:  # fmt: skip
    """A job on two networks: signed by their runs or weights, and by how clips are cut."""
    words = {name: getattr(config, name) for name in compared.FIELDS if getattr(config, name)}
    inputs = {name: run for name, run in inputs.items() if name in words}  # B that is A is none
    held = {name: _weights(word, memory, f"--{name}") for name, word in words.items() if name not in inputs}
    runs = {name: signed_input(run.signature, words[name]) for name, run in inputs.items()}
    evaluation = compared.protocol_of(config, origins)
    signed = {name: value for name, value in signed.items() if name not in words} | {
        "evaluation": evaluation.facts()
    }
    facts = {
        name: _run_facts(word, inputs[name], origins[name], planned)
        if name in inputs
        else compared.foreign_facts(word)
        for name, word in words.items()
    }
    facets = {
        "arm": " | ".join(map(compared.named, facts.values())), "data": dataset.name,
        "protocol": config.stage + (f" to clips perturbed by {' '.join(config.perturb)}" if config.perturb else ""),
        "seed": config.seed, "fold": None, "backbone": facts["a"]["backbone"],
        **{name: " | ".join(filter(None, (str(one[name] or "") for one in facts.values()))) for name in ("source", "level")},
    }  # fmt: skip
    name = signature(config.stage, signed, runs | held)
    return Job(config.stage, config, dataset, inputs, name, facets, list(dataset.notes))


def _weights(word: str, memory: Memory, option: str) -> str:
    """What the signature says of a network that is no run: its name and a hash of its weights."""
    name, file = compared.file_of(word)
    if file is not None:
        return f"{name}={memory.digest(file, option)}"
    folder = models.own_folder(name)
    return name if folder is None else held(folder, memory, option)


def _run_facts(word: str, run: Run, origin: Mapping[str, Any], planned: Planned) -> dict[str, Any]:
    """What is known of the network of a run, finished or planned."""
    config = compared.typed(run.stage, origin, str(run.path))
    data = source_name(tuple(origin["data"]))
    return compared.run_facts(word, facets_of(config, data, {}, {}, planned))


def load(config: Any, origins: Planned, memory: Memory) -> Dataset:
    """The data set of a config; a robustness run reads the columns that its model was trained on, where it names none itself.

    A folder has no columns: those of a list that the model was trained on say nothing of it.
    """
    own = isinstance(config, ZeroshotConfig) or "model" not in origins
    columns = dict(vars(config) if own else origins["model"])
    if not own:
        folders = all(local(source).expanduser().is_dir() for source in config.data)
        columns |= {
            name: getattr(config, name)
            or (None if folders and not is_pattern(columns[name]) else columns[name])
            for name in ("label", "group")
        }
    where = getattr(config, "where", ()) or columns.get("where", ())
    links = config.allow_links or columns.get("allow_links", False)
    dataset = memory.load(
        tuple(config.data),
        label=columns["label"],
        group=columns["group"],
        root=config.root,
        where=tuple(where),
        allow_links=links,
        stream=config.stream,
    )
    return declared.declare(dataset, getattr(config, "label_changing", ()))
