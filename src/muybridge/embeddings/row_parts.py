"""Rows of features in parts: written as they come, found again after a kill, read once more when the file is made.

Videos are cut into chunks, numbered from 0, that are always encoded whole and in order. ``rows-START-STOP-CHECKSUM.safetensors`` holds the
rows of chunks START to STOP - 1 and, in its metadata, which videos and views they are, which videos turned out to be broken and which rows
are not finite. Where the parts are cut depends on the clock; the file that is made of them does not. A part whose bytes are not those of
its checksum (``store.part_files``), or that belongs to another request, is computed anew, and all behind it.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from muybridge.core.machine.interrupts import whole as undivided
from muybridge.store.part_files import sound_parts, write_part

BYTES = 32 << 20
"""Of features that make a part."""
SECONDS = 30.0
"""After this long a part is written however small it is."""
META = "muybridge"


@dataclass
class Block:
    """Some rows.

    Attributes:
        videos: id of the video of each row.
        views: which view each row is; 0 where rows are whole videos.
        features: by layer, one row each.
        broken: path and reason of videos that could not be read, and have no row.
        not_finite: by layer, how many of the rows hold numbers that are not finite.
        overflown: by layer, how many hold numbers that are too large for the format that is written.
        first: by layer, the first video of such a row.
        whole: layers that could not be averaged.
    """

    videos: list[str] = field(default_factory=list)
    views: list[int] = field(default_factory=list)
    features: dict[str, np.ndarray] = field(default_factory=dict)
    broken: list[dict[str, str]] = field(default_factory=list)
    not_finite: dict[str, int] = field(default_factory=dict)
    overflown: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.videos)

    @property
    def size(self) -> int:
        """Bytes of its features."""
        return sum(one.nbytes for one in self.features.values())

    def rows(self, chosen: slice) -> "Block":
        """Some of the rows; what was counted stays behind."""
        return Block(
            self.videos[chosen],
            self.views[chosen],
            {name: one[chosen] for name, one in self.features.items()},
        )


def joined(blocks: Sequence[Block]) -> Block:
    """Blocks below each other."""
    full = [one for one in blocks if len(one)]
    names = full[0].features if full else {}
    made = Block(
        [video for one in blocks for video in one.videos],
        [view for one in blocks for view in one.views],
        {name: np.concatenate([one.features[name] for one in full]) for name in names},
        [video for one in blocks for video in one.broken],
    )
    for one in blocks:
        made.not_finite = added(made.not_finite, one.not_finite)
        made.overflown = added(made.overflown, one.overflown)
        made.first = {**one.first, **made.first}
        made.whole = sorted({*made.whole, *one.whole})
    return made


def added(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """Counts by name."""
    return {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}


class FeatureParts:
    """The parts of one request.

    Args:
        folder: where they lie; leftovers of a kill in it are removed.
        owner: hash of the request and of what decides its bits.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*.part"):
            draft.unlink()
        self.folder, self.owner = folder, owner
        self.start = self.stop = sound_parts(folder, "rows", ".safetensors", owner)[1]
        self._blocks: list[Block] = []
        self._bytes, self._since = 0, time.monotonic()

    def add(self, block: Block) -> None:
        """The rows of the next chunk."""
        with undivided():  # a chunk counts with all its rows or not at all, also where a signal ends it
            self._blocks.append(block)
            self._bytes += block.size
            self.stop += 1
        if self._bytes >= BYTES or time.monotonic() - self._since > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory."""
        from safetensors.numpy import save

        if self.stop == self.start:
            return
        whole = joined(self._blocks)
        facts = {name: value for name, value in vars(whole).items() if name != "features"}
        content = save(
            {name: np.ascontiguousarray(one) for name, one in whole.features.items()},
            {META: json.dumps(facts)},
        )
        write_part(self.folder, "rows", self.start, self.stop, ".safetensors", content, self.owner)
        self.start, self._blocks, self._bytes, self._since = self.stop, [], 0, time.monotonic()

    def facts(self) -> Block:
        """What the parts say beside their features, of all rows."""
        return joined([self._block(path, ()) for path in self._paths()])

    def blocks(self, layers: Sequence[str]) -> Iterator[Block]:
        """The rows of one part after another, with the features of some layers."""
        for path in self._paths():
            yield self._block(path, layers)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of a row of each layer; empty where there are no rows."""
        for path in self._paths():
            with _opened(path) as file:
                if names := list(file.keys()):
                    return {name: tuple(file.get_slice(name).get_shape()[1:]) for name in names}
        return {}

    def _block(self, path: Path, layers: Sequence[str]) -> Block:
        with _opened(path) as file:
            facts = json.loads(file.metadata()[META])
            held = facts["videos"] and layers
            return Block(**facts, features={name: file.get_tensor(name) for name in layers} if held else {})

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("rows-*.safetensors"))


def _opened(path: Path) -> Any:
    from safetensors import safe_open

    return safe_open(path, framework="numpy")
