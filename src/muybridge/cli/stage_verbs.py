"""The commands that run one stage: their config as flags, over a preset and a file; the same for studies."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro
import yaml

from muybridge.cli import show
from muybridge.cli.flags import Branch, Flags, parse
from muybridge.config.presets import PRESETS
from muybridge.config.stage_configs import (
    Control,
    FinetuneConfig,
    SimilarityConfig,
    as_dict,
    change,
    kind_of,
)
from muybridge.core.errors import UsageError
from muybridge.core.text.redact import redact
from muybridge.stages.job.base import give_way, preset, read_fields

C = TypeVar("C", bound=Control)
DISTILL = "Train a student on labels and on the softened answers of one or more teachers: finetune with other names and defaults."
TEACHERS = "wanted --teachers with one or more folders OUT/runs/finetune|probe/SIGNATURE."


@dataclass(frozen=True)
class StageVerb:
    """A command whose flags are the config of a stage.

    Attributes:
        own: fields that the command has otherwise than the config: (name, type, default).
        about: what it does; the docstring of ``kind`` when not given.
    """

    name: str
    kind: type[Control]
    own: tuple[tuple[str, object, object], ...] = ()
    about: str = ""

    def run(self, words: Sequence[str]) -> int:
        """Run the stage, or say what it would do."""
        if self.kind is SimilarityConfig:
            words = _named(words)
        config, besides = read_config(self.kind, f"muybridge {self.name}", words, self.own, self.about)
        if self.name == "distill" and isinstance(config, FinetuneConfig) and not config.teachers:
            raise UsageError(f"distill: {TEACHERS}")
        from muybridge import api

        if besides["print_config"]:
            return print_config(api.resolved_config(config))
        if config.dry_run:
            return show.stage_plan(config)
        if isinstance(config, SimilarityConfig):
            run = api.run_similarity(config, announce=show.resolved)
        else:
            run = api.run_stage(config, announce=show.resolved)
        return 0 if os.environ.get("RANK", "0") != "0" else show.result(run)

    def branch(self) -> Branch:
        """Its flags."""
        return flags_of(self.kind, self.own)


def stage_verb(name: str) -> StageVerb:
    """The command of that name: a stage, or ``distill``, which is fine-tuning under names of its own."""
    if name != "distill":
        return StageVerb(name, kind_of(name))
    student = tyro.conf.arg(name="student", aliases=("--backbone",))
    own = (
        ("backbone", Annotated[str, student], FinetuneConfig.backbone),
        ("weighting", str, "ae-kd"),
    )
    return StageVerb(name, FinetuneConfig, own, DISTILL)


def flags_of(kind: type[Control], own: Sequence[tuple[str, object, object]] = ()) -> Flags:
    """A dataclass with the fields of a config, and what is asked for besides: a preset, a file, and to see it all."""
    known = tuple(
        name for name, values in PRESETS.items() if not values or getattr(kind, "stage", "") in values
    )
    arg = tyro.conf.arg
    besides: list[tuple[str, object, object]] = [
        ("preset", Annotated[Literal[known], arg(help="Values to start from (`muybridge list presets`).")], "tiny"),
        ("config", Annotated[Path | None, arg(help="A file of values (YAML) over those of the preset; flags override both.")], None),
        ("print_config", Annotated[bool, arg(help="Print the whole resolved config as YAML, which --config reads, and stop.")], False),
    ]  # fmt: skip
    made = [(name, type_, field(default=default)) for name, type_, default in (*own, *besides)]
    return make_dataclass(kind.__name__, made, bases=(kind,), frozen=True, kw_only=True)


def read_config(
    kind: type[C],
    program: str,
    words: Sequence[str],
    own: Sequence[tuple[str, Any, Any]] = (),
    about: str = "",
) -> tuple[C, dict[str, object]]:
    """A config from defaults, a preset, a task's recipe, a file and flags, each over the one before; and what was asked for besides.

    Raises:
        UsageError: unknown preset, file or flag, with the nearest one; a value of another type.
    """
    flags, names = flags_of(kind, own), [one.name for one in fields(kind)]

    def read(base: object) -> Any:
        return parse(flags, program, words, about or kind.__doc__ or "", base, markers=())

    def over_file(base: C) -> C:
        return change(base, content, f"--config {found.config}")

    found = read(flags())
    content = {} if found.config is None else read_fields(found.config)
    plain = replace(kind(), **{name: default for name, _, default in own if name in names})
    # What a preset, a recipe and a file say stands under the flags, so the words are read again on top of them; the recipe is that of the
    # task that the flags name, or else the file.
    asked = read(flags(**vars(over_file(plain)))) if content else found
    begun = preset(kind, found.preset, vars(asked))
    base = over_file(replace(begun, **{name: default for name, _, default in own if name in names}))
    if base != plain:
        found = read(flags(**vars(base)))
    given = vars(found)
    config = kind(**{name: given[name] for name in names})
    return give_way(config, found.preset), {name: given[name] for name in given if name not in names}


def parse_config(kind: type[C], program: str, words: Sequence[str]) -> C:
    """The config alone, as ``read_config`` makes it."""
    return read_config(kind, program, words)[0]


def print_config(config: Control) -> int:
    """Print every field as YAML."""
    values = redact(as_dict(show.on_device(config)))
    yaml.safe_dump(values, sys.stdout, sort_keys=False, allow_unicode=True, width=10**6)
    return 0


def _named(words: Sequence[str]) -> list[str]:
    """The words in front of the first flag are A and B."""
    flags = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    if flags > 2:
        raise UsageError(f"similarity compares two networks, got {' '.join(words[:flags])!r}.")
    named = [word for pair in zip(("--a", "--b"), words[:flags], strict=False) for word in pair]
    return [*named, *words[flags:]]
