"""Test clips of an own run, their features, and what a forward pass costs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from muybridge.augment.geometry import centre_crop
from muybridge.config.stage_configs import NeighboursConfig, Transfer
from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Features
from muybridge.data.clips import Views, stream
from muybridge.data.index import VideoRecord
from muybridge.data.loader import collate, evaluation
from muybridge.sampling.frame_numbers import ClipLaw
from muybridge.stages.training.material import Material, law_of
from muybridge.train.distributed import round_robin
from muybridge.train.flops import flop_counter
from muybridge.train.precision import Compute

THREADS = 2
"""That decode ahead where clips are read from the files."""
PIXELS = 16 * 16 * 112**2
"""Frames x height x width of a forward pass, at most: 16 clips of 16x112x112 take a gigabyte or two."""


@dataclass(frozen=True)
class View:
    """How test clips are cut.

    Attributes:
        law: where the frames of a clip lie.
        number: clips per video, spread evenly.
        crop: height and width of what the network sees, pixels.
        batch: clips per forward pass, about.
        crops: of each clip: 1 (the middle of the square pictures of the cache) or 3 (both ends and the middle of the long side of whole
            pictures, read from the files; those of a square video are the same).
        side: short side to which whole pictures are scaled, pixels; unused for one crop.
    """

    law: ClipLaw
    number: int
    crop: int
    batch: int
    crops: int = 1
    side: int = 0

    @property
    def views(self) -> int:
        """Clips that the network sees of each video."""
        return self.number * self.crops

    @property
    def together(self) -> int:
        """Videos of a batch."""
        return max(1, self.batch // self.views)

    def clips(
        self, material: Material, role: str, start: int = 0, some: range | None = None
    ) -> Iterator[Clip]:
        """Batches of crops, video by video, view by view, without the first ``start`` videos that can be decoded.

        Args:
            material: the videos.
            role: which of them.
            start: videos left out.
            some: numbers of the batches that are wanted; all when not given.

        Raises:
            VideoError: a file that could be decoded before cannot be read.
        """
        of_role = material.numbers(role)
        whole = [i for i, place in enumerate(of_role) if not material.store.errors[place]]
        places = [i for n, i in enumerate(whole[start:]) if some is None or n // self.together in some]
        records = [material.parts[role][i] for i in places]
        numbers = [of_role[i] for i in places]
        if self.crops > 1:
            yield from self._from_files(records, [int(material.store.frames[number]) for number in numbers])
            return
        for clip in evaluation(material.store, records, numbers, self.law, self.number, self.batch):
            yield Clip(centre_crop(clip.frames, self.crop), clip.label, clip.video)

    def _from_files(self, records: list[VideoRecord], totals: list[int]) -> Iterator[Clip]:
        """Batches of all crops of whole pictures; ``totals`` are the videos' frame counts."""
        wanted = [
            Views(record.video, self.law.views(total, self.number), self.side, self.crop, self.crops)
            for record, total in zip(records, totals, strict=True)
        ]
        decoded = stream(wanted, THREADS)
        for start in range(0, len(records), self.together):
            some = records[start : start + self.together]
            pixels: list[np.ndarray] = []
            for found in (next(decoded) for _ in some):
                if isinstance(found, Exception):
                    raise found
                pixels += list(found)
            yield collate(pixels, [record for record in some for _ in range(self.views)])


def view_of(config: Transfer | NeighboursConfig, batch: int | None = None) -> View:
    """The test clips of a transfer or of neighbours.

    Args:
        config: its sizes and views.
        batch: clips per forward pass; 64, or those of a training batch if they are more, as far as memory goes, when not given.
    """
    fitting = min(max(64, config.batch), max(1, PIXELS // (config.frames * config.crop**2)))
    crops = getattr(config, "crops", 1)
    return View(law_of(config), config.views, config.crop, batch or fitting, crops, config.size)


def pooled(found: Features) -> Float32[Tensor, "b d"]:
    """The pooled feature."""
    return found.pooled


@torch.no_grad()
def encoded(
    backbone: nn.Module,
    view: View,
    material: Material,
    role: str,
    compute: Compute,
    start: int = 0,
    read: Callable[[Features], Tensor] = pooled,
) -> Iterator[tuple[Float32[np.ndarray, "b d"], tuple[str, ...]]]:
    """What ``read`` takes of the features of each batch of views, and the ids of their videos.

    Several processes share the batches and all of them get everything: all of them must ask.
    """
    compute.place(backbone).eval()

    def work(some: range) -> Iterator[tuple[np.ndarray, tuple[str, ...]]]:
        for clip in view.clips(material, role, start, some):
            with compute.autocast():
                found = read(backbone(to_unit(clip.frames.to(compute.device))))
            yield found.float().cpu().numpy(), tuple(clip.video)

    videos = sum(not material.store.errors[place] for place in material.numbers(role)) - start
    yield from round_robin(work, 0, -(-videos // view.together))


def features(
    backbone: nn.Module, view: View, material: Material, role: str, compute: Compute
) -> tuple[Float32[np.ndarray, "n d"], list[str]]:
    """Pooled features of every view and the id of its video."""
    batches = list(encoded(backbone, view, material, role, compute))
    return np.concatenate([rows for rows, _ in batches]), [video for _, ids in batches for video in ids]


@torch.no_grad()
def forward_flops(module: nn.Module, view: View, compute: Compute) -> int:
    """Floating-point operations (2 per multiply-add) of one clip, forward."""
    clip = torch.zeros(1, 3, view.law.frames, view.crop, view.crop, device=compute.device)
    compute.place(module).eval()
    with flop_counter() as counter:
        module(clip)
    return int(counter.get_total_flops())


def forward_budget(
    module: nn.Module, view: View, clips: int, compute: Compute, began: float, cached: int = 0
) -> dict[str, object]:
    """What a stage without training cost.

    Args:
        module: the network.
        view: how its clips were cut.
        clips: that went through it, each as often as it did.
        compute: where and in which format.
        began: start on the monotonic clock.
        cached: clips whose features lay in the cache, so that they did not.
    """
    flops = clips * forward_flops(module, view, compute)
    seconds = round(time.monotonic() - began, 2)
    return {
        "clips": clips, "steps": 0, "frames": clips * view.law.frames, "flops": flops, "seconds": seconds, "waiting": 0.0,
        "cached": cached,
    }  # fmt: skip


def strip(clip: Clip, row: int) -> np.ndarray:
    """Frames of one clip as a film strip, uint8 ``t h w 3``."""
    frames: np.ndarray = clip.frames[row].permute(1, 2, 3, 0).cpu().numpy()
    return frames
