"""One run of a stage: from a config to its inputs, its signature and its folder."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muybridge.core import snapshots
from muybridge.core.errors import UsageError
from muybridge.core.records import Run, signature
from muybridge.core.storage import local, portable
from muybridge.data import sources
from muybridge.data.index import Dataset
from muybridge.perturb.profiles import profile_of
from muybridge.stages import models
from muybridge.stages.captions import signed_captions
from muybridge.stages.check import check
from muybridge.stages.config import (
    KINDS,
    C,
    Control,
    PretrainConfig,
    RobustnessConfig,
    ZeroshotConfig,
    as_dict,
    change,
)
from muybridge.stages.labels import read_classes
from muybridge.stages.memory import Memory
from muybridge.stages.models import Subject
from muybridge.stages.options import complete
from muybridge.stages.origins import Planned, consented, find_inputs, read_config
from muybridge.stages.protocol import chosen
from muybridge.stages.published import kind_of, source_name
from muybridge.stages.question import label_set, question_of
from muybridge.stages.text_scored import external, is_run, regime, words_digest

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
    """

    stage: str
    config: Any
    dataset: Dataset
    inputs: dict[str, Run]
    signature: str
    facets: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    subject: Subject | None = None

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
    signed = signed_config(config, dataset, memory)
    if isinstance(config, RobustnessConfig) and not inputs:
        return _foreign(config, dataset, subject or models.load(config), signed)
    if isinstance(config, ZeroshotConfig) and not inputs:
        return _scored(config, dataset, subject or external(config), signed)
    named = {name: signed_input(run.signature, getattr(config, name)) for name, run in inputs.items()}
    name = signature(stage, signed, named | _public(config, memory))
    facets = facets_of(config, dataset.name, inputs, origins, planned or {})
    return Job(stage, config, dataset, inputs, name, facets, list(dataset.notes))


def _precision(config: Any, subject: Subject | None) -> Any:
    """The number format of a config: ``auto`` is float32 for a model that came whole, head and all, and where texts are compared."""
    from muybridge.train.precision import choose

    worded = isinstance(config, ZeroshotConfig) or models.is_run_of(
        getattr(config, "model", ""), ("zeroshot",)
    )
    foreign = worded or (
        isinstance(config, RobustnessConfig) and (subject or models.is_external(config.model))
    )
    return (
        "fp32"
        if foreign and config.precision == "auto"
        else choose(config.device, config.precision).precision
    )


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
    files = sorted([*folder.glob("config.json"), *folder.glob("*.safetensors")])
    held = "".join(f"{file.name} {memory.digest(file, '--backbone')}\n" for file in files)
    return signed | {"backbone": f"hf:{hashlib.sha256(held.encode()).hexdigest()[:16]}"}


def _public(config: Any, memory: Memory) -> dict[str, str]:
    """Hash of a file of public weights that a config starts from.

    Raises:
        UsageError: no such file.
    """
    init = getattr(config, "init", "random")
    return {"init": memory.digest(Path(init), "--init")} if models.is_weights(init) else {}


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
    facets = _zeroshot_facets(as_dict(config), dataset.name, {}) | {"arm": subject.name}
    return Job(config.stage, config, dataset, {}, name, facets, list(dataset.notes), subject)


def _zeroshot_facets(source: Mapping[str, Any], data: str, planned: Planned) -> dict[str, Any]:
    """How a zero-shot result is sorted: as its network, under its regime."""
    model = str(source["model"])
    told: dict[str, Any] = {"arm": model, "seed": 0, "fold": None, "backbone": "", "source": ""}
    if is_run(model):
        told = facets_of(_config_of(Run(local(model)), planned), data, {}, {}, planned)
    return {**told, "data": data, "protocol": f"zero-shot {regime(source)}"}


def _config_of(run: Run, planned: Planned) -> Any:
    return change(KINDS[run.stage](), dict(read_config(run, planned)), run.signature)


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


