"""Batches of clips as a pure function of the step: nothing to save, nothing to lose on resume."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.data.cache import FrameStore
from muybridge.data.index import VideoRecord
from muybridge.sampling.frame_numbers import ClipLaw, Draw, Law


@dataclass
class Loader:
    """Random clips for training.

    Every epoch visits each video once, in an order drawn from (seed, epoch); batches run over the end of an epoch, so that all have the
    same size and no video is dropped. The frames of a clip depend on (seed, place in the sequence, video) only.

    Attributes:
        records: videos to draw from; ``numbers`` are their places in the store.
        batch: videos per batch.
    """

    store: FrameStore
    records: Sequence[VideoRecord]
    numbers: Sequence[int]
    law: Law
    batch: int
    seed: int

    def __call__(self, step: int) -> Clip:
        """The batch of a step."""
        positions = range(step * self.batch, (step + 1) * self.batch)
        picked = [self._video(position) for position in positions]
        draws = [self._draw(position, place) for position, place in zip(positions, picked, strict=True)]
        frames = [
            self.store.read(self.numbers[place], draw.frames)
            for place, draw in zip(picked, draws, strict=True)
        ]
        return collate(frames, [self.records[place] for place in picked], draws)

    def _video(self, position: int) -> int:
        epoch, place = divmod(position, len(self.records))
        return int(_order(self.seed, epoch, len(self.records))[place])

    def _draw(self, position: int, place: int) -> Draw:
        rng = seeding.rng(self.seed, "sample", position, self.records[place].id)
        return self.law.draw(int(self.store.frames[self.numbers[place]]), rng)


@lru_cache(8)
def _order(seed: int, epoch: int, number: int) -> np.ndarray:
    """Order of the videos in one epoch; cached, since each batch asks for it, by a cache that threads may share."""
    return seeding.rng(seed, "epoch", epoch).permutation(number)


def stream(loader: Loader, start: int, stop: int, workers: int = 0) -> Iterator[Clip]:
    """Batches of steps ``start`` to ``stop``; ``workers`` threads decode ahead (decoders release the GIL), one for a memory map."""
    if workers <= 0:
        yield from (loader(step) for step in range(start, stop))
        return
    workers = 1 if loader.store.kind == "memory" else workers
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[object] = deque()
        for step in range(start, stop + 2 * workers):
            if step < stop:
                ahead.append(pool.submit(loader, step))
            if ahead and step - start >= 2 * workers - 1:
                yield ahead.popleft().result()  # type: ignore[attr-defined]


def evaluation(
    store: FrameStore,
    records: Sequence[VideoRecord],
    numbers: Sequence[int],
    law: ClipLaw,
    number: int,
    batch: int,
) -> Iterator[Clip]:
    """Every video's ``number`` views in order (video by video), in batches of about ``batch`` clips; broken videos are left out."""
    step = max(1, batch // number)
    usable = [i for i in range(len(records)) if not store.errors[numbers[i]]]
    for start in range(0, len(usable), step):
        chosen = usable[start : start + step]
        frames = [
            store.read(numbers[i], view)
            for i in chosen
            for view in law.views(int(store.frames[numbers[i]]), number)
        ]
        yield collate(frames, [records[i] for i in chosen for _ in range(number)])


def collate(frames: Sequence[np.ndarray], records: Sequence[VideoRecord], draws: Sequence[Draw] = ()) -> Clip:
    """Arrays ``t h w 3`` to one ``Clip``, with the facts of the draws that gave their frames."""
    pixels = torch.from_numpy(np.stack(frames)).permute(0, 4, 1, 2, 3).contiguous()
    drawn = {
        name: torch.tensor([draw.facts[name] for draw in draws]) for name in (draws[0].facts if draws else ())
    }
    return Clip(pixels, torch.tensor([r.label for r in records]), tuple(r.id for r in records), drawn)


def check_broken(records: Sequence[VideoRecord], errors: Sequence[str], allow: bool) -> list[dict[str, str]]:
    """List the broken videos.

    Raises:
        UsageError: more than 1 % are broken and that was not allowed, or none is left.
    """
    broken = [{"path": str(r.video), "reason": e} for r, e in zip(records, errors, strict=True) if e]
    if broken and len(broken) == len(records):
        gone = all("no such file" in one["reason"] for one in broken)
        way = (
            " No path is there: --root names the folder that the paths of a list start from." if gone else ""
        )
        raise UsageError(
            f"all {len(records)} videos are broken; the first: {broken[0]['path']}: {broken[0]['reason']}.{way}"
        )
    if len(broken) > 0.01 * len(records) and not allow:
        listed = "; ".join(f"{b['path']}: {b['reason']}" for b in broken[:3])
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        raise UsageError(
            f"{len(broken)} of {len(records)} videos are broken (limit 1 %): {listed}{more}."
            " Repair or remove them, or go on with --allow-broken: they are left out of training, and count as wrong where they are tested."
        )
    return broken
