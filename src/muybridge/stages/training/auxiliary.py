"""Auxiliary tasks of a config: their options, from ``task.name=value`` words to what their constructors take."""

import json
from collections.abc import Mapping, Sequence

from muybridge.config.stage_configs import Optimisation, PretrainConfig, change
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.objectives import OBJECTIVES
from muybridge.stages.training import options as single

FLAG = "--auxiliary-options"
OWN = ("stride", "gap", "augment", "augment2")
"""Fields of a config that a task can have for itself, beside the options of its constructor."""


def task_configs(config: Optimisation) -> dict[str, PretrainConfig]:
    """What each auxiliary task would be pretrained with: its options and augmentations spelt out, by name.

    Raises:
        UsageError: an option that it does not have, a task that is none of the auxiliaries, a word that is none.
    """
    words: dict[str, dict[str, object]] = {name: {} for name in config.auxiliary}
    for word in config.auxiliary_options:
        task, dot, rest = word.partition(".")
        if not dot or task not in words:
            raise UsageError(
                f"{FLAG} {word}: wanted task.name=value with a task of --auxiliary ({', '.join(words) or 'none given'})."
                f"{suggestion(task, words)}"
            )
        name, value = single.parse_word(rest, FLAG, word)
        words[task][name] = value
    return {name: _task_config(config, name, given) for name, given in words.items()}


def _task_config(config: Optimisation, task: str, given: Mapping[str, object]) -> PretrainConfig:
    facts = OBJECTIVES[task].facts if task in OBJECTIVES else {}
    stride = min(1, config.stride) if facts.get("consecutive") else config.stride
    base = PretrainConfig(
        objective=task, backbone=config.backbone, frames=config.frames, stride=stride, gap=0, crop=config.crop,
        objective_options=tuple(f"{name}={json.dumps(value)}" for name, value in given.items() if name not in OWN),
    )  # fmt: skip
    own = {name: value for name, value in given.items() if name in OWN}
    try:
        return single.complete(change(base, own, f"{FLAG} {task}"))
    except UsageError as error:
        raise UsageError(
            str(error).replace(f"{single.FLAG} ", f"{FLAG} {task}.").replace(single.FLAG, FLAG)
        ) from error


def complete_words(config: Optimisation) -> tuple[str, ...]:
    """Every option of every auxiliary task, as words, so that they are printed, saved and signed."""
    words = []
    for task, own in task_configs(config).items():
        words += [f"{task}.{word}" for word in own.objective_options]
        for name in OWN:
            value = getattr(own, name)
            words.append(f"{task}.{name}={json.dumps(list(value) if isinstance(value, tuple) else value)}")
    return tuple(words)


def listed(names: Sequence[str]) -> str:
    """Names in words, for arms: all of them up to two, else how many."""
    return " ".join(names) if len(names) < 3 else f"{len(names)} tasks"
