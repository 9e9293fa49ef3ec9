"""JSON and YAML that may come from anybody, read into plain data: objects with text keys, lists, text, numbers, true, false and nothing.

What parsers let through and later code stumbles over is refused here: nesting without end, numbers of thousands of digits or beyond all
range, halves of letters, aliases that grow into gigabytes, dates, sets and binary data.
"""

import json
import math
import re
from typing import Any, TypeAlias, cast

import yaml

DEPTH = 60
"""Most levels of nesting."""
BITS = 128
"""Most bits of a whole number."""
CONFIG = 1 << 20
"""Most bytes of a YAML file."""
BRACKETS = 1000
"""Most opening brackets in one: those that we write have them for empty lists alone, and the parser's memory grows with them."""
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Plain data: what JSON and YAML of ours hold."""
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableError(ValueError):
    """Why a text is no plain data, in a few words."""


def parse_json(raw: bytes) -> Json:
    """Plain data of a JSON text.

    Raises:
        UnreadableError: not JSON, or not plain.
    """
    try:
        content = json.loads(raw.decode("utf-8"), parse_constant=_constant)
    except UnreadableError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableError(_words(error)) from error
    check_plain(content)
    return cast(Json, content)


def parse_yaml(raw: bytes) -> Json:
    """Plain data of a YAML text without anchors and aliases.

    Raises:
        UnreadableError: not YAML, or not plain.
    """
    if len(raw) > CONFIG or raw.count(b"[") + raw.count(b"{") > BRACKETS:
        raise UnreadableError(f"over {CONFIG:,} bytes or {BRACKETS:,} brackets")
    try:
        text = raw.decode("utf-8")
        if re.search(r"[&*]\S", text) and any(
            getattr(event, "anchor", None) for event in yaml.parse(text, Loader)
        ):
            raise UnreadableError("an anchor or alias")
        content = yaml.load(text, Loader)
    except UnreadableError:
        raise
    except Exception as error:  # PyYAML lets whatever its constructors stumble over through
        raise UnreadableError(_words(error)) from error
    check_plain(content)
    return cast(Json, content)


def check_plain(content: object) -> None:
    """Look at every value.

    Raises:
        UnreadableError: one that JSON of ours never holds.
    """
    waiting = [(content, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > DEPTH:
                raise UnreadableError(f"more than {DEPTH} levels of nesting")
            if isinstance(value, dict):
                for key in value:
                    if not isinstance(key, str):
                        raise UnreadableError(f"a key that is no text, {key!r:.40}")
                    _check_text(key)
            waiting.extend((one, depth + 1) for one in (value.values() if isinstance(value, dict) else value))
        elif isinstance(value, int):
            if value.bit_length() > BITS:
                raise UnreadableError(f"a whole number of {value.bit_length():,} bits")
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise UnreadableError("a number beyond all range")
        elif value is not None:
            raise UnreadableError(f"a {type(value).__name__}")


def _check_text(text: str) -> None:
    if not text.isascii() and re.search("[\ud800-\udfff]", text):
        raise UnreadableError("half a letter (a lone surrogate)")


def _constant(word: str) -> None:
    raise UnreadableError(f"{word} for a number")


def _words(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return f"more than {DEPTH} levels of nesting"
    return " ".join(str(error).split())[:200] or type(error).__name__