def load(config: Any, origins: Planned, memory: Memory) -> Dataset:
    """The data set of a config; a robustness run reads the columns that its model was trained on."""
    columns = vars(config) if isinstance(config, ZeroshotConfig) else origins.get("model", vars(config))
    where = getattr(config, "where", ()) or columns.get("where", ())
    links = config.allow_links or columns.get("allow_links", False)
    return memory.load(
        tuple(config.data),
        label=columns["label"],
        group=columns["group"],
        root=config.root,
        where=tuple(where),
        allow_links=links,
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
        if value and value != "random" and not (name == "model" and models.is_external(value)):
            places[name] = str(local(value).expanduser().absolute())
    for name in ("backbone", "model"):
        value = str(getattr(config, name, ""))
        folder = Path(value.removeprefix("hf:")).expanduser()
        if value.startswith("hf:") and folder.is_dir() and models.own_folder(value):
            places[name] = f"hf:{folder.absolute()}"
    return dataclasses.replace(config, **places)


def inherit(config: Any, origins: Planned) -> Any:
    """Take from the inputs what must agree (the backbone of a pretrained run, the data set of a model), and all types of a profile."""
    if "init" in origins:
        backbone = origins["init"]["backbone"]
        if config.backbone not in (type(config)().backbone, backbone):
            raise UsageError(
                f"--backbone {config.backbone}: the run of --init has {backbone}; leave --backbone out."
            )
        return dataclasses.replace(config, backbone=backbone)
    if "model" in origins and not config.data:
        model = origins["model"]
        config = dataclasses.replace(config, data=tuple(model["data"]), root=config.root or model["root"])
        if isinstance(config, ZeroshotConfig):
            config = dataclasses.replace(
                config, label=config.label or model["label"], group=config.group or model["group"]
            )
    if isinstance(config, RobustnessConfig) and not config.types:
        return dataclasses.replace(config, types=tuple(profile_of(config.profile).types))
    return config


def facets_of(
    config: Any, data: str, inputs: dict[str, Run], origins: Planned, planned: Planned
) -> dict[str, Any]:
    """How a result is sorted; a robustness run carries the facets of its model.

    ``arm`` is the pretext task of the network, or ``random`` where it had none; ``source`` names the data it was pretrained on,
    also whether clips were one frame repeated, ``source_kind`` says what tells their classes apart, and ``level`` is
    the complexity of the task where it was asked for.
    """
    stage, source = config.stage, as_dict(config)
    if stage == "zeroshot":
        return _zeroshot_facets(source, data, planned)
    if "model" in inputs:
        if inputs["model"].done:
            return dict(inputs["model"].result.get("facets", {}))
        stage, source = inputs["model"].stage, dict(origins["model"])
        if stage == "zeroshot":
            return _zeroshot_facets(source, data, planned)
    init = source.get("init", "random")
    public = models.is_weights(init)
    folder, share = snapshots.split(init)
    origin = {} if init == "random" or public else read_config(Run(local(folder)), planned)
    begun = source if stage == "pretrain" else origin
    learnt = tuple(begun.get("data", ()))
    still = bool(learnt) and _still(begun)
    return {
        "arm": source["objective"] if stage == "pretrain" else _arm(init, origin, share),
        "data": data,
        "protocol": protocol(stage, source),
        "seed": source["seed"],
        "fold": source.get("fold"),
        "backbone": source.get("backbone", ""),
        "source": source_name(learnt) + (", one frame" if still else ""),
        "source_kind": "appearance" if still else kind_of(learnt),
        "level": str(begun.get("complexity") or ""),
    }


def _arm(init: str, origin: Mapping[str, Any], share: int | None) -> str:
    """Name of what a network starts from: a pretext task, a file of public weights, or ``random``."""
    if models.is_weights(init):
        return Path(init).stem
    return str(origin.get("objective", init)) + (f" at {share} %" if share else "")


def protocol(stage: str, config: Mapping[str, Any]) -> str:
    """Name of the protocol in tables."""
    if stage != "finetune":
        return {"probe": "linear probe", "knn": "kNN"}.get(stage, stage)
    labels = f"{config['labels_per_class']} labels per class" if config["labels_per_class"] else "all labels"
    seen = f", perturbed by {' '.join(config['perturb'])}" if config.get("perturb") else ""
    return f"fine-tune, {labels}" + (", single frame" if _still(config) else "") + seen


def _still(config: Mapping[str, Any]) -> bool:
    """Whether all frames of a clip are the same one."""
    return bool(config["frames"] == 1 or config["stride"] == 0)


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
