"""Files with the class names of a model or of a data set: one a line, numbered lines, ``classInd.txt``, JSON."""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from muybridge.core.errors import UsageError

WANTED = (
    "Wanted one class name per line in their order, lines with numbers (0 fall, or 1 fall as in classInd.txt), or JSON: a list,"
    ' {"0": name}, {name: 0}, or a config.json with id2label'
)
NUMBERED = re.compile(r"(\d+)\s*[\s,;:.)=]\s*(\S.*)")


@dataclass(frozen=True)
class ClassNames:
    """What a file of classes says.

    Attributes:
        names: in the order of their numbers.
        first: the first number, 0 or 1.
        lines: the file's lines where they are numbered: some have classes whose names begin with a number.
    """

    names: tuple[str, ...]
    first: int = 0
    lines: tuple[str, ...] = ()


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names of a model in the order of its scores, from the file that ``--classes`` names.

    Raises:
        UsageError: as of ``class_names``.
    """
    return class_names(path, f"--classes {path}").names


def class_names(path: Path, said: str = "") -> ClassNames:
    """Class names and their numbers.

    Taken are plain lines; lines that all begin with a number, from 0 or from 1 without gaps, in any order; and JSON: a list, names by
    number, numbers by name, or either under ``id2label`` or ``label2id``. In plain files lines that begin with ``#`` say something else.

    Args:
        path: the file.
        said: how messages name it; its path where empty.

    Raises:
        UsageError: no such file, another kind of content, a number or name that is missing or stands there twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{said or path}: cannot be read ({error}). {WANTED}.") from error
    is_json = path.suffix == ".json" or text.lstrip()[:1] == "{"
    try:
        found = _of_json(text) if is_json else _of_lines(text.splitlines())
        twice = next((name for name, count in Counter(found.names).items() if count > 1), None)
        if twice or not found.names:
            raise ValueError(f"{twice!r} stands there twice" if twice else "no names")
    except ValueError as error:
        raise UsageError(f"{said or path}: {error}. {WANTED}.") from error
    return found


def _of_lines(lines: Sequence[str]) -> ClassNames:
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    numbered = [NUMBERED.fullmatch(line) for line in found]
    pairs = [(int(one[1]), one[2].strip()) for one in numbered if one]
    # names may begin with numbers of their own (10 push-ups), which do not count from 0 or 1
    if len(pairs) < len(found) or not pairs or min(pairs)[0] > 1:
        return ClassNames(tuple(found))
    return replace(_in_order(pairs), lines=tuple(found))


def _of_json(text: str) -> ClassNames:
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"cannot be read as JSON ({str(error)[:100]})") from error
    if isinstance(content, Mapping):
        content = content.get("id2label") or content.get("label2id") or content
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return ClassNames(tuple(name.strip() for name in content))
    if isinstance(content, Mapping) and content:
        forward = _numbers(content.keys())
        if forward is not None and all(isinstance(name, str) for name in content.values()):
            return _in_order(list(zip(forward, map(str.strip, content.values()), strict=True)))
        backward = _numbers(content.values())
        if backward is not None:
            # the names that Kinetics was published with stand in quotes of their own
            return _in_order(list(zip(backward, (name.strip(" \"'") for name in content), strict=True)))
    raise ValueError("holds neither names nor names by number")


def _numbers(values: Collection[object]) -> list[int] | None:
    whole = [str(value) for value in values if not isinstance(value, bool | float)]
    return (
        [int(value) for value in whole]
        if all(map(str.isdecimal, whole)) and len(whole) == len(values)
        else None
    )


def _in_order(pairs: Sequence[tuple[int, str]]) -> ClassNames:
    numbers = sorted(number for number, _ in pairs)
    wanted = range(numbers[0], numbers[0] + len(numbers))
    if numbers[0] not in (0, 1) or numbers != list(wanted):
        first = next((a for a, b in zip(numbers, wanted, strict=True) if a != b), numbers[0])
        raise ValueError(f"its numbers do not count from 0 or 1 without gaps; look at {first}")
    return ClassNames(tuple(name for _, name in sorted(pairs)), numbers[0])
