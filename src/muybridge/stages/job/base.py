"""The config that flags start from: defaults, a preset, the recipe of a pretext task, a file; each over the one before."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from muybridge.config import recipes
from muybridge.config.presets import PRESETS
from muybridge.config.stage_configs import Control, PretrainConfig
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

C = TypeVar("C", bound=Control)


def preset(kind: type[C], name: str, given: Mapping[str, object] | None = None) -> C:
    """The config of a stage under a preset; of pretraining, that of its task.

    Args:
        kind: of the config.
        name: of the preset.
        given: fields that will be put over it, of which ``objective`` and ``objective_preset`` name a recipe.

    Raises:
        UsageError: unknown preset, one without values for the stage, or a task without a recipe of its paper.
    """
    if name not in PRESETS:
        raise UsageError(f"--preset {name}: unknown.{suggestion(name, PRESETS)} Known: {', '.join(PRESETS)}.")
    values = PRESETS[name]
    stage = kind.stage
    if values and stage not in values:
        raise UsageError(f"--preset {name}: has no values for {stage}; it has them for {', '.join(values)}.")
    learnt = trained(given or {}, name) if issubclass(kind, PretrainConfig) else {}
    return kind(**values.get(stage, {}), **learnt)


def trained(given: Mapping[str, object], name: str = "tiny") -> dict[str, Any]:
    """Fields of a pretraining by the recipe of its task; none where no recipe is asked for.

    Under a preset of the benchmark these are all of them; under another one those of training alone.

    Args:
        given: fields that will be put over it.
        name: of the preset.
    """
    asked, whole = given.get("objective_preset"), name.startswith("benchmark")
    if not whole and asked != "paper":
        return {}
    return recipes.values(
        str(given.get("objective", PretrainConfig.objective)), str(asked or "benchmark"), whole
    )


def give_way(config: C, name: str) -> C:
    """The config with the backbone of the preset called ``name`` given up where ``--init`` is a run, which has its own."""
    init: str = getattr(config, "init", "random")
    given = PRESETS[name].get(getattr(config, "stage", ""), {}).get("backbone")
    if init == "random" or getattr(config, "backbone", None) != given:
        return config
    from muybridge.config.names import is_weights  # imports torch, which other configs need not wait for

    if is_weights(init):
        return config
    return dataclasses.replace(config, backbone=type(config)().backbone)  # type: ignore[call-arg, attr-defined]


def read_fields(path: Path) -> dict[str, object]:
    """Fields of a config in a YAML file.

    Raises:
        UsageError: unreadable, or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"--config {path}: cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise UsageError(f"--config {path}: wanted 'name: value' lines.")
    return content
