"""Configs as a run has them: with full paths and what its inputs decide; and the command that makes it again."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muybridge.config.names import is_external
from muybridge.config.stage_configs import C, RobustnessConfig, SimilarityConfig, ZeroshotConfig, as_dict
from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.perturb.profiles import profile_of
from muybridge.stages.features import compared
from muybridge.stages.job import declared
from muybridge.stages.job.base import preset
from muybridge.stages.job.origins import Planned
from muybridge.stages.testing import models
from muybridge.store.storage import local, portable

WORDS_OR_FILES = ("words", "candidates", "templates", "names", "seen")
"""Fields of a zero-shot run whose value is a name or a file."""


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
    if getattr(config, "label_changing", ()):
        places["label_changing"] = declared.absolute(config.label_changing)  # type: ignore[attr-defined]
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
        config = dataclasses.replace(config, data=tuple(model["data"]), root=config.root or model["root"])
        if isinstance(config, ZeroshotConfig):
            config = dataclasses.replace(
                config, label=config.label or model["label"], group=config.group or model["group"]
            )
    if isinstance(config, RobustnessConfig) and not config.types:
        return dataclasses.replace(config, types=tuple(profile_of(config.profile).types))
    return config


def command(config: Any, verb: Sequence[str] = ()) -> str:
    """Command line that differs from the defaults only where the config does; ``verb`` is the stage when not given."""
    default = preset(type(config), "tiny", as_dict(config))
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
