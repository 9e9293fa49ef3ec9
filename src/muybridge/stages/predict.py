"""Forward passes without gradients: features, and rows of predictions under any perturbation."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.augment.geometry import centre_crop
from muybridge.core.clip import Clip, to_unit
from muybridge.core.predictions import Predictions, concatenate
from muybridge.data.index import VideoRecord
from muybridge.data.loader import evaluation
from muybridge.data.sampling import Sampling
from muybridge.perturb.apply import CLEAN, perturb
from muybridge.stages.material import Material
from muybridge.train.precision import Compute

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class View:
    """How test clips are cut: sampling law, clips per video, centre crop, clips per forward pass."""

    law: Sampling
    number: int
    crop: int
    batch: int

    def clips(self, material: Material, role: str) -> Iterator[Clip]:
        """Batches of centre-cropped clips, video by video, view by view."""
        records, numbers = material.parts[role], material.numbers(role)
        for clip in evaluation(material.store, records, numbers, self.law, self.number, self.batch):
            yield Clip(centre_crop(clip.frames, self.crop), clip.label, clip.video)


@torch.no_grad()
def features(
    backbone: nn.Module, view: View, material: Material, role: str, compute: Compute
) -> tuple[Float32[np.ndarray, "n d"], list[str]]:
    """Pooled features of every view and the id of its video."""
    compute.place(backbone).eval()
    rows: list[np.ndarray] = []
    videos: list[str] = []
    for clip in view.clips(material, role):
        with compute.autocast():
            pooled = backbone(to_unit(clip.frames.to(compute.device))).pooled
        rows.append(pooled.float().cpu().numpy())
        videos += clip.video
    return np.concatenate(rows), videos


@torch.no_grad()
def predict(
    classifier: nn.Module,
    view: View,
    material: Material,
    compute: Compute,
    conditions: Sequence[tuple[str, int]] = ((CLEAN, 0),),
    *,
    seed: int = 0,
    tick: Tick | None = None,
) -> Predictions:
    """Rows of the test videos under every condition; each clip is decoded once and every condition sees the same clip."""
    compute.place(classifier).eval()
    records = {record.id: record for record in material.parts["test"]}
    rows = []
    done = 0
    for clip in view.clips(material, "test"):
        order = [i % view.number for i in range(len(clip))]
        for name, severity in conditions:
            changed = perturb(clip, name, severity, seed, order)
            with compute.autocast():
                logits = classifier(to_unit(changed.frames.to(compute.device)))
            found = [records[video] for video in clip.video]
            rows.append(_rows(found, order, name, severity, logits.float().cpu().numpy()))
        done += len(clip) // view.number
        if tick:
            tick(done, len(records))
    broken = [r for r in records.values() if material.store.errors[material.places[r.id]]]
    classes = rows[0].scores.shape[1]
    for name, severity in conditions if broken else ():
        rows.append(
            _rows(
                broken, [0] * len(broken), name, severity, np.full((len(broken), classes), np.nan, np.float32)
            )
        )
    return concatenate(rows)


def _rows(
    records: Sequence[VideoRecord],
    views: Sequence[int],
    name: str,
    severity: int,
    scores: Float32[np.ndarray, "n k"],
) -> Predictions:
    n = len(records)
    return Predictions(
        video=np.array([r.id for r in records], dtype=str),
        group=np.array([r.group for r in records], dtype=str),
        label=np.array([r.label for r in records], dtype=np.int64),
        view=np.array(views, dtype=np.int64),
        perturbation=np.full(n, name),
        severity=np.full(n, severity, dtype=np.int64),
        scores=scores,
    )


@torch.no_grad()
def forward_flops(module: nn.Module, view: View, compute: Compute) -> int:
    """Floating-point operations (2 per multiply-add) of one clip, forward."""
    clip = torch.zeros(1, 3, view.law.frames, view.crop, view.crop, device=compute.device)
    compute.place(module).eval()
    with FlopCounterMode(display=False) as counter:
        module(clip)
    return int(counter.get_total_flops())


def forward_budget(
    module: nn.Module, view: View, clips: int, compute: Compute, began: float
) -> dict[str, Any]:
    """What a stage without training cost; ``began`` is its start on the monotonic clock."""
    flops = clips * forward_flops(module, view, compute)
    seconds = round(time.monotonic() - began, 2)
    return {
        "clips": clips, "steps": 0, "frames": clips * view.law.frames, "flops": flops, "seconds": seconds, "waiting": 0.0,
    }  # fmt: skip


def strip(clip: Clip, row: int) -> np.ndarray:
    """Frames of one clip as a film strip, uint8 ``t h w 3``."""
    frames: np.ndarray = clip.frames[row].permute(1, 2, 3, 0).cpu().numpy()
    return frames
