"""Runs to export, each made once a session, and networks that cannot be."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

import muybridge
from muybridge.core.networks.features import Features
from muybridge.runs.records import Run

SMALL = {"frames": 4, "stride": 1, "size": 36, "crop": 32}


@cache
def probed(videos: Path, out: Path, backbone: str = "c3d-tiny") -> Run:
    """A probe of a random network on ``left`` and ``right``."""
    return muybridge.probe(data=str(videos), fold=0, backbone=backbone, out=out, batch=8, **SMALL)


@cache
def pretrained(videos: Path, out: Path) -> Run:
    """A pretraining of two steps."""
    return muybridge.pretrain(
        data=str(videos), objective="rotnet", backbone="c3d-tiny", budget=16, batch=8, out=out, **SMALL
    )  # fmt: skip


class Pooled(nn.Module):
    """A network of the user's own: the mean of each colour, through a linear layer."""

    dim = 3
    layers = ("linear",)

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, frames: Tensor) -> Features:
        return Features(self.linear(frames.mean(dim=(2, 3, 4))))


class ByValue(nn.Module):
    """Looks at a number to decide, which no graph can."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Deciding(Pooled):
    """Has a part that looks at a number."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = ByValue()

    def forward(self, frames: Tensor) -> Features:
        return Features(self.gate(frames.mean(dim=(2, 3, 4))))


class Counting(Pooled):
    """Makes a constant of the number of clips."""

    def forward(self, frames: Tensor) -> Features:
        return Features(frames.mean(dim=(2, 3, 4)).reshape(len(frames), 3))


class Untranslated(Pooled):
    """Has an operation that ONNX lacks."""

    def forward(self, frames: Tensor) -> Features:
        return Features(torch.special.bessel_j0(frames.mean(dim=(2, 3, 4))))
