"""Tables that HTML and Markdown share, and how numbers are written in them."""

import math
from dataclasses import dataclass, field
from typing import Literal

from muybridge.measure.estimate import Interval

MISSING = "missing"
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Bar:
    """A drawn interval: fractions in [0, 1] on a scale from 0 to 1; ``chance`` is a thin line across."""

    value: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what stands there.
        sort: what it is sorted by; None sorts after everything else.
        small: a second, smaller line.
        mark: a footnote mark.
        title: a longer explanation.
        heat: strength of its colour in [0, 1]; None for none.
        kind: ``missing``, ``warn``, ``code``, ``command``, ``repeat`` (as in the row above, seen once sorted) or nothing.
        arm: index of the arm it names, for its colour; None for none.
        links: (words, anchor) pairs shown instead of the text.
        bar: an interval to draw; HTML only.
    """

    text: str
    sort: int | float | str | None = None
    small: str = ""
    mark: str = ""
    title: str = ""
    heat: float | None = None
    kind: Literal["", "missing", "warn", "code", "command", "repeat"] = ""
    arm: int | None = None
    links: tuple[tuple[str, str], ...] = ()
    bar: Bar | None = None


@dataclass(frozen=True)
class Column:
    """Head of a column; ``drawn`` columns hold only bars with a scale, and are left out of Markdown and LaTeX."""

    name: str
    numeric: bool = False
    title: str = ""
    drawn: bool = False
    scale: tuple[str, str, str] = ("0", "50", "100 %")


@dataclass(frozen=True)
class Table:
    """A captioned table.

    Attributes:
        slug: name in anchors.
        caption: what it shows, in words.
        notes: sentences below it.
        legend: what lets the caption stand alone in a paper: data, units, intervals, seeds; a sentence or nothing.
        paper: whether it is for papers; what only helps to find a run again is not.
        style: ``plain``, or ``heat`` for compact coloured cells, ``heat drop`` where colour is a loss; ``outside`` for numbers of
            others.
    """

    slug: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    notes: list[str] = field(default_factory=list)
    style: Literal["plain", "heat", "heat drop", "outside"] = "plain"
    legend: str = ""
    paper: bool = True


def text(words: object, title: str = "") -> Cell:
    """A cell of words."""
    return Cell(str(words), sort=str(words), title=title)


def tight(words: str) -> str:
    """Words with a number and its percent sign kept on one line."""
    return words.replace(" %", "\N{NO-BREAK SPACE}%")


def missing(words: str = MISSING, title: str = "") -> Cell:
    """A cell for what is not there; never a zero."""
    return Cell(words, kind="missing", title=title)


def percent(fraction: float, digits: int = 1) -> Cell:
    """A fraction in percent."""
    return (
        missing("undefined") if math.isnan(fraction) else Cell(points(fraction, digits), sort=100 * fraction)
    )


def count(number: int | float | None) -> Cell:
    """A whole number with thin spaces between thousands."""
    return missing("not told") if number is None else Cell(grouped(number), sort=number)


def points(fraction: float, digits: int = 1, sign: bool = False) -> str:
    """A fraction as percent or points, with a true minus; ``-0.0`` is ``0.0``."""
    shown = round(100 * fraction, digits) + 0.0
    return f"{shown:{'+' if sign and shown else ''}.{digits}f}".replace("-", MINUS)


def span(one: Interval, sign: bool = False) -> str:
    """``"68.1–76.4"``, or with signs ``"−2.1 to +5.6"``."""
    if math.isnan(one.low) or math.isnan(one.high):
        return "undefined"
    low, high = points(one.low, sign=sign), points(one.high, sign=sign)
    return f"{low} to {high}" if sign or one.low < 0 else f"{low}{DASH}{high}"


def grouped(number: int | float) -> str:
    """``12 345`` with narrow no-break spaces."""
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def scientific(number: int | float) -> str:
    """``1.2 × 10¹³``."""
    if not number:
        return "0"
    power = math.floor(math.log10(abs(number)))
    if round(abs(number) / 10**power, 1) >= 10:
        power += 1
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{number / 10**power:.1f} × 10{raised}"


def capital(words: str) -> str:
    """First letter upper case, the rest untouched."""
    return words[:1].upper() + words[1:]
