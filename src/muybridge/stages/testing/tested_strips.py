"""Film strips of what a classifier is tested on."""

from collections.abc import Collection

import numpy as np
import torch
from torch.nn import functional as F

from muybridge.config.stage_configs import Transfer
from muybridge.core.clip import Clip
from muybridge.data.index import VideoRecord
from muybridge.data.loader import evaluation
from muybridge.stages.job.job import Job
from muybridge.stages.testing.grid import Grid
from muybridge.stages.testing.predict import View, strip
from muybridge.stages.testing.tested import Tested
from muybridge.stages.training.material import Material

FRAMES, SIDE = 8, 112
"""Frames and pixels of a strip of a condition, at most."""


def class_strips(job: Job[Transfer], material: Material, view: View, most: int = 12) -> dict[str, np.ndarray]:
    """One test clip per class."""
    first: dict[int, VideoRecord] = {}
    for record in material.parts["test"]:
        if record.label >= 0 and not material.store.errors[material.places[record.id]]:
            first.setdefault(record.label, record)
    chosen = [first[label] for label in sorted(first)][:most]
    places = [material.places[record.id] for record in chosen]
    clips = evaluation(material.store, chosen, places, view.law, 1, len(chosen))
    names = [job.dataset.classes[record.label] for record in chosen]
    return {f"class {name}": strip(clip, i) for clip in clips for i, name in enumerate(names)}


def condition_strips(grid: Grid, tested: Tested, leave_out: Collection[str]) -> dict[str, np.ndarray]:
    """One clip under every condition: of each type the mildest, the middle and the hardest severity."""
    chunk = next((one for one in tested.read() if len(one.clip)), None)
    if chunk is None:
        return {}
    clip, views = chunk.clip.rows(slice(0, 1)), chunk.views[:1]
    severities = sorted({severity for _, severity in grid.conditions if severity})
    shown = {0, *severities[:: max(1, (len(severities) - 1) // 2)], *severities[-1:]}
    return {
        f"{name} {severity}" if severity else name: strip(
            reduced(grid.perturbed(clip, views, (name, severity))), 0
        )
        for name, severity in grid.conditions
        if severity in shown and name not in leave_out
    }


def reduced(clip: Clip) -> Clip:
    """At most ``FRAMES`` frames, evenly spread, at most ``SIDE`` pixels high; smaller clips stay as they are."""
    frames = clip.frames
    if frames.shape[2] > FRAMES:
        frames = frames[:, :, torch.linspace(0, frames.shape[2] - 1, FRAMES).round().long()]
    if frames.shape[-1] > SIDE:
        size = (frames.shape[2], SIDE, SIDE)
        frames = F.adaptive_avg_pool3d(frames.float(), size).round().to(torch.uint8)
    return Clip(frames, clip.label, clip.video)
