"""Perturb a batch of clips as a profile says; the bits do not depend on batches, workers, order, device or resume."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from muybridge.core.catalogue import pick, require
from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.label_changes import FLIP, REVERSAL
from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.profiles import DEFAULT, LOSSLESS, SEVERITIES, Ladder, Profile, ladder, profile_of
from muybridge.perturb.streams import Streams, streams

CLEAN = "clean"
CONTROLS = {"identity": ladder("muybridge.perturb.apply:unchanged"), "lossless": LOSSLESS}
"""Operations that must not change a frame; their severity is 0, as that of ``"clean"``."""


BESIDE = {REVERSAL: (FLIP, ladder("muybridge.perturb.apply:mirrored"))}
"""Cells of severity 0 that stand beside a type: what a mirror does where time is turned. They are in no profile and in no mean."""
MIRRORS = dict(BESIDE.values())
CUES = {
    "single_frame": ladder("muybridge.perturb.apply:held"),
    "centre_masked": ladder("muybridge.perturb.apply:masked", inside=True),
    "border_masked": ladder("muybridge.perturb.apply:masked", inside=False),
}
"""Controls that take one cue away, to see whether answers need it; of severity 0, drawn by nothing, in no profile and in no mean.

``single_frame`` leaves no motion and no order. ``centre_masked`` and ``border_masked`` hide as much of the picture, half of it: what stays
right without the middle is told by the surroundings, what is lost without the border was told by it. Neither knows where the action is: an
action may reach the border and a background the middle, and a grey area is itself something that no training clip showed.
"""
STEADY = CONTROLS | MIRRORS | CUES
"""All operations without severities."""
GREY, HIDDEN = 128, 0.5
"""What hidden pixels become, and which share of a picture is hidden."""


def unchanged(frames: UInt8[Tensor, "b c t h w"], streams: Streams) -> UInt8[Tensor, "b c t h w"]:
    """A copy of the frames: the operation of ``"identity"``."""
    return frames.clone()


def mirrored(frames: UInt8[Tensor, "b c t h w"], streams: Streams) -> UInt8[Tensor, "b c t h w"]:
    """Every frame mirrored, left for right: the operation of ``"horizontal_flip"``."""
    return frames.flip(-1)


def held(frames: UInt8[Tensor, "b c t h w"], streams: Streams) -> UInt8[Tensor, "b c t h w"]:
    """The middle frame all the time: the operation of ``"single_frame"``."""
    length = frames.shape[2]
    return frames[:, :, length // 2, None].repeat(1, 1, length, 1, 1)


def masked(
    frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, inside: bool
) -> UInt8[Tensor, "b c t h w"]:
    """Half of every frame grey: the middle, or all around it.

    Args:
        frames: clips.
        streams: unused, nothing is drawn.
        inside: hide the middle, a rectangle of the frame's shape and half its area, to whole pixels; else all but that.
    """
    height, width = (round(HIDDEN**0.5 * side) for side in frames.shape[-2:])
    top, left = (frames.shape[-2] - height) // 2, (frames.shape[-1] - width) // 2
    middle = (..., slice(top, top + height), slice(left, left + width))
    changed = frames.clone() if inside else torch.full_like(frames, GREY)
    changed[middle] = GREY if inside else frames[middle]
    return changed


def perturb(
    clip: Clip,
    type: str,
    severity: int,
    *,
    profile: str = DEFAULT,
    dataset: str,
    views: Sequence[int],
    seed: int = 0,
) -> Clip:
    """The clips of a batch under one perturbation.

    ``"clean"`` is the batch itself; ``"identity"`` is an operation like any other that changes nothing; ``"lossless"`` goes through a
    lossless encoder and decoder, which must change nothing either.

    Args:
        clip: batch to perturb, after resizing and cropping; not modified.
        type: a name of ``muybridge list perturbations``, ``"clean"``, ``"identity"``, ``"lossless"``, ``"horizontal_flip"`` or a
            name of ``CUES``.
        severity: 1 to 5; of no meaning for the controls.
        profile: the table of constants.
        dataset: name of the data set; with profile, video, view, type, severity and seed it names the random streams.
        views: which view of its video each clip is.
        seed: another one gives independent draws.

    Raises:
        UsageError: unknown profile, type or severity, or a type that the profile does not hold.
        MuybridgeError: the perturbation changed the shape or type of the frames.
    """
    table = profile_of(profile)
    if type == CLEAN:
        return clip
    if type in STEADY:
        chosen, row = STEADY[type], 0
    else:
        chosen, row = ladder_of(table, type), _checked(type, severity) - 1
    drawn = streams(table.label, dataset, clip.video, views, type, severity, seed).on(clip.frames.device)
    frames = chosen.load()(clip.frames, drawn, **chosen.severities[row])
    if frames.shape != clip.frames.shape or frames.dtype != torch.uint8:
        raise MuybridgeError(
            f"{chosen.target}: gave {frames.dtype} {tuple(frames.shape)}; wanted uint8 {tuple(clip.frames.shape)}."
        )
    return replace(clip, frames=frames)


def ladder_of(profile: Profile, type: str) -> Ladder:
    """The ladder of a type: the profile's, or that of an outside package (entry-point group ``muybridge.perturbations``).

    Raises:
        UsageError: unknown type, or one that the profile does not hold.
    """
    if type in profile.types:
        return profile.types[type]
    require("perturbations", PERTURBATIONS, type)
    if type in PERTURBATIONS:
        holders = PERTURBATIONS[type].facts["profiles"]
        raise UsageError(
            f"profile {profile.name} has no {type}; {' and '.join(holders)} {'has' if len(holders) == 1 else 'have'} it. "
            f"{profile.name} holds: {', '.join(profile.types)}."
        )
    outside: Ladder = pick("perturbations", PERTURBATIONS, type)
    return outside


def conditions(
    profile: str = DEFAULT, types: Sequence[str] = (), severities: Sequence[int] = SEVERITIES
) -> list[tuple[str, int]]:
    """Cells of a grid: clean first, the lossless control before codecs, a mirror beside reversal, then every type at every severity.

    Args:
        profile: the table of constants.
        types: all types of the profile if empty; ``clean`` alone for clean clips and no others. A word ``TYPE:SEVERITY`` is one cell, a
            name of ``CUES`` one of severity 0; what is named twice is there once.
        severities: some of 1 to 5, of the types that name none.

    Raises:
        UsageError: as ``perturb``.
    """
    table = profile_of(profile)
    named = [parted(word) for word in types or table.types if word != CLEAN]
    ladders = [ladder_of(table, type) for type, _ in named if type not in CUES]
    coded = any(ladder.target.startswith("muybridge.perturb.codec") for ladder in ladders)
    controls = [(CLEAN, 0), *([("lossless", 0)] if coded else [])]
    beside = [(BESIDE[type][0], 0) for type, _ in named if type in BESIDE]
    cells = [
        (type, 0 if type in CUES else _checked(type, severity))
        for type, own in named
        for severity in ([own] if own is not None or type in CUES else severities)
    ]
    return list(dict.fromkeys(controls + beside + cells))


def parted(word: str) -> tuple[str, int | None]:
    """Type and severity of a word ``TYPE:SEVERITY``; None where it names no severity.

    Raises:
        UsageError: what stands behind the colon is no number from 1 to 5, or the type has no severities.
    """
    type, colon, number = word.rpartition(":")
    if not colon:
        return word, None
    if type in CUES:
        raise UsageError(f"{word}: {type} has no severities; leave {colon}{number} away.")
    if not number.isdecimal():
        raise UsageError(f"{word}: wanted TYPE or TYPE:SEVERITY, as jpeg or jpeg:3.")
    return type, _checked(type, int(number))


def _checked(type: str, severity: int | None) -> int:
    if severity is None or severity not in SEVERITIES:
        raise UsageError(f"{type}: severity {severity}; wanted 1 to 5.")
    return int(severity)
