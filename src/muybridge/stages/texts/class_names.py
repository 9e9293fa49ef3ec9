"""Names of classes as people write them: ``ApplyEyeMakeup`` and ``brush_hair`` as words, for text encoders that were trained on words."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.data.sets.builtin_scenes import PHRASES

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Between a small letter and a capital, and before the last capital of several: ``YoYo``, ``TVShow``."""


def cleaned(name: str) -> str:
    """A class name as words: CamelCase split, ``_`` as blanks, blanks single, brackets of Something-Something gone.

    A name that holds a blank already is no CamelCase: ``"playing TVgame"`` keeps its capitals together.
    """
    words = name.replace("_", " ").replace("[", "").replace("]", "").strip()
    if " " not in words:
        words = CAMEL.sub(" ", words)
    return " ".join(words.split())


def named(classes: Sequence[str], how: str, data: str) -> tuple[str, ...]:
    """What is said of each class.

    Args:
        classes: names in the data set.
        how: ``clean``, ``raw``, or a file of lines ``class<TAB>words``.
        data: name of the data set, for messages; the embedded ones have words of their own.

    Raises:
        UsageError: no classes; an empty name; two classes with the same words; a file that lacks a class.
    """
    if not classes:
        raise UsageError(
            f"{data}: has no class names to ask about. Give videos with labels, or --candidates FILE."
        )
    if how == "raw":
        said = tuple(classes)
    elif how == "clean":
        said = tuple(
            PHRASES.get(name, cleaned(name)) if data.startswith("builtin-") else cleaned(name)
            for name in classes
        )
    else:
        table = read_words(Path(how))
        lacking = [name for name in classes if name not in table]
        if lacking:
            raise UsageError(
                f"--names {how}: says nothing of {len(lacking)} classes of {data}, the first: {lacking[0]!r}. Wanted one line each:"
                " class, tab, words."
            )
        said = tuple(table[name] for name in classes)
    _check(classes, said, how)
    return said


def _check(classes: Sequence[str], said: Sequence[str], how: str) -> None:
    first: dict[str, str] = {}
    for name, words in zip(classes, said, strict=True):
        if not words.strip():
            raise UsageError(
                f"--names {how}: nothing is left of class {name!r}. Say it in words with --names FILE."
            )
        other = first.setdefault(words.casefold(), name)
        if other != name:
            raise UsageError(
                f"--names {how}: classes {other!r} and {name!r} are both {words!r}, so no text can tell them apart."
                " Use --names raw, or --names FILE with words for each."
            )


def read_words(path: Path) -> Mapping[str, str]:
    """Lines ``class<TAB>words`` of a file.

    Raises:
        UsageError: no such file, a line without a tab, a class twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--names {path}: cannot be read ({error}). Wanted clean, raw, or a file of lines: class, tab, words."
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, tab, words = line.partition("\t")
        if not tab or name in found:
            raise UsageError(
                f"--names {path}, line {number}: {f'{name!r} stands there twice' if tab else 'no tab'}; wanted class, tab, words."
            )
        found[name] = " ".join(words.split())
    return found


def same_name(name: str) -> str:
    """By what two names of classes count as one: cleaned words without capitals and anything but letters and digits."""
    return "".join(letter for letter in cleaned(name).casefold() if letter.isalnum())
