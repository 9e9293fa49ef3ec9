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


def unchanged(frames: UInt8[Tensor, "b c t h w"], streams: Streams) -> UInt8[Tensor, "b c t h w"]:
    """A copy of the frames: the operation of ``"identity"``."""
    return frames.clone()


def mirrored(frames: UInt8[Tensor, "b c t h w"], streams: Streams) -> UInt8[Tensor, "b c t h w"]:
    """Every frame mirrored, left for right: the operation of ``"horizontal_flip"``."""
    return frames.flip(-1)


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
        type: a name of ``muybridge list perturbations``, ``"clean"``, ``"identity"``, ``"lossless"`` or ``"horizontal_flip"``.
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
    if type in CONTROLS or type in MIRRORS:
        chosen, row = (CONTROLS | MIRRORS)[type], 0
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
        types: all types of the profile if empty; ``clean`` alone for clean clips and no others.
        severities: some of 1 to 5.

    Raises:
        UsageError: as ``perturb``.
    """
    table = profile_of(profile)
    chosen = [type for type in types or table.types if type != CLEAN]
    ladders = [ladder_of(table, type) for type in chosen]
    coded = any(ladder.target.startswith("muybridge.perturb.codec") for ladder in ladders)
    controls = [(CLEAN, 0), *([("lossless", 0)] if coded else [])]
    beside = [(BESIDE[type][0], 0) for type in chosen if type in BESIDE]
    return (
        controls + beside + [(type, _checked(type, severity)) for type in chosen for severity in severities]
    )


def _checked(type: str, severity: int) -> int:
    if severity not in SEVERITIES:
        raise UsageError(f"{type}: severity {severity}; wanted 1 to 5.")
    return int(severity)
