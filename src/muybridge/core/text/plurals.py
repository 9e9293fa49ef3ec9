"""Counts and lists in words: one place knows when a noun is plural, and how many names a sentence bears."""

from collections.abc import Callable, Sequence

PLURALS = {
    "class": "classes",
    "pass": "passes",
    "loss": "losses",
    "box": "boxes",
    "this": "these",
    "is": "are",
    "has": "have",
    "was": "were",
}
"""Words whose plural is not made by an s."""


def counted(number: int, noun: str, spelt: Callable[[int], str] = "{:,}".format) -> str:
    """A number with what it counts: ``"1 run"``, ``"2 runs"``, ``"0 planned cells"``.

    Args:
        number: how many.
        noun: in the singular; its last word takes the plural.
        spelt: how the number is written.
    """
    return f"{spelt(number)} {inflected(number, noun)}"


def inflected(number: int, word: str) -> str:
    """A noun, or ``is``, ``has``, ``was``, as it stands beside a number; without the number."""
    if number == 1:
        return word
    before, space, last = word.rpartition(" ")
    if last in PLURALS:
        plural = PLURALS[last]
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        plural = last[:-1] + "ies"
    else:
        plural = last + "s"
    return before + space + plural


MOST_NAMES = 5
"""Names that a sentence can list and still be read."""


def listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def some(words: Sequence[str], noun: str, most: int = MOST_NAMES) -> str:
    """``"a, b and c"``, or how many there are where there are more than ``most``: a reader would lose the sentence."""
    return listed(words) if len(words) <= most else counted(len(words), noun)
