"""What a line of the ledger holds, by type: JSON Schema (draft 2020-12), in ``claims/data/ledger.schema.json``."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def schema() -> dict[str, Any]:
    """The whole schema; each type under ``$defs``."""
    content: dict[str, object] = json.loads(
        files("muybridge.claims").joinpath("data", "ledger.schema.json").read_text(encoding="utf-8")
    )
    return content


@cache
def _validator(type_: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator({"$ref": f"#/$defs/{type_}", "$defs": schema()["$defs"]})


def problem(type_: str, body: Mapping[str, object]) -> str:
    """What is wrong with the body of a line, in words; empty if nothing."""
    if type_ not in schema()["$defs"]:
        return f"unknown type {type_!r}"
    found = min(
        _validator(type_).iter_errors(body), key=lambda error: list(map(str, error.path)), default=None
    )
    if found is None:
        return ""
    where = ".".join(str(part) for part in found.path) or "body"
    return f"{where}: {found.message[:300]}"
