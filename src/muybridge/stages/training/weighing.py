"""The weighting of a config in words: its options spelt out, and how an arm with several tasks is called."""

import dataclasses
import json
import math
from typing import TypeVar

from muybridge.config.config_fields import ConfigFields
from muybridge.config.stage_configs import Optimisation, change
from muybridge.core.catalogue import pick
from muybridge.core.errors import UsageError
from muybridge.stages.training import auxiliary
from muybridge.stages.training import options as single
from muybridge.weighting import WEIGHTINGS

FLAG = "--weighting-options"
T = TypeVar("T", bound=Optimisation)


def words_of(config: Optimisation) -> dict[str, object]:
    """Options of the weighting that were given, ``--mode`` among them.

    Raises:
        UsageError: a word that is none; a mode twice.
    """
    given = dict(single.parse_word(word, FLAG, word) for word in config.weighting_options)
    if config.mode is not None:
        if given.get("mode", config.mode) != config.mode:
            raise UsageError(f"--mode {config.mode} and {FLAG} mode={given['mode']}: give one.")
        given["mode"] = config.mode
    return given


def options_of(config: Optimisation) -> dict[str, object]:
    """Every option of the weighting; of ``fixed`` the weights that were given.

    Raises:
        UsageError: unknown weighting, or an option that it does not have.
    """
    kind, given = pick("weightings", WEIGHTINGS, config.weighting), words_of(config)
    if config.weighting != "fixed":
        if "mode" in given and not hasattr(single.defaults(kind, 0), "mode"):
            raise UsageError(
                f"--mode {given['mode']}: the weighting {config.weighting} has no modes; leave it out."
            )
        return dataclasses.asdict(change(single.defaults(kind, 0), given, FLAG))
    for name, weight in given.items():
        if (
            isinstance(weight, bool)
            or not isinstance(weight, int | float)
            or not math.isfinite(weight)
            or weight < 0
        ):
            raise UsageError(f"{FLAG} {name}={weight}: wanted a weight of 0 or more.")
    return given


def complete_words(config: Optimisation) -> tuple[str, ...]:
    """Every option of the weighting as words."""
    return tuple(f"{name}={json.dumps(value)}" for name, value in sorted(options_of(config).items()))


def spelt(config: T) -> T:
    """The config with every option of its auxiliary tasks and of its weighting spelt out, ``--mode`` among the latter."""
    if (
        not config.auxiliary
        and not config.auxiliary_options
        and config.weighting == "fixed"
        and not words_of(config)
    ):
        return config
    return dataclasses.replace(
        config, auxiliary_options=auxiliary.complete_words(config), weighting_options=complete_words(config), mode=None
    )  # fmt: skip


def in_words(config: ConfigFields) -> str:
    """What an arm's name says of auxiliary tasks, their weighting and a budget of its own; empty for a plain run.

    Args:
        config: fields of a training run, options spelt out.
    """
    tasks = tuple(config.get("auxiliary") or ())
    listed = (
        " ".join(tasks) if config.get("prereg") else auxiliary.listed(tasks)
    )  # sets of a registered study are told apart
    said = f" + {listed}" if tasks else ""
    if config.get("auxiliary_only_views"):
        said += ", views only"
    name = config.get("weighting", "fixed")
    if tasks or name != "fixed" or config.get("teachers"):
        said += f", {name}{_options(name, config)}"
    if config.get("budget") is not None and "epochs" in config:
        said += f", {config['budget']:,} {config.get('budget_unit') or 'clips'}"
    return said


def _options(name: str, config: ConfigFields) -> str:
    """Options that differ from their defaults; the mode without its name, many weights as one word."""
    given = dict(single.parse_word(word, FLAG, word) for word in config.get("weighting_options") or ())
    if name == "fixed":
        alike = set(given.values())
        if len(alike) == 1 and given.keys() == set(config.get("auxiliary") or ()):
            return f" {alike.pop():g}"
        if len(given) > 2:
            return " weights"
        return "".join(f" {task} {weight:g}" for task, weight in given.items())
    try:
        usual = dataclasses.asdict(single.defaults(pick("weightings", WEIGHTINGS, name), 0))
    except UsageError:  # of a package that is not there any more
        usual = {}
    mode = f" {given['mode']}" if "mode" in given else ""
    return mode + "".join(
        f" {key} {value}"
        for key, value in sorted(given.items())
        if key != "mode" and key in usual and value != usual[key]
    )
