"""The page of ``data doctor --html``: what a data set holds, what was found in it, and pictures of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muybridge.core.errors import VideoError
from muybridge.core.files import atomic
from muybridge.data.decode import video
from muybridge.data.doctor import summary
from muybridge.data.doctor.examine import SPOIL, Finding, Survey
from muybridge.data.doctor.looks import Facts
from muybridge.data.index import Dataset, VideoRecord
from muybridge.report.figures.film_strips import FRAMES, HIGHEST, Picture, film, png
from muybridge.report.formats.html import render

SHOWN, NAMED = 12, 200
"""Findings of one kind with pictures, and with their names."""
WIDEST = 4.0
"""Most widths for a height of what is shown."""


@dataclass(frozen=True)
class Shown:
    """One finding, with the pictures there are of it."""

    finding: Finding
    pictures: list[Picture]


@dataclass(frozen=True)
class Kind:
    """All findings of one kind.

    Attributes:
        name: of the kind.
        meaning: what it means, in words.
        spoils: whether it makes results wrong.
        shown: the first ones, with pictures.
        named: those behind them.
        left: how many there are besides.
    """

    name: str
    meaning: str
    spoils: bool
    shown: list[Shown]
    named: list[Finding]
    left: int

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.shown) + len(self.named) + self.left


def write_page(path: Path, dataset: Dataset, found: Survey, told: Mapping[str, str]) -> None:
    """Write the page, whole or not at all; it needs no other file.

    Args:
        path: HTML file.
        dataset: the videos.
        found: what the doctor saw of them.
        told: facts in words, as of ``summary.facts``.
    """
    counts = summary.counts(dataset)
    shown = {
        "title": dataset.name,
        "found": found,
        "told": told,
        "notes": dataset.notes,
        "classes": counts,
        "splits": sorted({split for row in counts.values() for split in row}),
        "kinds": _kinds(dataset, found),
    }
    with atomic(path) as file:
        file.write(render("data.html", shown))


def _kinds(dataset: Dataset, found: Survey) -> list[Kind]:
    records = {record.id: record for record in dataset.records}
    kinds = []
    for name in dict.fromkeys(finding.kind for finding in found.findings):
        rows = [finding for finding in found.findings if finding.kind == name]
        shown = [Shown(one, _pictures(one, records, found.facts)) for one in rows[:SHOWN]]
        meaning = summary.meaning(name).removeprefix(": ")
        kinds.append(Kind(name, meaning, name in SPOIL, shown, rows[SHOWN:NAMED], max(0, len(rows) - NAMED)))
    return kinds


def _pictures(
    finding: Finding, records: Mapping[str, VideoRecord], facts: Mapping[str, Facts]
) -> list[Picture]:
    """A film strip of the video and of what shows the same; none of what cannot be read."""
    found = []
    for name in filter(None, (finding.video, finding.other)):
        if name not in facts or not facts[name].frames:
            continue
        at = _frames(finding, facts[name])
        try:
            found.append(_strip(records[name], facts[name], at))
        except VideoError:  # damaged, and so is what lies in front of the damage
            continue
    return found


def _frames(finding: Finding, facts: Facts) -> list[int]:
    """Frames that show what was found: on both sides of a cut, else spread over what can be read."""
    if finding.frames:
        return [one for cut in finding.frames[: FRAMES // 2] for one in (cut - 1, cut)]
    last = facts.frames - 1
    number = min(FRAMES, facts.frames)
    return [int(at) for at in np.linspace(0, last, number).round()]


def _strip(record: VideoRecord, facts: Facts, at: list[int]) -> Picture:
    wide = min(WIDEST, max(1 / WIDEST, facts.width / facts.height)) if facts.height else 1.0
    frames = video.read(record.video, at, height=HIGHEST, width=max(1, round(HIGHEST * wide)), fit="squash")
    pixels = film(frames)
    small = f"frames {', '.join(map(str, at))}"
    return Picture(record.id, png(pixels), pixels.shape[1], pixels.shape[0], small)
