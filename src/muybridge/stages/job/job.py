"""One run of a stage: from a config to its inputs, its signature and its folder."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muybridge.backbones.outside.preprocessor import preprocessor_file
from muybridge.config.names import is_external, is_run_of, is_weights
from muybridge.config.stage_configs import (
    C,
    Control,
    FinetuneConfig,
    Optimisation,
    PretrainConfig,
    RobustnessConfig,
    SimilarityConfig,
    ZeroshotConfig,
    as_dict,
)
from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.index import Dataset
from muybridge.data.sets.known_sets import source_name
from muybridge.perturb.profiles import profile_of
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.stages.features import compared
from muybridge.stages.job.check import check
from muybridge.stages.job.facets import facets_of, zeroshot_facets
from muybridge.stages.job.origins import Planned, consented, find_inputs, read_config
from muybridge.stages.job.resolve_cache import Memory
from muybridge.stages.job.transductive import TRANSDUCTIVE, is_transductive
from muybridge.stages.testing import models, own_code
from muybridge.stages.testing.class_file import read_classes
from muybridge.stages.testing.clip_protocol import chosen
from muybridge.stages.testing.models import Subject
from muybridge.stages.texts.question import label_set, question_of
from muybridge.stages.texts.text_scored import external, words_digest
from muybridge.stages.training import taught
from muybridge.stages.training.captions import signed_captions
from muybridge.stages.training.options import complete
from muybridge.stages.training.weighing import spelt
from muybridge.store.storage import local, portable

WORDS_OR_FILES = ("words", "candidates", "templates", "names", "seen")
"""Fields of a zero-shot run whose value is a name or a file."""
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
    inputs = {} if subject else find_inputs(config)
    origins = {name: read_config(run, planned or {}) for name, run in inputs.items()}
    config = inherit(consented(config, inputs, origins, planned or {}), origins)
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
    name = signature(stage, signed, named | _public(config, memory))
    facets = facets_of(config, dataset.name, inputs, origins, planned or {})
    shifted = stage == "robustness" and _is_shifted(dataset, inputs["model"])
    if shifted:
        facets |= {"data": f"{dataset.name} (trained on {facets['data']})", "fold": None}
    seen = is_transductive(config, dataset, origins, memory)
    notes = [*dataset.notes, *([TRANSDUCTIVE] if seen else [])]
    return Job(stage, config, dataset, inputs, name, facets, notes, transductive=seen, shifted=shifted)


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


def signed_input(name: str, value: str) -> str:
    """What the signature of a run says of an input called ``name`` that its config gives as ``value``: a snapshot is ``NAME@SHARE``."""
    share = snapshots.split(value)[1]
    return f"{name}@{share}" if share else name


def signed_config(config: Any, dataset: Dataset, memory: Memory) -> dict[str, Any]:
    """What is signed of a config: its values and the content of its data, and of ``hf:FOLDER`` what it holds instead of where it lies.

    Raises:
        UsageError: a file of the folder cannot be read.
    """
    signed = as_dict(config) | {"data_fingerprint": dataset.fingerprint}
    if isinstance(config, PretrainConfig):
        signed |= signed_captions(config, dataset)
    if isinstance(config, ZeroshotConfig):
        signed |= signed_question(config, dataset, memory)
    folder = models.own_folder(signed.get("backbone", ""))
    if folder is None:
        return signed
    return signed | {"backbone": _held(folder, memory, "--backbone")}


def _held(folder: Path, memory: Memory, option: str) -> str:
    """Name of a folder of transformers by what it holds."""
    prepared = preprocessor_file(folder)
    files = sorted(
        [*folder.glob("config.json"), *folder.glob("*.safetensors"), *([prepared] if prepared else [])]
    )
    held = "".join(f"{file.name} {memory.digest(file, option)}\n" for file in files)
    return f"hf:{hashlib.sha256(held.encode()).hexdigest()[:16]}"


def _public(config: Any, memory: Memory) -> dict[str, str]:
    """Hash of a file of public weights that a config starts from.

    Raises:
        UsageError: no such file.
    """
    init = getattr(config, "init", "random")
    return {"init": memory.digest(Path(init), "--init")} if is_weights(init) else {}


def signed_question(config: ZeroshotConfig, dataset: Dataset, memory: Memory) -> dict[str, Any]:
    """What is signed of a zero-shot run instead of the names of files: what stands in them."""
    question = question_of(config, dataset)
    return {
        "templates": list(question.prompts.templates),
        "names": list(question.said),
        "candidates": list(question.classes),
        "seen": None if config.seen is None else list(label_set(config.seen)),
        "words": words_digest(config.words, memory),
    }


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
    return name if folder is None else _held(folder, memory, option)


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
            name: getattr(config, name) or (None if folders else columns[name]) for name in ("label", "group")
        }
    where = getattr(config, "where", ()) or columns.get("where", ())
    links = config.allow_links or columns.get("allow_links", False)
    return memory.load(
        tuple(config.data),
        label=columns["label"],
        group=columns["group"],
        root=config.root,
        where=tuple(where),
        allow_links=links,
        stream=config.stream,
    )


def absolute(config: C) -> C:
    """The config with full paths, so that its command and its file work from anywhere."""
    places: dict[str, Any] = {"out": local(config.out).absolute()}
    for name in ("data", "pretrain_data"):
        sources_ = getattr(config, name, ())
        if sources_:
            places[name] = tuple(map(sources.absolute, sources_))
    for name in (
        "root",
        "init",
        "model",
        "weights",
        "classes",
        "words",
        "candidates",
        "templates",
        "names",
        "seen",
    ):
        value = getattr(config, name, None)
        if name in WORDS_OR_FILES and not (value and Path(str(value)).expanduser().exists()):
            continue
        if value and value != "random" and not (name == "model" and is_external(value)):
            places[name] = str(local(value).expanduser().absolute())
    if getattr(config, "teachers", ()):
        places["teachers"] = tuple(str(local(word).expanduser().absolute()) for word in config.teachers)  # type: ignore[attr-defined]
    for name in compared.FIELDS:
        if getattr(config, name, ""):
            places[name] = compared.absolute_word(getattr(config, name))
    for name in ("backbone", "model"):
        value = str(getattr(config, name, ""))
        folder = Path(value.removeprefix("hf:")).expanduser()
        if value.startswith("hf:") and folder.is_dir() and models.own_folder(value):
            places[name] = f"hf:{folder.absolute()}"
    return dataclasses.replace(config, **places)


def inherit(config: Any, origins: Planned) -> Any:
    """Take from the inputs what must agree (the backbone of a pretrained run, the data set of a model), and all types of a profile."""
    if isinstance(config, SimilarityConfig):
        return compared.inherited(config, origins)
    if "init" in origins:
        backbone = origins["init"]["backbone"]
        if config.backbone not in (type(config)().backbone, backbone):
            raise UsageError(
                f"--backbone {config.backbone}: the run of --init has {backbone}; leave --backbone out."
            )
        return dataclasses.replace(config, backbone=backbone)
    if "model" in origins and not config.data:
        model = origins["model"]
        config = dataclasses.replace(config, **compared.place_of(config, model))
        if isinstance(config, ZeroshotConfig):
            config = dataclasses.replace(
                config, label=config.label or model["label"], group=config.group or model["group"]
            )
    if isinstance(config, RobustnessConfig) and not config.types:
        return dataclasses.replace(config, types=tuple(profile_of(config.profile).types))
    return config


def command(config: Any, verb: Sequence[str] = ()) -> str:
    """Command line that differs from the defaults only where the config does; ``verb`` is the stage when not given."""
    import shlex

    default = type(config)()
    words = ["muybridge", *(verb or (config.stage,))]
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if value == getattr(default, item.name) and item.name != "out":
            continue
        flag = "--" + item.name.replace("_", "-")
        if isinstance(value, bool):
            words += [flag if value else flag.replace("--", "--no-", 1)]
        else:
            words += [flag, *(map(str, value) if isinstance(value, tuple) else [portable(str(value))])]
    return shlex.join(words)
