"""Perturb a batch: every clip from its own random stream, so that the bits do not depend on batches, workers, order or resume."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from muybridge.core import seeding
from muybridge.core.catalogue import pick
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.perturb import PERTURBATIONS

CLEAN = "clean"
VERSION = 1


def perturb(clip: Clip, name: str, severity: int, seed: int, views: Sequence[int]) -> Clip:
    """The clips of a batch under one perturbation; ``"clean"`` passes through the same code unchanged.

    Args:
        clip: batch to perturb; not modified.
        name: a name of ``muybridge list perturbations``.
        severity: 1 to 5.
        seed: names the random streams together with video, view, type and severity.
        views: which view of its video each clip is.

    Raises:
        UsageError: unknown name or severity.
    """
    if name == CLEAN:
        return clip
    if severity not in (1, 2, 3, 4, 5):
        raise UsageError(f"{name}: severity {severity}; wanted 1 to 5.")
    function = pick("perturbations", PERTURBATIONS, name)
    frames = [
        function(
            one, severity, seeding.generator(seed, "perturb", VERSION, name, int(severity), video, int(view))
        )
        for one, video, view in zip(clip.frames, clip.video, views, strict=True)
    ]
    return replace(clip, frames=torch.stack(frames))
