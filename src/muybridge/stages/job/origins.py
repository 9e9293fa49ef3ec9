"""What a run starts from: its inputs on disk or planned, and what their configs say."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from muybridge.backbones.weights import elsewhere
from muybridge.config.config_fields import ConfigFields, fields_of, saved_fields
from muybridge.config.names import is_external, is_weights
from muybridge.config.stage_configs import C, Control, change, kind_of
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import read_yaml
from muybridge.runs.contents import snapshots
from muybridge.runs.kept import check_sound
from muybridge.runs.mirror import fetch
from muybridge.runs.records import Run
from muybridge.runs.stages import is_known
from muybridge.stages.job import consent

Planned = Mapping[str, ConfigFields]
"""Configs by run folder, of runs that a study will make before."""

FOREIGN: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "init": (
        is_weights,
        "a file of public weights (.safetensors, .pt, .pth, .ckpt, ...), a folder of export --format hf or random",
    ),
    "model": (
        is_external,
        "a folder of export --format hf, i3d, torchvision:NAME, hf:NAME or module:function",
    ),
}
"""Fields that may name something else than a run: what tells it, and how it is called."""


def find_inputs(config: Control, inputs: Mapping[str, tuple[str, ...]]) -> dict[str, Run]:
    """Run folders that a config names; those of a field with several, as ``teachers``, are called ``teacher-1`` and so on.

    Args:
        config: of a stage.
        inputs: stages of the runs that a field may name.

    Raises:
        UsageError: not the folder of a run of the right kind.
    """
    found = {}
    for name, stages in inputs.items():
        value = vars(config)[name]
        if isinstance(value, tuple):
            for place, word in enumerate(value, start=1):
                key = f"{name.removesuffix('s')}-{place}"
                found[key] = _run(name, word, Run(Path(word)), stages, "folders")
            continue
        is_foreign, other = FOREIGN.get(name, ("".__eq__, ""))
        if value is None or value == "random" or is_foreign(value):
            continue
        run = Run(Path(snapshots.split(value)[0]))
        found[name] = _run(name, value, run, stages, "a folder", f", {other}" if other else "")
    return found


def _run(name: str, word: str, run: Run, stages: tuple[str, ...], wanted: str, other: str = "") -> Run:
    """The run that a word of a field names, of a stage that it may be of."""
    if run.stage in stages:
        return run
    if words := elsewhere.by_name(run.signature):
        raise UsageError(f"--{name} {run.signature}: {words}.")
    raise UsageError(
        f"--{name} {word or '(nothing)'}: wanted {wanted} OUT/runs/{'|'.join(stages)}/SIGNATURE{other}."
    )


def consented(config: C, inputs: Mapping[str, Run], origins: Planned, planned: Planned) -> C:
    """The config with its ``trust_code`` enlarged by the code of planned inputs, which the user named in the same study.

    Raises:
        UsageError: an input on disk names code that the user did not name.
    """
    trusted = consent.given(fields_of(config))
    added: set[str] = set()
    for name, run in inputs.items():
        if str(run.path) in planned:
            added |= {word for _, word in consent.code_in(origins[name])}
            continue
        consent.demand(origins[name], run.path / "config.yaml", trusted)
        if run.done:
            consent.demand(result_config(run), run.path / "result.json", trusted)
    return dataclasses.replace(config, trust_code=(*config.trust_code, *sorted(added - trusted)))


def read_config(run: Run, planned: Planned) -> ConfigFields:
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


def result_config(run: Run) -> ConfigFields:
    """Config of a finished run as its ``result.json`` has it.

    Raises:
        MuybridgeError: damaged.
    """
    return _typed(run.result.get("config"), run.stage, run.path / "result.json")


def _typed(content: object, stage: str, path: Path) -> ConfigFields:
    """The fields of a stage's config in what was read from a file, each of its type."""
    if not is_known(stage) or not isinstance(content, dict):
        raise _damaged(path)
    kind = kind_of(stage)
    known = {field.name for field in dataclasses.fields(kind)}
    try:
        return saved_fields(
            change(kind(), {name: content[name] for name in content if name in known}, str(path))
        )
    except UsageError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> MuybridgeError:
    return MuybridgeError(f"{path}: damaged. Delete its folder and run its command again.")
