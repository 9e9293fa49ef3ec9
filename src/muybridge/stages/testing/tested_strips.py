"""Film strips of what a classifier is tested on."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from muybridge.config.stage_configs import Transfer
from muybridge.core.clip import Clip
from muybridge.data.index import VideoRecord
from muybridge.data.loader import evaluation
from muybridge.measure.accuracy import video_level
from muybridge.perturb.apply import CLEAN
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.contents.strips import NAME, clip_name
from muybridge.stages.job.job import Job
from muybridge.stages.testing.controls import CONTROLS
from muybridge.stages.testing.grid import Condition, Grid
from muybridge.stages.testing.predict import View, strip
from muybridge.stages.testing.tested import Tested
from muybridge.stages.training.material import Material

FRAMES, SIDE = 8, 112
"""Frames and pixels of a strip of a condition, at most."""
LOOKED, CLIPS, TYPES = 24, 6, 3
"""Test videos among which clips are looked for whose answer flips, clips that are kept, and types of perturbation of each."""


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


def flip_strips(
    grid: Grid, tested: Tested, predictions: Path, views: int, leave_out: Collection[str]
) -> dict[str, np.ndarray]:
    """Clips that are right without perturbation and wrong with it, clean and perturbed, named by ``clip_name``.

    Of the first ``LOOKED`` test videos those, of each class the first, ``CLIPS`` at most; of each the mildest severity at which a
    type flips the answer, those of the ``TYPES`` types that do so at the mildest severities. The first view is shown; the answers are
    those of the whole video.

    Args:
        grid: what was asked.
        tested: the test videos.
        predictions: the rows of the run.
        views: of each video.
        leave_out: types that are not looked at: controls, and types that change labels, whose other answer is no fault.
    """
    clips: dict[str, tuple[Clip, Sequence[int]]] = {}
    shown = 0
    for chunk in tested.read():
        shown += len(chunk.clip) + views * len(chunk.broken)
        for row, record in enumerate(chunk.records):
            if chunk.views[row] == 0 and len(clips) < LOOKED:
                clips[record.id] = chunk.clip.rows(slice(row, row + 1)), chunk.views[row : row + 1]
        if len(clips) == LOOKED:
            break
    # The rows of a chunk stand condition by condition behind those of the chunk before.
    rows = read_predictions(
        predictions, first=shown * sum(name not in CONTROLS for name, _ in grid.conditions)
    )
    rows = rows.where(np.isin(rows.video, list(clips)))
    chosen = flipped(rows, [one for one in grid.conditions if one[0] not in {CLEAN, *leave_out}])
    return {
        clip_name(video, *condition): strip(reduced(grid.perturbed(*clips[video], condition)), 0)
        for video, flips in chosen.items()
        for condition in [(CLEAN, 0), *flips]
    }


def flipped(rows: Predictions, asked: Collection[Condition]) -> dict[str, list[Condition]]:
    """Videos by the rule of ``flip_strips`` and the conditions that flip their answer; videos in the order of the rows."""
    if not len(rows):
        return {}
    level = video_level(rows)
    right = {
        (str(video), str(name), int(severity)): bool(correct)
        for video, name, severity, correct in zip(
            level.video, level.perturbation, level.severity, level.correct, strict=True
        )
    }
    label = dict(zip(level.video.tolist(), level.label.tolist(), strict=True))
    found: dict[int, tuple[str, list[Condition]]] = {}
    for video in dict.fromkeys(rows.video.tolist()):
        if label[video] in found or not right.get((video, CLEAN, 0)) or len(video) > NAME - 100:
            continue
        mildest: dict[str, Condition] = {}
        for name, severity in sorted(asked, key=lambda one: one[1]):
            if right.get((video, name, severity)) is False:
                mildest.setdefault(name, (name, severity))
        if mildest:
            found[label[video]] = video, list(mildest.values())[:TYPES]
    return dict(list(found.values())[:CLIPS])


def reduced(clip: Clip) -> Clip:
    """At most ``FRAMES`` frames, evenly spread, at most ``SIDE`` pixels high; smaller clips stay as they are."""
    frames = clip.frames
    if frames.shape[2] > FRAMES:
        frames = frames[:, :, torch.linspace(0, frames.shape[2] - 1, FRAMES).round().long()]
    if frames.shape[-1] > SIDE:
        size = (frames.shape[2], SIDE, SIDE)
        frames = F.adaptive_avg_pool3d(frames.float(), size).round().to(torch.uint8)
    return Clip(frames, clip.label, clip.video)
