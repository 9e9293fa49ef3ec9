"""What a card cannot say, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from muybridge.audit.readings import Readings, are_probabilities
from muybridge.measure.estimate import FEW_GROUPS

FEW_VIDEOS = 50
"""Below this many the card says that they are few."""
SEPARABLE = 6
"""Source groups below which nothing is separated at 5 % (``measure.estimate``)."""


@dataclass(frozen=True)
class Circumstances:
    """How an audit was made.

    Attributes:
        minutes: that were asked for.
        seconds: that it took, of this start.
        videos: tested.
        of: that could have been.
        limit: ``--limit``.
        rung: the conditions in words.
        is_all: whether these are all that there are.
        command: that makes it again.
        full: that measures everything.
        own: whether the model is a run of ours.
        shifted: whether that run was trained on other data.
    """

    minutes: float
    seconds: float
    videos: int
    of: int
    limit: int | None
    rung: str
    is_all: bool
    command: str
    full: str
    own: bool
    shifted: bool


def limits(found: Readings, around: Circumstances, compared: int, told: Mapping[str, Any]) -> list[str]:
    """Sentences, from what was left out to how to read the rest.

    Args:
        found: the numbers of the run.
        around: how the audit was made.
        compared: comparisons of the card.
        told: ``result.json`` of the run.
    """
    said = [*_left_out(around), *_units(found), *_of_the_model(found, around), *_out_of_means(found, told)]
    said += [f"{note[0].upper()}{note[1:]}." for note in map(str, told.get("notes") or []) if note]
    said.append(
        f"{compared} comparisons are made on this card; a verdict is one that stands after Holm's correction over all of them. "
        "Each interval is of one number alone."
    )
    return said


def _left_out(around: Circumstances) -> list[str]:
    said = []
    if around.videos < around.of:
        why = (
            "by --limit" if around.limit is not None and around.videos == around.limit else "for want of time"
        )
        said.append(
            f"{around.of - around.videos:,} of {around.of:,} videos were not tested, {why}; "
            "the others were chosen over classes and groups by the seed."
        )
    if not around.is_all:
        said.append(f"Conditions: {around.rung}, for want of time or videos. Of others nothing is said.")
    return said


def _units(found: Readings) -> list[str]:
    """Groups, videos and classes that are few."""
    said = []
    if found.groups == 1:
        said.append(
            "All videos are of one source group: nothing tells how another would differ, so there are no intervals and no verdicts."
        )
    elif found.groups < FEW_GROUPS:
        none = ", and nothing can be separated at 5 % with fewer than six" if found.groups < SEPARABLE else ""
        said.append(f"Only {found.groups} source groups: how much groups matter is known roughly{none}.")
    if found.videos < FEW_VIDEOS:
        word = "video" if found.videos == 1 else "videos"
        said.append(f"Only {found.videos} {word}: large differences can be seen, small ones cannot.")
    if not found.by_group and found.videos > 1:
        said.append(
            "Every video counts as a source of its own. If several show one person, place or recording, name it with --group: else the "
            "intervals are too narrow."
        )
    if len({*found.rows.label.tolist()}) < 2:
        said.append(
            "All tested videos are of one class: a model that always says it would be right everywhere."
        )
    return said


def _of_the_model(found: Readings, around: Circumstances) -> list[str]:
    """One network, where it comes from, and what its scores are."""
    said = [
        "One network: it is itself what is asked about. Of the way it was trained, other seeds included, nothing is said.",
        "It was trained on other videos of the same data: on videos from elsewhere it may do worse."
        if around.own and not around.shifted
        else "Which videos it was trained on is not known here: where some of these were among them, it does better than on new ones.",
    ]
    if found.calibration and are_probabilities(found.clean_rows):
        said.append("Its scores add up to 1 and were taken for probabilities; of others the softmax is.")
    return said


def _out_of_means(found: Readings, told: Mapping[str, Any]) -> list[str]:
    there = set(found.rows.perturbation.tolist())
    reasons = {
        "label_changing": "they change the label of some class",
        "seen": "the model was trained on them",
    }
    return [
        f"In no mean, because {why}: {', '.join(names)}."
        for key, why in reasons.items()
        if (names := sorted({*(told.get(key) or [])} & there))
    ]
