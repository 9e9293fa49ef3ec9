"""Every field of every config is in the name of a run and in the hash of its protocol, or stands in a list here with its reason."""

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, Literal

import pytest

from muybridge.config.stage_configs import Control, as_dict, kind_of
from muybridge.runs.signing import NOT_SIGNED, signature, signed_fields
from muybridge.runs.stages import STAGES
from muybridge.stages.training.transfer_protocol import transfer_of

UNSIGNED = {
    "out", "resume", "overwrite", "device", "workers", "dry_run", "track",  # where and how, never what
    "data", "label", "group", "root", "where", "stream", "allow_links", "allow_broken",  # the fingerprint of the data is signed
    "init", "model", "teachers", "weights", "classes",  # signed by their content
    "trust_code",  # consent
}  # fmt: skip
NO_PROTOCOL = UNSIGNED | {
    "precision", "seed", "limit", "backbone", "fold", "folds", "weights_key", "weights_prefix", "prereg",
}  # fmt: skip
"""What two transfers of one table may differ in: model, data, seed, and whether they were registered before."""
ARMS = {
    "auxiliary", "auxiliary_options", "auxiliary_only_views", "weighting", "weighting_options", "mode", "meta_share",
    "budget", "budget_unit", "teachers", "teacher_temperature", "teacher_classes",
    "teacher_views", "feature_weight", "feature_targets",
}  # fmt: skip
"""What arms of one fine-tuning differ in by design, and are named by: other losses beside the labels, or as many clips without."""
FROZEN = {"batch", "ks"}
"""Features are the same in batches of any size; what is reported besides does not touch the answers of the table."""


def other(kind: Any, value: Any) -> Any:
    """A value of the same kind that differs."""
    origin = typing.get_origin(kind)
    if origin is Literal:
        return next(one for one in typing.get_args(kind) if one != value)
    if origin in (typing.Union, types.UnionType):
        return other(next(one for one in typing.get_args(kind) if one is not type(None)), value)
    if origin is tuple:
        inner = typing.get_args(kind)[0]
        return (*value, other(inner, value[-1] if value else None))
    if kind is bool:
        return not value
    if kind in (int, float):
        return kind((value or 0) + 1)
    return Path("elsewhere") if kind is Path else f"{value}-other"


def changes(kind: type[Control]) -> list[tuple[str, Control]]:
    """(field, a config that differs in it)."""
    hints, plain = typing.get_type_hints(kind), kind()
    return [
        (
            field.name,
            dataclasses.replace(plain, **{field.name: other(hints[field.name], getattr(plain, field.name))}),
        )
        for field in dataclasses.fields(kind)
    ]


CASES = [(stage, *case) for stage in STAGES for case in changes(kind_of(stage))]
TRANSFERS = [case for case in CASES if case[0] in ("finetune", "probe", "knn", "retrieval")]


@pytest.mark.parametrize(("stage", "name", "changed"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_a_field_is_signed_or_listed(stage: str, name: str, changed: Control):
    names = [signature(stage, as_dict(config), {}) for config in (kind_of(stage)(), changed)]
    assert (names[0] != names[1]) is (name not in NOT_SIGNED)
    assert name not in NOT_SIGNED or name in UNSIGNED, "a field that is not signed needs a reason here"


@pytest.mark.parametrize(
    ("stage", "name", "changed"), TRANSFERS, ids=[f"{case[0]}-{case[1]}" for case in TRANSFERS]
)
def test_a_field_is_in_the_protocol_or_listed(stage: str, name: str, changed: Any):
    plain: Any = kind_of(stage)()
    out = NO_PROTOCOL | (FROZEN if stage != "finetune" else ARMS)
    differs = transfer_of(plain).hash != transfer_of(changed).hash
    assert differs is (name not in out), name


def test_the_lists_name_only_what_there_is():
    known = {field.name for stage in STAGES for field in dataclasses.fields(kind_of(stage))}
    assert known >= (UNSIGNED | NO_PROTOCOL | FROZEN | ARMS)
    assert set(NOT_SIGNED) & known <= UNSIGNED
    assert signed_fields({"lr": 1.0, "out": "x"}) == {"lr": 1.0}
