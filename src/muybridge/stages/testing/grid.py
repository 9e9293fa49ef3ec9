"""Every condition of a robustness run on every clip: perturb on the device, predict, append rows; goes on after a kill.

A chunk is decoded once; all conditions see the same clips. ResolveCache holds one chunk, one forward pass and the rows since the last part.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from muybridge.core.clip import Clip
from muybridge.core.networks.gather import rank
from muybridge.data.index import VideoRecord
from muybridge.perturb.apply import perturb
from muybridge.perturb.profiles import DEFAULT
from muybridge.runs.contents.predictions import Predictions
from muybridge.stages.testing.clip_protocol import Protocol
from muybridge.stages.testing.labels import Labels
from muybridge.stages.testing.models import TestedModel, evaluating
from muybridge.stages.testing.parts import ResumableRows
from muybridge.stages.testing.tested import Chunk, Tested
from muybridge.train.distributed import broadcast, round_robin
from muybridge.train.flops import flop_counter, without_gradients
from muybridge.train.precision import Compute

Tick = Callable[[int, int], None]
Condition = tuple[str, int]


@dataclass(frozen=True)
class Grid:
    """What is asked of a model.

    Attributes:
        conditions: perturbation type and severity, clean first.
        profile: table of constants.
        dataset: name of the data set, which names the random streams.
        seed: of the perturbations.
        batch: clips per forward pass, at most.
    """

    conditions: Sequence[Condition]
    dataset: str
    batch: int
    profile: str = DEFAULT
    seed: int = 0

    def perturbed(self, clip: Clip, views: Sequence[int], condition: Condition) -> Clip:
        """Clips under one condition."""
        name, severity = condition
        return perturb(
            clip, name, severity, profile=self.profile, dataset=self.dataset, views=views, seed=self.seed
        )


def run_grid(
    grid: Grid,
    subject: TestedModel,
    labels: Labels,
    tested: Tested,
    compute: Compute,
    folder: Path,
    tick: Tick | None,
) -> ResumableRows | None:
    """Do the chunks that are not in ``folder`` yet; several processes share them, and the first alone writes and has the parts.

    Raises:
        UsageError: the model returns something else than one score per class.
    """
    parts = ResumableRows(folder) if rank() == 0 else None
    start = broadcast(parts.stop if parts else 0)

    def work(some: range) -> Iterator[tuple[list[Predictions], list[dict[str, str]]]]:
        for chunk in tested.read(some.start, some.step):
            broken = [{"path": str(record.video), "reason": why} for record, why in chunk.broken]
            yield [*asked(grid, subject, labels, chunk, compute), *missing(grid, labels, chunk)], broken

    with evaluating(subject.call, compute), parts or nullcontext():
        for done, (rows, broken) in enumerate(round_robin(work, start, tested.chunks), start + 1):
            if parts:
                parts.add(rows, broken)
            if tick:
                tick(tested.videos * done // tested.chunks, tested.videos)
    if parts:
        parts.flush()
    return parts


def asked(
    grid: Grid, subject: TestedModel, labels: Labels, chunk: Chunk, compute: Compute
) -> list[Predictions]:
    """Rows of the clips of a chunk under every condition."""
    scores = np.empty((len(grid.conditions), len(chunk.clip), len(labels.classes)), np.float32)
    for start in range(0, len(chunk.clip), grid.batch):
        some = slice(start, start + grid.batch)
        clip = chunk.clip.rows(some).to(compute.device)
        for place, condition in enumerate(grid.conditions):
            changed = grid.perturbed(clip, chunk.views[some], condition)
            scores[place, some] = subject.logits(changed.frames, len(labels.classes), compute).numpy()
    return [
        rows_of(chunk.records, chunk.views, condition, one, labels)
        for condition, one in zip(grid.conditions, scores, strict=True)
        if len(chunk.records)
    ]


def rows_of(
    records: Sequence[VideoRecord],
    views: Sequence[int],
    condition: Condition,
    scores: Float32[np.ndarray, "n k"],
    labels: Labels,
) -> Predictions:
    """Rows of one condition; scores as the model gave them."""
    videos = [record.id for record in records]
    return Predictions(
        video=np.array(videos, dtype=str),
        group=np.array([record.group for record in records], dtype=str),
        label=np.array([labels.first(record.label) for record in records], dtype=np.int64),
        view=np.array(views, dtype=np.int64),
        perturbation=np.full(len(records), condition[0]),
        severity=np.full(len(records), condition[1], dtype=np.int64),
        scores=labels.merged(scores, [record.label for record in records], videos),
    )


def missing(grid: Grid, labels: Labels, chunk: Chunk) -> list[Predictions]:
    """Rows without scores of the videos that could not be decoded: they count as wrong under every condition."""
    records = [record for record, _ in chunk.broken]
    nothing = np.full((len(records), len(labels.classes)), np.nan, np.float32)
    conditions = grid.conditions if records else []
    return [rows_of(records, [0] * len(records), one, nothing, labels) for one in conditions]


def spent(
    subject: TestedModel, protocol: Protocol, classes: int, shown: int, compute: Compute, began: float
) -> dict[str, object]:
    """What a test cost; ``seconds`` are those of the last process if it went on after a kill.

    Args:
        subject: the model.
        protocol: how clips are cut.
        classes: of its scores.
        shown: videos, once for each condition.
        compute: where.
        began: ``time.monotonic()`` at the start.
    """
    clips = shown * protocol.views
    blank = torch.zeros(1, 3, protocol.frames, protocol.crop, protocol.crop, dtype=torch.uint8)
    with evaluating(subject.call, compute), without_gradients(subject.call), flop_counter() as counter:
        subject.logits(blank, classes, compute)
    return {
        "clips": clips, "steps": 0, "frames": clips * protocol.frames, "flops": clips * int(counter.get_total_flops()),
        "seconds": round(time.monotonic() - began, 2), "waiting": 0.0,
    }  # fmt: skip
