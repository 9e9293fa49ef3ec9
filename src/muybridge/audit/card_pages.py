"""The card as files: ``card.html`` (one page that needs nothing else), ``card.md``, ``card.json``, ``model-card.md``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from muybridge import __version__
from muybridge.audit.card import Card, Row
from muybridge.audit.family import Compared, percent, points
from muybridge.audit.flip_pictures import FlipPicture
from muybridge.core.files import atomic
from muybridge.core.plain_data import write_json
from muybridge.measure.estimate import Interval

WORDS = {"good": "speaks for it", "bad": "speaks against it", "open": "open", "note": "to know"}
"""What a mark means."""
SPAN = 100.0
"""Points on either side of zero that the chart of falls shows."""


@dataclass(frozen=True)
class Bar:
    """A fall on the chart, in per cent of its width: where it begins and ends, and the number."""

    low: float
    high: float
    at: float


def write_card(folder: Path, card: Card, pictures: Sequence[FlipPicture]) -> None:
    """Write all files, each whole or not at all.

    Args:
        folder: ``OUT/audit``.
        card: what was found.
        pictures: of flips; they go into the page alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flips = [vars(one.flip) for one in pictures]
    write_json(folder / "card.json", card.as_json() | {"flips": flips})
    for name, text in (
        ("card.html", html(card, pictures)), ("card.md", markdown(card, pictures)), ("model-card.md", model_card(card)),
    ):  # fmt: skip
        with atomic(folder / name) as file:
            file.write(text)


def html(card: Card, pictures: Sequence[FlipPicture]) -> str:
    """The page."""
    shown = {
        "card": card, "pictures": pictures, "marks": WORDS, "version": __version__, "style": _read("card.css"),
        "percent": percent, "points": points, "bar": bar, "span_of": span_of, "kinds": _kinds(card),
    }  # fmt: skip
    return str(_environment().get_template("card.html").render(shown)) + "\n"


def bar(one: Compared | None) -> Bar | None:
    """Where a fall stands on the chart, 0 to 100; None where there is no interval."""
    if one is None or one.interval.low != one.interval.low:
        return None
    ends = (one.interval.low, one.interval.high, one.interval.value)
    low, high, at = (min(100.0, max(0.0, 50 + 50 * 100 * end / SPAN)) for end in ends)
    return Bar(low, high, at)


def span_of(one: Interval | None, difference: bool = False) -> str:
    """Ends of an interval, short."""
    if one is None or one.low != one.low:
        return ""
    if difference:
        return f"{points(one.low)} to {points(one.high)}"
    return f"{100 * one.low:.1f}\N{EN DASH}{100 * one.high:.1f}"


def markdown(card: Card, pictures: Sequence[FlipPicture]) -> str:
    """The card without pictures."""
    lines = [f"# {card.question}", "", card.answer, "", "| question | answer | |", "|---|---|---|"]
    lines += [f"| {_cell(one.title)} | {_cell(one.short)} | {WORDS[one.mark]} |" for one in card.verdicts]
    lines += ["", "## In words", ""]
    lines += [
        f"- **{one.title}{'' if one.title.endswith('?') else ':'}** {one.words}" for one in card.verdicts
    ]
    lines += ["", "## Numbers", "", *_table(card.rows)]
    if pictures:
        lines += ["", "## Answers that flip", ""]
        lines += [
            f"- {_cell(one.flip.video)}, a {_cell(one.flip.label)}: called {_cell(one.flip.answer)} under {_condition(one.flip.condition)}"
            for one in pictures
        ]
    lines += ["", "## What cannot be said, and why", "", *(f"- {one}" for one in card.limits)]
    lines += ["", "## Where it comes from", "", *(f"- {one}" for one in _sources(card))]
    return "\n".join(
        [*lines, "", "```", card.facts["commands"]["again"], card.facts["commands"]["full"], "```", ""]
    )


def model_card(card: Card) -> str:
    """A section for the model card of a network: evaluation, limits, how it was measured."""
    facts = card.facts
    lines = [
        "## Evaluation: trust audit", "", f"Tested with Muybridge {__version__} on {_tested(card)}. {card.answer}",
        "", *_table(card.rows), "",
        "Falls are points of accuracy with 95 % intervals over source groups; those marked * stand after Holm's correction over "
        f"{len(card.comparisons)} comparisons.", "",
        "### Limits", "", *(f"- {one}" for one in card.limits), "",
        "### How to repeat it", "", "```", facts["commands"]["again"], "```", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> list[str]:
    lines = ["| what | conditions | right, % | fall, points | changed answers, % |", "|---|---|---|---|---|"]
    for row in rows:
        right = _share(row.accuracy) if row.accuracy else "another class is shown"
        drop = ""
        if row.drop is not None:
            star = "*" if row.drop.stands else ""
            drop = f"{points(row.drop.interval.value)} ({span_of(row.drop.interval, True) or 'no interval'}){star}"
        lines.append(f"| {row.name} | {row.conditions} | {right} | {drop} | {_share(row.changed)} |")
    return lines


def _share(one: Interval) -> str:
    return f"{100 * one.value:.1f} ({span_of(one) or 'no interval'})"


def _tested(card: Card) -> str:
    """Which videos, in a clause."""
    data = card.facts["data"]
    return (
        f"{_cell(data['name'])}, {data['videos']:,} of {data['of']:,} videos in {data['groups']:,} source "
        f"{'group' if data['groups'] == 1 else 'groups'}, fingerprint "
        f"`{data['fingerprint']}`"
    )


def _sources(card: Card) -> list[str]:
    facts = card.facts
    runs = ", ".join(f"`runs/{one['stage']}/{one['signature']}`" for one in facts["runs"])
    return [
        f"Rows: {runs} in the folder above this one, sealed; `muybridge report` of it has every cell.",
        f"Data: {_tested(card)}.",
        f"Model: {_cell(facts['model']['name'])}, {facts['model']['weights']}; clips: {facts['model']['protocol']['name']}.",
        f"Time: {facts['time']['minutes_asked']:g} minutes asked, {facts['time']['seconds']:.0f} s taken by the last start.",
        "The same command again, and the full measurement:",
    ]


def _kinds(card: Card) -> dict[str, list[Row]]:
    return {
        part: [row for row in card.rows if row.part == part]
        for part in dict.fromkeys(row.part for row in card.rows)
    }


def _condition(condition: tuple[str, int]) -> str:
    name, severity = condition
    return f"{name} {severity}" if severity else name


def _cell(text: str) -> str:
    """A name from outside, harmless in a table of Markdown."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", text).replace("\n", " ")


def _read(name: str) -> str:
    return files("muybridge.audit").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["condition"] = _condition
    return made
