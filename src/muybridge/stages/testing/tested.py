"""The clips that a model is tested on, in chunks that are always the same: decoded once, whoever asks about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError, VideoError
from muybridge.core.machine.cores import cores
from muybridge.data import cache
from muybridge.data.clips import Views, stream
from muybridge.data.decode import video_traits as traits
from muybridge.data.index import Dataset, VideoRecord, spread
from muybridge.data.loader import check_broken
from muybridge.stages.testing.clip_protocol import Protocol as Evaluation
from muybridge.stages.testing.clip_protocol import picks
from muybridge.stages.testing.predict import View
from muybridge.stages.training.material import Material, limited

CPU_PIXELS, GPU_PIXELS = 16 * 112**2, 64 * 16 * 224**2
"""Frames x height x width of a forward pass; on a CPU one clip of 16x112x112, since larger batches leave its caches."""


@dataclass(frozen=True)
class Chunk:
    """All clips of a few videos, video by video, view by view; or none, if all of them are broken.

    Attributes:
        clip: the clips; its labels are those of the data set.
        views: which view of its video each clip is.
        records: video of each clip.
        broken: videos of the chunk that could not be decoded, and why.
    """

    clip: Clip
    views: tuple[int, ...]
    records: tuple[VideoRecord, ...]
    broken: tuple[tuple[VideoRecord, str], ...] = ()


@runtime_checkable
class Tested(Protocol):
    """Test videos, cut into chunks."""

    @property
    def videos(self) -> int:
        """How many videos are tested, broken ones included."""
        ...

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        ...

    def read(self, start: int = 0, every: int = 1) -> Iterator[Chunk]:
        """The chunks ``start``, ``start + every`` and so on."""
        ...


@dataclass(frozen=True)
class Cached:
    """The test videos of an own run, from the cache, as the run itself was tested: batches of ``view.batch`` clips."""

    view: View
    material: Material

    @property
    def videos(self) -> int:
        """Test videos."""
        return len(self.material.parts["test"])

    @cached_property
    def _split(self) -> tuple[list[VideoRecord], list[tuple[VideoRecord, str]]]:
        errors = {
            r.id: self.material.store.errors[self.material.places[r.id]] for r in self.material.parts["test"]
        }
        whole = [r for r in self.material.parts["test"] if not errors[r.id]]
        return whole, [(r, errors[r.id]) for r in self.material.parts["test"] if errors[r.id]]

    @property
    def chunks(self) -> int:
        """Batches, and one chunk for what is broken."""
        whole, broken = self._split
        return -(-len(whole) // self.view.together) + bool(broken)

    def read(self, start: int = 0, every: int = 1) -> Iterator[Chunk]:
        """The chunks ``start``, ``start + every`` and so on."""
        whole, broken = self._split
        records = {record.id: record for record in whole}
        wanted = range(start, self.chunks, every)
        for clip in self.view.clips(self.material, "test", some=wanted):
            of = tuple(records[video] for video in clip.video)
            yield Chunk(clip, tuple(i % self.view.views for i in range(len(clip))), of)
        if broken and self.chunks - 1 in wanted:
            size = self.view.crop
            yield Chunk(_nothing(self.view.law.frames, size), (), (), tuple(broken))


@dataclass(frozen=True)
class Direct:
    """Test videos read straight from their files, nothing cached but their frame counts.

    Attributes:
        records: videos that are tested.
        planned: their frame counts, rates and errors.
        protocol: how clips are cut.
        together: videos of a chunk.
        threads: that decode ahead.
    """

    records: Sequence[VideoRecord]
    planned: cache.Plan
    protocol: Evaluation
    together: int = 1
    threads: int = field(default=1, compare=False)

    @property
    def videos(self) -> int:
        """Test videos."""
        return len(self.records)

    @property
    def chunks(self) -> int:
        """Chunks of ``together`` videos."""
        return -(-len(self.records) // self.together)

    def read(self, start: int = 0, every: int = 1) -> Iterator[Chunk]:
        """The chunks ``start``, ``start + every`` and so on."""
        everything, step = range(len(self.records)), self.together
        groups = [everything[i * step : (i + 1) * step] for i in range(start, self.chunks, every)]
        fine = [i for group in groups for i in group if not self.error(i)]
        decoded = iter(stream([self._wanted(i) for i in fine], self.threads))
        for group in groups:
            found = [next(decoded) if not self.error(i) else self.error(i) for i in group]
            yield self._chunk([self.records[i] for i in group], found)

    def error(self, place: int) -> str:
        """Why a video cannot be read, as far as counting its frames tells."""
        return self.planned.errors.get(self.planned.files[place], "")

    def _wanted(self, place: int) -> Views:
        frames = picks(
            self.protocol, self.planned.frames[place], self.planned.fps[place], self.planned.times[place]
        )
        one = self.protocol
        return Views(self.records[place].video, frames, one.short_side, one.crop, one.spatial)

    def _chunk(self, records: Sequence[VideoRecord], found: Sequence[np.ndarray | VideoError | str]) -> Chunk:
        pairs = list(zip(records, found, strict=True))
        whole = [(record, pixels) for record, pixels in pairs if isinstance(pixels, np.ndarray)]
        broken = tuple((record, _said(why)) for record, why in pairs if not isinstance(why, np.ndarray))
        if not whole:
            return Chunk(_nothing(self.protocol.frames, self.protocol.crop), (), (), broken)
        pixels = (
            torch.from_numpy(np.concatenate([one for _, one in whole])).permute(0, 4, 1, 2, 3).contiguous()
        )
        of = tuple(record for record, one in whole for _ in one)
        labels = torch.tensor([record.label for record in of])
        views = tuple(view for _, one in whole for view in range(len(one)))
        return Chunk(Clip(pixels, labels, tuple(record.id for record in of)), views, of, broken)


def some(records: Sequence[VideoRecord], limit: int | None, over: str, seed: int) -> list[VideoRecord]:
    """At most ``limit`` of the test videos, over the classes, or over classes and ``groups`` by the seed (``--limit-over``)."""
    if limit is None or limit >= len(records) or over != "groups":
        return limited(records, limit)
    return spread(records, limit, seed, "limit")


def held_out(
    dataset: Dataset, limit: int | None, over: str = "classes", seed: int = 0
) -> tuple[list[VideoRecord], list[str]]:
    """The videos that an external model is tested on: the test split, else the validation split, else all; and notes.

    Args:
        dataset: with labels.
        limit: most videos, chosen as ``some`` does.
        over: what they are spread over.
        seed: of the choice.

    Raises:
        UsageError: none of them has a label.
    """
    splits = {record.split for record in dataset.records}
    held = next((name for name in ("test", "val") if name in splits), None)
    records = [record for record in dataset.records if held is None or record.split == held]
    labelled = [record for record in records if record.label >= 0]
    if not labelled:
        raise UsageError(
            f"{dataset.name}: no labelled videos to test on. Give root/<class>/*.mp4, or a list and its label column with --label."
        )
    notes = []
    if len(labelled) < len(records):
        notes.append(f"{len(records) - len(labelled)} videos without a label are left out")
    return some(labelled, limit, over, seed), notes


def direct(
    records: Sequence[VideoRecord], protocol: Evaluation, batch: int, workers: int, allow_broken: bool
) -> tuple[Direct, list[str]]:
    """Count the frames of the videos and look for broken and short ones; returns notes too.

    Raises:
        UsageError: too many broken videos.
    """
    side = protocol.short_side
    planned = cache.plan(records, cache.Geometry(side, side), workers=1)
    errors = [planned.errors.get(name, "") for name in planned.files]
    check_broken(records, errors, allow_broken)
    counts = zip(planned.frames, planned.fps, errors, strict=True)
    short = sum(not error and _ticks(total, fps, protocol) < protocol.span for total, fps, error in counts)
    notes = traits.notes(planned.traits)
    if short:
        notes.append(
            f"{short} video{'s are' if short > 1 else ' is'} shorter than the {protocol.span} frames of a clip (policy: {protocol.short})"
        )
    together = max(1, batch // protocol.views)
    return Direct(records, planned, protocol, together, threads_for(workers)), notes


def fitting(protocol: Evaluation, device: torch.device) -> int:
    """Clips per forward pass where nothing is said: as many as keep a processor's caches or a GPU busy, 1 to 64."""
    pixels = protocol.frames * protocol.crop**2
    return min(64, max(1, (GPU_PIXELS if device.type != "cpu" else CPU_PIXELS) // pixels))


def threads_for(workers: int) -> int:
    """Threads that decode while the model computes: as asked, else one for every two cores, at most four."""
    return workers or min(4, max(1, cores() // 2))


def _ticks(total: int, fps: float, protocol: Evaluation) -> float:
    return total * protocol.fps / fps if protocol.fps and fps > 0 else total


def _nothing(frames: int, size: int) -> Clip:
    return Clip(
        torch.empty(0, 3, frames, size, size, dtype=torch.uint8), torch.empty(0, dtype=torch.int64), ()
    )


def _said(why: object) -> str:
    if not isinstance(why, VideoError):
        return str(why)
    return why.reason if why.frame is None else f"frame {why.frame}: {why.reason}"
