"""What must hold before accuracies under perturbation can be believed, and how far time was disturbed.

Identity: clips that went through the perturbation code unchanged must give the scores of the clean run, bit for bit. Lossless: before
codecs, what an encoder and decoder that lose nothing do by themselves. Order: Kendall's tau and distinct frames of temporal types. Angle:
how far rotations turn on average.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from muybridge.core.clip import Clip
from muybridge.measure.frame_order import distinct_frames, kendall_tau
from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.apply import CLEAN, STEADY, ladder_of
from muybridge.perturb.apply import CONTROLS as CONTROL_LADDERS
from muybridge.perturb.camera import mean_angle
from muybridge.perturb.profiles import profile_of
from muybridge.perturb.streams import streams
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.stages.testing.grid import Condition, Grid

CONTROLS = frozenset(CONTROL_LADDERS)
IDENTITY, LOSSLESS = "identity", "lossless"
VIDEOS = 256
"""At most this many videos stand behind the means of tau and distinct frames."""


class ControlCell(TypedDict):
    """A control cell beside the clean cell: whether every score is the same, bit for bit; rows; fractions of right and of other answers."""

    equal: bool
    rows: int
    accuracy: float
    flips: float


def against_clean(predictions: Path, controls: Path) -> dict[str, ControlCell]:
    """The control cells beside the clean cell, of all rows of a run.

    Returns:
        By the name of the control.
    """
    clean = read_predictions(predictions, only=CLEAN)
    found = {}
    for name in sorted(CONTROLS):
        rows = read_predictions(controls, only=name)
        if len(rows):
            found[name] = _compared(clean, rows)
    return found


def _compared(clean: Predictions, rows: Predictions) -> ControlCell:
    same = clean.video.tolist() == rows.video.tolist() and clean.view.tolist() == rows.view.tolist()
    return {
        "equal": same and clean.scores.tobytes() == rows.scores.tobytes(),
        "rows": len(rows),
        "accuracy": float(rows.correct.mean()),
        "flips": float((rows.predicted != clean.predicted).mean()),
    }


def categories(conditions: Sequence[Condition]) -> dict[str, str]:
    """Category of every type of a grid; ``other`` for those of outside packages that name none."""
    types = dict.fromkeys(name for name, severity in conditions if severity)
    return {
        name: str(PERTURBATIONS[name].facts["category"]) if name in PERTURBATIONS else "other"
        for name in types
    }


class Moved(TypedDict):
    """What a grid does to its clips: see ``orders`` and ``mean_angles``."""

    order: dict[str, dict[str, dict[str, float]]]
    mean_angle: dict[str, dict[str, float]]


def moved(grid: Grid, frames: int, videos: Sequence[str], views: int) -> Moved:
    """How far temporal types disturb the order of frames, and rotations turn them; arguments of ``orders``."""
    asked = grid, frames, videos, views
    return {"order": orders(*asked), "mean_angle": mean_angles(*asked)}


def orders(
    grid: Grid, frames: int, videos: Sequence[str], views: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Mean Kendall's tau and mean number of distinct frames of every temporal type and severity.

    Clips of single pixels that hold the number of their frame go through the perturbation: the same draws as in the grid.

    Args:
        grid: conditions, profile, data set and seed.
        frames: of a clip; at least 2.
        videos: ids of the tested videos, of which the first ``VIDEOS`` count.
        views: clips per video.
    """
    names = [video for video in videos[:VIDEOS] for _ in range(views)]
    place = torch.arange(frames)
    pixels = torch.stack([place % 256, place // 256, torch.zeros_like(place)]).to(torch.uint8)
    clip = Clip(
        pixels.view(1, 3, frames, 1, 1).expand(len(names), -1, -1, -1, -1),
        torch.full((len(names),), -1),
        names,
    )
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    category = categories(grid.conditions)
    for name, severity in grid.conditions:
        if category.get(name) == "temporal":
            shown = grid.perturbed(
                clip, [i % views for i in range(len(names))], (name, severity)
            ).frames.long()
            order = (shown[:, 0] + 256 * shown[:, 1]).flatten(1).numpy()
            found[name][str(severity)] = {
                "tau": round(float(np.mean(kendall_tau(order))), 6),
                "distinct": round(float(np.mean(distinct_frames(order))), 6),
            }
    return dict(found)


def mean_angles(grid: Grid, frames: int, videos: Sequence[str], views: int) -> dict[str, dict[str, float]]:
    """Mean absolute angle, degrees, of every rotation of a grid by severity, over the first ``VIDEOS`` videos; arguments of ``orders``."""
    names = [video for video in videos[:VIDEOS] for _ in range(views)]
    numbers = [i % views for i in range(len(names))]
    profile = profile_of(grid.profile)
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for name, severity in grid.conditions:
        if name in STEADY or name == CLEAN:
            continue
        drawn = streams(profile.label, grid.dataset, names, numbers, name, severity, grid.seed)
        angle = mean_angle(ladder_of(profile, name), severity, frames, drawn)
        if angle is not None:
            found[name][str(severity)] = round(angle, 3)
    return dict(found)
