"""Options of a pretext task: from a preset, the size of the backbone and ``name=value`` words to what its constructor takes.

Its augmentations are found the same way.
"""

import dataclasses
import inspect
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

import yaml

from muybridge.backbones import BACKBONES
from muybridge.config import recipes
from muybridge.config.stage_configs import PretrainConfig, Step, change
from muybridge.core.catalogue import pick
from muybridge.core.errors import UsageError
from muybridge.objectives import AUGMENT, OBJECTIVES

FLAG = "--objective-options"


def complete(config: PretrainConfig) -> PretrainConfig:
    """The config with every option and the augmentations of its task spelt out, so that they are printed, saved and signed."""
    words = [f"{name}={json.dumps(value)}" for name, value in sorted(options(config).items())]
    first, second = augmentations(config)
    return dataclasses.replace(config, objective_options=tuple(words), augment=first, augment2=second)


def augmentations(config: PretrainConfig) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Lists of the first and the second view; the second is empty where it is the first.

    What the config says wins; then come the paper's or the tiny list of the task, the one it has under the benchmark, the common one.
    """
    if config.augment:
        return config.augment, config.augment2
    known = AUGMENT | facts_of(config).get("augment", {})
    preset = config.objective_preset
    own = (
        known["tiny"] if preset == "benchmark" and is_tiny(config) else known.get(preset, known["benchmark"])
    )
    return own[0], config.augment2 or (own[1] if len(own) > 1 else ())


def options(config: PretrainConfig) -> dict[str, object]:
    """Every option of the constructor of a config's task, by name.

    Later ones win: the constructor's defaults (the benchmark's values), the task's values for a tiny backbone or those of the paper,
    ``--complexity``, ``--objective-options``.

    Raises:
        UsageError: an option or a complexity that the task does not have, a word that is none, a value of the wrong type.
    """
    known = defaults(pick("objectives", OBJECTIVES, config.objective))
    given = named(config) | _complexity(config)
    words = dict(parse_word(word, FLAG, word) for word in config.objective_options)
    for name in given.keys() & words.keys() & _complexity(config).keys():
        if given[name] != words[name]:
            raise UsageError(
                f"--complexity {given[name]} and {FLAG} {name}={words[name]}: both set {name!r}; give one."
            )
    return dataclasses.asdict(change(known, given | words, FLAG))


@cache
def defaults(kind: Any, given: int = 1) -> Any:
    """A frozen dataclass of the options that a constructor takes, with its values.

    Args:
        kind: the class.
        given: arguments in front that are no options; a task has one, the length of the backbone's feature.
    """
    hints = get_type_hints(kind.__init__)
    fields = [
        (p.name, hints[p.name], dataclasses.field(default=p.default))
        for p in list(inspect.signature(kind).parameters.values())[given:]
    ]
    return dataclasses.make_dataclass("Options", fields, frozen=True)()


def named(config: PretrainConfig) -> dict[str, object]:
    """Values of the paper's preset, or those that a tiny backbone needs."""
    facts = facts_of(config)
    if config.objective_preset != "benchmark":
        return dict(facts.get("presets", {}).get(config.objective_preset, {}))
    return dict(facts.get("tiny", {})) if is_tiny(config) else {}


def followed(config: PretrainConfig) -> dict[str, object] | None:
    """Task, preset and hash of the recipe that a complete config names, and the fields and options that ``differ`` from it.

    None for a task that is not in the table.
    """
    if config.objective not in recipes.RECIPES:
        return None
    found = recipes.recipe(config.objective, config.objective_preset)
    told = vars(config) | options(config)
    differ = [name for name, one in found.items() if name in told and told[name] != one.value]
    return {
        "task": config.objective,
        "preset": config.objective_preset,
        "hash": recipes.digest(found),
        "differ": sorted(differ),
    }


def facts_of(config: PretrainConfig) -> Mapping[str, Any]:
    """Facts of the task; none of a task from outside."""
    return OBJECTIVES[config.objective].facts if config.objective in OBJECTIVES else {}


def is_tiny(config: PretrainConfig) -> bool:
    """Whether the backbone is of the tiny group."""
    return config.backbone in BACKBONES and BACKBONES[config.backbone].facts.get("group") == "tiny"


def _complexity(config: PretrainConfig) -> dict[str, int]:
    if config.complexity is None:
        return {}
    facts = facts_of(config)
    if "complexity" not in facts:
        raise UsageError(
            f"--complexity {config.complexity}: {config.objective} has no levels of complexity; leave it out."
        )
    return {facts["complexity"]: config.complexity}


def parse_word(word: str, flag: str, shown: str) -> tuple[str, object]:
    """Name and value of a ``name=value`` word.

    Args:
        word: of that kind.
        flag: that it was given with, for errors.
        shown: the whole word that was given.

    Raises:
        UsageError: not of that kind.
    """
    name, sign, text = word.partition("=")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{flag} {shown}: {text!r} is no value.") from error
    if not sign or not name or (value is None and text != "null"):
        raise UsageError(f"{flag} {shown}: wanted name=value words, as in queue=512.")
    return name, value


@cache
def encoded_of(task: str, backbone: str, complexity: int | None = None) -> tuple[int, int]:
    """Clips that a pretext task encodes of every video by its defaults, and how many of them without a gradient; (1, 0) from outside."""
    if task not in OBJECTIVES:
        return 1, 0
    asked = PretrainConfig(objective=task, backbone=backbone, complexity=complexity)
    made: Any = OBJECTIVES[task].load()(8, **options(asked))
    return int(made.clips), int(made.without_gradient)
