"""Clips, a plain backbone and slow references for the contrastive tasks."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from muybridge.core.clip import Clip
from muybridge.core.networks.features import Features
from muybridge.objectives.objective import Learner

DIM = 16


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unchanged(frames: Tensor, rng: torch.Generator, view: int = 0) -> Tensor:
    return frames


def noise(videos: int, frames: int, size: int = 4, seed: int = 9) -> Clip:
    pixels = torch.randint(0, 256, (videos, 3, frames, size, size), generator=rng(seed), dtype=torch.uint8)
    return Clip(pixels, torch.zeros(videos, dtype=torch.int64), tuple(map(str, range(videos))))


class Plain(nn.Module):
    """One linear layer on the mean frame: no batch norm, no dropout."""

    dim = DIM

    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * size * size, DIM)

    def forward(self, frames: Tensor) -> Features:
        return Features(self.layer(frames.mean(2).flatten(1)))


def learner(kind: Any, **options: Any) -> Learner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(Plain(), kind(DIM, **options))


def info_nce(logits: list[list[float]]) -> float:
    """Mean of -log softmax of the first column, in plain floats."""
    return sum(math.log(sum(math.exp(x) for x in row)) - row[0] for row in logits) / len(logits)


def dot(a: Tensor, b: Tensor) -> float:
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
