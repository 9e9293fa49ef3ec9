"""What a type checker knows of the functions at the front door, held against the configs and the functions themselves."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

import muybridge
from muybridge import api
from muybridge.config import stage_configs as configs
from muybridge.config.config_fields import ConfigFields
from muybridge.config.control import Control
from muybridge.config.embed_config import EmbedConfig, ModelConfig
from muybridge.runs.stages import STAGES
from muybridge.studies.study_configs import QuickstartConfig

CONFIGS: dict[str, type[Control]] = {name: configs.kind_of(name) for name in STAGES}
KINDS: dict[str, type] = {
    **CONFIGS,
    "embed": EmbedConfig,
    "load": ModelConfig,
    "distill": configs.FinetuneConfig,
    "quickstart": QuickstartConfig,
    "audit": configs.AuditConfig,
}
OTHER = {"export", "study", "report", "runs", "compare", "claims", "review"}
TEXT = {str, PathLike[str]}


def parts(kind: object) -> set[object]:
    """The types of a union."""
    return (
        set(get_args(kind))
        if isinstance(kind, types.UnionType) or get_origin(kind) is typing.Union
        else {kind}
    )


def takes(wanted: object, offered: object) -> bool:
    """Whether what a keyword takes is what ``config.fields.fit_value`` makes a field's value of, and no less."""
    if parts(wanted) != {wanted}:
        return {one for one in parts(offered) if one not in TEXT} == {
            one for one in parts(wanted) if one is not str
        } and (str not in parts(wanted) or parts(offered) >= TEXT)
    if wanted in (str, Path):
        return parts(offered) == TEXT
    if get_origin(wanted) is tuple:
        inner = get_args(wanted)[0]
        sequences = [one for one in parts(offered) if getattr(get_origin(one), "__name__", "") == "Sequence"]
        return len(sequences) == 1 and takes(inner, get_args(sequences[0])[0])
    if get_origin(wanted) is Literal:
        return set(get_args(wanted)) == set(get_args(offered))
    return wanted is offered


def own_parameters(verb: str) -> Iterator[str]:
    code = getattr(api, verb).__code__
    yield from code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


@pytest.mark.parametrize("verb", sorted(KINDS))
def test_keywords_are_the_fields_of_the_config(verb: str):
    annotation = getattr(api, verb).__annotations__["values"]
    (kind,) = get_args(annotation)
    hints = get_type_hints(kind)
    wanted = {one.name: one.type for one in dataclasses.fields(KINDS[verb])}
    own = set(own_parameters(verb)) & set(wanted)
    assert set(hints) | own >= set(wanted), sorted(set(wanted) - set(hints) - own)
    assert set(hints) <= set(wanted), sorted(set(hints) - set(wanted))
    assert not set(hints) & own
    wrong = {name: (wanted[name], hint) for name, hint in hints.items() if not takes(wanted[name], hint)}
    assert not wrong


def as_read(wanted: object) -> set[object]:
    """Types of a field as ``ConfigFields`` has them: sequences for tuples, any text for its words."""
    if get_origin(wanted) is tuple:
        (inner,) = as_read(get_args(wanted)[0])
        return {Sequence[inner]}
    if get_origin(wanted) is Literal:
        return {wanted} if wanted == Literal["all"] else {type(one) for one in get_args(wanted)}
    return {Path, str} if wanted is Path else {wanted}


def test_fields_of_configs_are_those_of_all_stages():
    wanted: dict[str, set[object]] = {}
    for kind in CONFIGS.values():
        for name, hint in get_type_hints(kind).items():
            if name != "stage":
                wanted.setdefault(name, set()).update(*map(as_read, parts(hint)))
    assert {name: parts(hint) for name, hint in get_type_hints(ConfigFields).items()} == wanted


@pytest.mark.parametrize("verb", muybridge.__all__)
def test_every_verb_says_what_it_takes_and_returns(verb: str):
    function = getattr(api, verb)
    said = function.__annotations__
    assert said["return"] not in (typing.Any, "Any", object, None)
    assert typing.Any not in said.values()
    assert set(own_parameters(verb)) <= set(said)
    assert set(KINDS) | OTHER == set(muybridge.__all__)


@pytest.mark.parametrize("verb", [*sorted(CONFIGS), "embed", "load"])
def test_help_shows_every_field_with_its_default(verb: str):
    shown = inspect.signature(getattr(muybridge, verb)).parameters
    for field in dataclasses.fields(KINDS[verb]):
        assert field.name in shown
        if shown[field.name].default not in (None, inspect.Parameter.empty):
            assert shown[field.name].default == field.default


def test_the_front_door_shows_the_verbs():
    assert set(muybridge.__all__) <= set(dir(muybridge))
    assert all(callable(getattr(muybridge, name)) for name in muybridge.__all__)
    assert not [name for name in dir(muybridge) if name.startswith("_") and name != "__version__"]
