"""What a run starts from: its inputs on disk or planned, and what their configs say."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muybridge.backbones.weights import elsewhere
from muybridge.config.names import is_external, is_weights
from muybridge.config.stage_configs import KINDS, C, ZeroshotConfig, as_dict, change
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import read_yaml
from muybridge.runs.contents import snapshots
from muybridge.runs.kept import check_sound
from muybridge.runs.mirror import fetch
from muybridge.runs.records import Run
from muybridge.stages.features import compared
from muybridge.stages.job import consent

Planned = Mapping[str, Mapping[str, Any]]
"""Configs by run folder, of runs that a study will make before."""

TEACHERS = ("finetune", "probe")
"""Stages whose runs can teach."""


def find_inputs(config: Any) -> dict[str, Run]:
    """Run folders named by ``init``, ``model`` and the words of networks that are compared, and by ``teachers`` (``teacher-1`` and so on).

    Raises:
        UsageError: not the folder of a run of the right kind.
    """
    zeroshot = isinstance(config, ZeroshotConfig)
    of_model = ("pretrain", "finetune", "probe") if zeroshot else ("finetune", "probe", "zeroshot")
    wanted = {"init": ("pretrain",), "model": of_model}
    other = {
        "init": "a file of public weights (.safetensors, .pt, .pth, .ckpt, ...) or random",
        "model": "i3d, torchvision:NAME, hf:NAME or module:function",
    }
    found = {}
    for name, stages in wanted.items():
        value = getattr(config, name, None)
        foreign = is_external if name == "model" else is_weights
        if value is None or value == "random" or foreign(value):
            continue
        run = Run(Path(snapshots.split(value)[0]))
        if run.stage not in stages and (words := elsewhere.by_name(run.signature)):
            raise UsageError(f"--{name} {run.signature}: {words}.")
        if run.stage not in stages:
            raise UsageError(
                f"--{name} {value or '(nothing)'}: wanted a folder OUT/runs/{'|'.join(stages)}/SIGNATURE, {other[name]}."
            )
        found[name] = run
    for place, word in enumerate(getattr(config, "teachers", ()), start=1):
        run = Run(Path(word))
        if run.stage not in TEACHERS:
            raise UsageError(
                f"--teachers {word or '(nothing)'}: wanted folders OUT/runs/{'|'.join(TEACHERS)}/SIGNATURE."
            )
        found[f"teacher-{place}"] = run
    for name in ("a", "b"):
        run_of_word = compared.run_of(getattr(config, name, ""))
        if run_of_word is not None:
            found[name] = run_of_word
    return found


def consented(config: C, inputs: Mapping[str, Run], origins: Planned, planned: Planned) -> C:
    """The config with its ``trust_code`` enlarged by the code of planned inputs, which the user named in the same study.

    Raises:
        UsageError: an input on disk names code that the user did not name.
    """
    trusted = consent.given(vars(config))
    added: set[str] = set()
    for name, run in inputs.items():
        if str(run.path) in planned:
            added |= {word for _, word in consent.code_in(origins[name])}
            continue
        consent.demand(origins[name], run.path / "config.yaml", trusted)
        if run.done:
            consent.demand(result_config(run), run.path / "result.json", trusted)
    return dataclasses.replace(config, trust_code=(*config.trust_code, *sorted(added - trusted)))


def read_config(run: Run, planned: Planned) -> Mapping[str, Any]:
    """Config of a run, planned or on disk, with the defaults of fields that an older version did not have.

    Raises:
        UsageError: no such run.
        MuybridgeError: damaged, or not what was written.
    """
    if str(run.path) in planned:
        return planned[str(run.path)]
    fetch(run, weights=False)
    if run.done:
        check_sound(run)
    path = run.path / "config.yaml"
    try:
        content = read_yaml(path)
    except OSError as error:
        raise UsageError(f"{run.path}: not a run folder (no config.yaml).") from error
    return _typed(content, run.stage, path)


def result_config(run: Run) -> Mapping[str, Any]:
    """Config of a finished run as its ``result.json`` has it.

    Raises:
        MuybridgeError: damaged.
    """
    return _typed(run.result.get("config"), run.stage, run.path / "result.json")


def _typed(content: Any, stage: str, path: Path) -> dict[str, Any]:
    """The fields of a stage's config in what was read from a file, each of its type."""
    if stage not in KINDS or not isinstance(content, dict):
        raise _damaged(path)
    kind = KINDS[stage]
    known = {field.name for field in dataclasses.fields(kind)}
    try:
        return as_dict(change(kind(), {name: content[name] for name in content if name in known}, str(path)))
    except UsageError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> MuybridgeError:
    return MuybridgeError(f"{path}: damaged. Delete its folder and run its command again.")
