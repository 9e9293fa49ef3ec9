"""One run of a stage: from a config to a signature, a folder and a finished result, exactly once."""

import dataclasses
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

import muybridge
from muybridge.core.catalogue import pick
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.records import RECORD_VERSION, Run, signature, write_json, write_yaml
from muybridge.data import sources
from muybridge.data.index import Dataset
from muybridge.perturb.profiles import profile_of
from muybridge.stages import STAGES, models
from muybridge.stages.check import check
from muybridge.stages.config import C, Control, PretrainConfig, RobustnessConfig, as_dict
from muybridge.stages.labels import read_classes
from muybridge.stages.models import Subject
from muybridge.stages.options import complete
from muybridge.stages.protocol import chosen

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
    def command(self) -> str:
        """The command that makes this run again."""
        return command(self.config)


Planned = Mapping[str, Mapping[str, Any]]
"""Configs by run folder, of runs that a study will make before."""


def resolve(config: Control, planned: Planned | None = None, subject: Subject | None = None) -> Job:
    """Read the data set's list, find the inputs and sign.

    Args:
        config: what to do.
        planned: configs of runs that will be made before.
        subject: a model under test that was handed over as an object.

    Raises:
        UsageError: unknown names or missing inputs.
    """
    from muybridge.train.precision import choose

    config = absolute(config)
    stage: str = config.stage  # type: ignore[attr-defined]
    config = dataclasses.replace(config, precision=choose(config.device, config.precision).precision)  # type: ignore[arg-type]
    inputs = {} if subject else find_inputs(config)
    origins = {name: read_config(run, planned or {}) for name, run in inputs.items()}
    config = inherit(config, origins)
    dataset = load(config, origins)
    check(config, dataset)
    if isinstance(config, PretrainConfig):
        config = complete(config)
    signed = as_dict(config) | {"data_fingerprint": dataset.fingerprint}
    if isinstance(config, RobustnessConfig) and not inputs:
        return _foreign(config, dataset, subject or models.load(config), signed)
    name = signature(stage, signed, {name: run.signature for name, run in inputs.items()})
    facets = facets_of(config, dataset.name, inputs, origins, planned or {})
    return Job(stage, config, dataset, inputs, name, facets, list(dataset.notes))


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


def load(config: Any, origins: Planned) -> Dataset:
    """The data set of a config; a robustness run reads the columns that its model was trained on."""
    columns = origins.get("model", vars(config))
    where = getattr(config, "where", ())
    return sources.load(
        config.data, label=columns["label"], group=columns["group"], root=config.root, where=where
    )


def absolute(config: C) -> C:
    """The config with full paths, so that its command and its file work from anywhere."""
    places: dict[str, Any] = {"out": config.out.absolute()}
    for name in ("data", "pretrain_data"):
        sources_ = getattr(config, name, ())
        if sources_:
            places[name] = tuple(
                str(Path(s).expanduser().absolute()) if Path(s).expanduser().exists() else s for s in sources_
            )
    for name in ("root", "init", "model", "weights", "classes"):
        value = getattr(config, name, None)
        if value and value != "random" and not (name == "model" and models.is_external(value)):
            places[name] = str(Path(value).expanduser().absolute())
    return dataclasses.replace(config, **places)


def find_inputs(config: Any) -> dict[str, Run]:
    """Run folders named by ``init`` and ``model``.

    Raises:
        UsageError: not the folder of a run of the right kind.
    """
    wanted = {"init": ("pretrain",), "model": ("finetune", "probe")}
    other = {"init": "or random", "model": "i3d, torchvision:NAME, hf:NAME or module:function"}
    found = {}
    for name, stages in wanted.items():
        value = getattr(config, name, None)
        if value is None or value == "random" or (name == "model" and models.is_external(value)):
            continue
        run = Run(Path(value))
        if run.stage not in stages:
            raise UsageError(
                f"--{name} {value or '(nothing)'}: wanted a folder OUT/runs/{'|'.join(stages)}/SIGNATURE, {other[name]}."
            )
        found[name] = run
    return found


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
    if isinstance(config, RobustnessConfig) and not config.types:
        return dataclasses.replace(config, types=tuple(profile_of(config.profile).types))
    return config


