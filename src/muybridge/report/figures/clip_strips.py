"""Single test clips whose answer flips: clean and perturbed film strips side by side, with what was answered."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from muybridge.core.text.plurals import counted
from muybridge.measure.robustness.answer_columns import Tested
from muybridge.report.figures.film_strips import Picture, film
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.robust import Perturbed
from muybridge.runs.contents.strips import clip_of
from muybridge.runs.records import Run

MOST = 24
"""Clips of a report, of all arms and experiments together: with them a page stays below a few megabytes."""
QUALITY = 92


@dataclass(frozen=True)
class Shot:
    """A clip under one condition: what was answered, and its frames."""

    condition: str
    perturbation: str
    answer: str
    picture: Picture


@dataclass(frozen=True)
class FlippedClip:
    """One clip of one network: clean, where it was right, and the conditions under which it was wrong."""

    arm: str
    video: str
    label: str
    shots: Sequence[Shot]

    @property
    def perturbations(self) -> list[str]:
        """Types that flip it here."""
        return [shot.perturbation for shot in self.shots[1:]]


@dataclass(frozen=True)
class Flips:
    """Clips of one experiment, with what they can be chosen by."""

    name: str
    clips: Sequence[FlippedClip]

    @property
    def perturbations(self) -> list[str]:
        """Every type that flips one of them."""
        return sorted({name for clip in self.clips for name in clip.perturbations})

    @property
    def labels(self) -> list[str]:
        """Every class of them."""
        return sorted({clip.label for clip in self.clips})

    @property
    def told(self) -> str:
        """How many there are."""
        return counted(len(self.clips), "clip")


def flips(found: Sequence[Perturbed], all_of: Gathered) -> list[Flips]:
    """Clips of the first run of every arm that kept any, ``MOST`` in all: as many of each arm as fit."""
    chosen = [
        (one, name, run)
        for one in found
        for name, arm in one.scored.arms.items()
        if (run := next((run for run in arm.runs if any(map(clip_of, run.strip_names))), None))
    ]
    each = MOST // len(chosen) if chosen else 0
    shown: dict[int, tuple[str, list[FlippedClip]]] = {}
    for one, arm, run in chosen:
        name = one.scored.experiment.name
        clips = _clips(arm, run, all_of.rows[run.signature], one.scored.experiment.classes)[: max(1, each)]
        shown.setdefault(id(one), (name, []))[1].extend(clips)
    return [Flips(name, clips) for name, clips in shown.values() if clips]


def _clips(arm: str, run: Run, rows: Tested, classes: Sequence[str]) -> list[FlippedClip]:
    strips = {place: frames for name, frames in run.strips.items() if (place := clip_of(name))}
    videos = list(dict.fromkeys(video for video, _, _ in strips))
    some = [cell.where(np.isin(cell.video, videos)) for cell in rows.cells.values()]
    said = {
        (str(video), *cell.condition): (int(answer), int(label))
        for cell in some
        for video, answer, label in zip(cell.video, cell.predicted, cell.label, strict=True)
    }
    found = []
    for video in videos:
        places = [place for place in strips if place[0] == video and place in said]
        if len(places) > 1:
            shots = [
                Shot(
                    f"{name} {severity}" if severity else name,
                    name,
                    _called(classes, said[video, name, severity][0]),
                    photograph(
                        f"{video}, {name} {severity}" if severity else f"{video}, {name}",
                        strips[video, name, severity],
                    ),
                )
                for _, name, severity in places
            ]
            found.append(FlippedClip(arm, video, _called(classes, said[places[0]][1]), shots))
    return found


def _called(classes: Sequence[str], index: int) -> str:
    """Name of a class; of a clip without scores that there is no answer."""
    if index < 0:
        return "no answer"
    return classes[index] if index < len(classes) else f"class {index}"


def photograph(caption: str, frames: UInt8[np.ndarray, "t h w 3"]) -> Picture:
    """A film strip as JPEG, a tenth of what its PNG takes; chroma is not thinned."""
    from PIL import Image

    pixels = np.ascontiguousarray(film(frames))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY, subsampling=0)
    source = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    return Picture(caption, source, pixels.shape[1], pixels.shape[0])


RULE = (
    "Of the first 24 test videos those that are right without perturbation and wrong with it, of each class the first; the first view, and "
    "the mildest severity at which a type of perturbation flips the answer. They were chosen because they flip: how often that happens is "
    "in the tables of robustness. Types that change labels are left out."
)
"""The rule of ``stages.testing.tested_strips``, as readers are told it."""
