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

from muybridge.store.part_files import Parts

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


class FeatureParts(Parts[Block]):
    """The parts of one request, whose hash, with what else decides its bits, owns them."""

    prefix, suffix = "rows", ".safetensors"

    def add(self, block: Block) -> None:
        """The rows of the next chunk."""
        self.put(block, size=block.size)

    def is_due(self) -> bool:
        """Whether there are features enough, or they have waited long."""
        return self.size >= BYTES or time.monotonic() - self.since > SECONDS

    def content(self, items: list[Block]) -> bytes:
        """A tensor for each layer, and all else in the metadata."""
        from safetensors.numpy import save

        block = joined(items)
        facts = {name: value for name, value in vars(block).items() if name != "features"}
        features = {name: np.ascontiguousarray(one) for name, one in block.features.items()}
        return bytes(save(features, {META: json.dumps(facts)}))

    def facts(self) -> Block:
        """What the parts say beside their features, of all rows."""
        return joined([self._block(path, ()) for path in self.files])

    def blocks(self, layers: Sequence[str]) -> Iterator[Block]:
        """The rows of one part after another, with the features of some layers."""
        for path in self.files:
            yield self._block(path, layers)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of a row of each layer; empty where there are no rows."""
        for path in self.files:
            with _opened(path) as file:
                if names := list(file.keys()):
                    return {name: tuple(file.get_slice(name).get_shape()[1:]) for name in names}
        return {}

    def _block(self, path: Path, layers: Sequence[str]) -> Block:
        with _opened(path) as file:
            facts = json.loads(file.metadata()[META])
            held = facts["videos"] and layers
            return Block(**facts, features={name: file.get_tensor(name) for name in layers} if held else {})


def _opened(path: Path) -> Any:
    from safetensors import safe_open

    return safe_open(path, framework="numpy")
