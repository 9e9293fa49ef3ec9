"""Files with the class names of a model: one a line, numbered lines, ``classInd.txt``, JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muybridge.core.errors import UsageError

WANTED = (
    "Wanted one class name per line in the order of the scores, lines with numbers (0 fall, or 1 fall as in classInd.txt), or JSON: a list,"
    ' {"0": name}, {name: 0}, or a config.json with id2label'
)
NUMBERED = re.compile(r"(\d+)\s*[\s,;:.)=]\s*(\S.*)")


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names of a model in the order of its scores.

    Taken are plain lines; lines that all begin with a number, from 0 or from 1 without gaps, in any order; and JSON: a list, names by
    number, numbers by name, or either under ``id2label`` or ``label2id``. In plain files lines that begin with ``#`` say something else.

    Raises:
        UsageError: no such file, another kind of content, a number or name that is missing or stands there twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, f"cannot be read ({error})") from error
    is_json = path.suffix == ".json" or text.lstrip()[:1] == "{"
    names = _of_json(path, text) if is_json else _of_lines(path, text.splitlines())
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice or not names:
        raise _refused(path, f"{twice!r} stands there twice" if twice else "no names")
    return tuple(names)


def _of_lines(path: Path, lines: Sequence[str]) -> list[str]:
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    numbered = [NUMBERED.fullmatch(line) for line in found]
    pairs = [(int(one[1]), one[2].strip()) for one in numbered if one]
    # names may begin with numbers of their own (10 push-ups), which do not count from 0 or 1
    if len(pairs) < len(found) or not pairs or min(pairs)[0] > 1:
        return found
    return _in_order(path, pairs)


def _of_json(path: Path, text: str) -> list[str]:
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"cannot be read as JSON ({str(error)[:100]})") from error
    if isinstance(content, Mapping):
        content = content.get("id2label") or content.get("label2id") or content
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return [name.strip() for name in content]
    if isinstance(content, Mapping) and content:
        forward = _numbers(content.keys())
        if forward is not None and all(isinstance(name, str) for name in content.values()):
            return _in_order(path, list(zip(forward, map(str.strip, content.values()), strict=True)))
        backward = _numbers(content.values())
        if backward is not None:
            # the names that Kinetics was published with stand in quotes of their own
            return _in_order(path, list(zip(backward, (name.strip(" \"'") for name in content), strict=True)))
    raise _refused(path, "holds neither names nor names by number")


def _numbers(values: Any) -> list[int] | None:
    whole = [str(value) for value in values if not isinstance(value, bool | float)]
    return (
        [int(value) for value in whole]
        if all(v.isdecimal() for v in whole) and len(whole) == len(values)
        else None
    )


def _in_order(path: Path, pairs: list[tuple[int, str]]) -> list[str]:
    numbers = sorted(number for number, _ in pairs)
    wanted = range(numbers[0], numbers[0] + len(numbers))
    if numbers[0] not in (0, 1) or numbers != list(wanted):
        first = next((a for a, b in zip(numbers, wanted, strict=True) if a != b), numbers[0])
        raise _refused(path, f"its numbers do not count from 0 or 1 without gaps; look at {first}")
    return [name for _, name in sorted(pairs)]


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(f"--classes {path}: {why}. {WANTED}.")