def facets_of(
    config: Any, data: str, inputs: dict[str, Run], origins: Planned, planned: Planned
) -> dict[str, Any]:
    """How a result is sorted; a robustness run carries the facets of its model.

    ``arm`` is the pretext task of the network, or ``random`` where it had none.
    """
    stage, source = config.stage, as_dict(config)
    if "model" in inputs:
        if inputs["model"].done:
            return dict(inputs["model"].result["facets"])
        stage, source = inputs["model"].stage, dict(origins["model"])
    init = source.get("init", "random")
    arm = init if init == "random" else read_config(Run(Path(init)), planned)["objective"]
    return {
        "arm": source["objective"] if stage == "pretrain" else arm,
        "data": data,
        "protocol": protocol(stage, source),
        "seed": source["seed"],
        "fold": source.get("fold"),
        "backbone": source.get("backbone", ""),
    }


def protocol(stage: str, config: Mapping[str, Any]) -> str:
    """Name of the protocol in tables."""
    if stage != "finetune":
        return {"probe": "linear probe"}.get(stage, stage)
    labels = f"{config['labels_per_class']} labels per class" if config["labels_per_class"] else "all labels"
    still = config["frames"] == 1 or config["stride"] == 0
    seen = f", perturbed by {' '.join(config['perturb'])}" if config.get("perturb") else ""
    return f"fine-tune, {labels}" + (", single frame" if still else "") + seen


def read_config(run: Run, planned: Planned) -> Mapping[str, Any]:
    """Config of a run, planned or on disk.

    Raises:
        UsageError: no such run.
    """
    if str(run.path) in planned:
        return planned[str(run.path)]
    path = run.path / "config.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{run.path}: not a run folder (no config.yaml).") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise MuybridgeError(f"{path}: damaged. Delete its folder and run its command again.") from error
    if not isinstance(content, dict):
        raise MuybridgeError(f"{path}: damaged. Delete its folder and run its command again.")
    return content


def execute(config: Control, progress: Progress | None = None, subject: Subject | None = None) -> Run:
    """Run a stage unless its result exists; safe against a second process and against being killed.

    Args:
        config: what to do.
        progress: told how far it is.
        subject: a model under test that was handed over as an object.
    """
    job = resolve(config, subject=subject)
    run = job.run
    run.path.mkdir(parents=True, exist_ok=True)
    if int(os.environ.get("RANK", "0")) > 0:
        if not run.done:
            pick("stages", STAGES, job.stage)(job, None)
        return run
    with FileLock(run.path / ".lock"):
        for draft in run.path.glob(".*.part"):
            draft.unlink(missing_ok=True)
        if not run.done:
            _execute(job, progress)
        shutil.rmtree(run.path / "state", ignore_errors=True)
        (run.path / "error.log").unlink(missing_ok=True)
    return run


def _execute(job: Job, progress: Progress | None) -> None:
    for name, needed in job.inputs.items():
        if not needed.done:
            raise UsageError(f"--{name} {needed.path}: this run is not finished; run its command first.")
    path = job.run.path
    write_yaml(path / "config.yaml", as_dict(job.config))
    write_json(path / "env.json", environment())
    result = pick("stages", STAGES, job.stage)(job, progress)
    write_json(path / "result.json", describe(job) | result)


def describe(job: Job) -> dict[str, Any]:
    """What every ``result.json`` says of its run."""
    return {
        "version": RECORD_VERSION,
        "stage": job.stage,
        "signature": job.signature,
        "config": as_dict(job.config),
        "facets": job.facets,
        "inputs": {
            name: {"stage": run.stage, "signature": run.signature} for name, run in job.inputs.items()
        },
        "precision": job.config.precision,
        "limited": job.config.limit is not None,
        "notes": job.notes,
        "command": job.command,
    }


def command(config: Any) -> str:
    """Command line that differs from the defaults only where the config does."""
    import shlex

    default = type(config)()
    words = ["muybridge", config.stage]
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if value == getattr(default, item.name) and item.name != "out":
            continue
        flag = "--" + item.name.replace("_", "-")
        if isinstance(value, bool):
            words += [flag if value else flag.replace("--", "--no-", 1)]
        else:
            words += [flag, *(map(str, value) if isinstance(value, tuple) else [str(value)])]
    return shlex.join(words)


def environment() -> dict[str, Any]:
    """Versions and machine of a run."""
    import numpy
    import torch

    return {
        "muybridge": muybridge.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "argv": sys.argv,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
