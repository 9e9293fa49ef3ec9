"""Configs as a run has them: with full paths and the backbone of what they start from; and the command that makes it again."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muybridge.backbones.exported import exported_name
from muybridge.backbones.outside import exported_folder
from muybridge.config.names import is_external
from muybridge.config.stage_configs import C, Control, Data, as_dict
from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.stages.job.base import preset
from muybridge.stages.job.origins import Planned
from muybridge.stages.testing import models
from muybridge.store.storage import local, portable


def absolute(config: C) -> C:
    """The config with full paths, so that its command and its file work from anywhere."""
    values = vars(config)
    places: dict[str, Any] = {"out": local(config.out).absolute()}
    for name in ("data", "pretrain_data"):
        if values.get(name):
            places[name] = tuple(map(sources.absolute, values[name]))
    for name in ("root", "init", "model", "weights", "classes"):
        value = values.get(name)
        if value and value != "random" and not (name == "model" and is_external(value)):
            places[name] = full(value)
    for name in ("backbone", "model"):
        value = str(values.get(name, ""))
        folder = Path(value.removeprefix("hf:")).expanduser()
        if value.startswith("hf:") and folder.is_dir() and models.own_folder(value):
            places[name] = f"hf:{folder.absolute()}"
    return dataclasses.replace(config, **(places | _of_exported(config)))


def _of_exported(config: Control) -> dict[str, str]:
    """Fields of a config whose ``init`` or ``model`` is a folder of ``muybridge export --format hf``: its file of weights and its network.

    Raises:
        UsageError: another network is asked for, or one that is not in the catalogue.
        MuybridgeError: damaged.
    """
    found: dict[str, str] = {}
    values = vars(config)
    model, init = values.get("model"), values.get("init")
    if isinstance(model, str) and exported_folder.is_exported(model):
        found["model"] = f"hf:{full(model)}"
    if isinstance(config, Data) and isinstance(init, str) and exported_folder.is_exported(init):
        read = exported_folder.read_exported(Path(init))
        backbone = exported_name(read)
        if config.backbone not in (type(config)().backbone, backbone):
            raise UsageError(
                f"--backbone {config.backbone}: the folder of --init has {backbone}; leave --backbone out."
            )
        found |= {"init": str(read.folder / exported_folder.WEIGHTS), "backbone": backbone}
    return found


def full(word: str) -> str:
    """The full path of a file or folder, or of the folder that stands for a URL."""
    return str(local(word).expanduser().absolute())


def inherit_backbone(config: C, origins: Planned) -> C:
    """The config with the backbone of the pretraining that it starts from.

    Raises:
        UsageError: another one is asked for.
    """
    if "init" not in origins or not isinstance(config, Data):
        return config
    backbone = origins["init"]["backbone"]
    if config.backbone not in (type(config)().backbone, backbone):
        raise UsageError(
            f"--backbone {config.backbone}: the run of --init has {backbone}; leave --backbone out."
        )
    return dataclasses.replace(config, backbone=backbone)


def command(config: Control, verb: Sequence[str] = ()) -> str:
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
