"""Counts in words: one place knows when a noun is plural."""

from collections.abc import Callable

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
