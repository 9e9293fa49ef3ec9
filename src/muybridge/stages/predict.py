"""Test clips of an own run, their features, and what a forward pass costs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.augment.geometry import centre_crop
from muybridge.core.clip import Clip, to_unit
from muybridge.core.sampling import Sampling
from muybridge.data.loader import evaluation
from muybridge.stages.material import Material
from muybridge.train.precision import Compute


@dataclass(frozen=True)
class View:
    """How test clips are cut: sampling law, clips per video, centre crop, clips per forward pass."""

    law: Sampling
    number: int
    crop: int
    batch: int

    def clips(self, material: Material, role: str, start: int = 0) -> Iterator[Clip]:
        """Batches of centre-cropped clips, video by video, view by view, without the first ``start`` videos that can be decoded."""
        places = [i for i, place in enumerate(material.numbers(role)) if not material.store.errors[place]][
            start:
        ]
        records = [material.parts[role][i] for i in places]
        numbers = [material.numbers(role)[i] for i in places]
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
