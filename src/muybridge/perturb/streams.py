"""Random bits for perturbations: one counter-based stream per clip, named by what it is for.

The key of a stream is a hash of (profile, data set, video, view, type, severity, seed) and nothing else, so the bits do not depend on the
batch, its order, the number of workers, the device or where a run was resumed. The generator is Philox 4x64 with 10 rounds (Salmon et
al., Parallel random numbers: as easy as 1, 2, 3, SC 2011), as in ``numpy.random.Philox``.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import SupportsIndex

import numpy as np
import torch
from jaxtyping import Int16, Int64, UInt64
from torch import Tensor

from muybridge.perturb import philox

APART = 1 << 192
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Streams:
    """One random stream per clip of a batch.

    Attributes:
        keys: 128-bit key of every clip, as two words.
        device: where ``words`` are made.
    """

    keys: UInt64[np.ndarray, "b 2"]
    device: torch.device = CPU

    def __len__(self) -> int:
        return len(self.keys)

    def words(self, count: int) -> Int16[Tensor, "b count"]:
        """The first ``count`` 16-bit words of every stream, uniform over -32768 to 32767; the same on every device.

        A frame that needs n words owns those from ``frame * n`` on: its bits do not depend on how many frames follow.
        """
        if self.device.type != "cpu":
            return philox.words(self.keys, count, self.device)
        raw = [np.random.Philox(key=key).random_raw(-(-count // 4)) for key in self.keys]
        words = np.stack(raw) if raw else np.empty((0, -(-count // 4)), np.uint64)
        return torch.from_numpy(words.astype("<u8", copy=False).view(np.int16)[:, :count])

    def rng(self, clip: int) -> np.random.Generator:
        """NumPy generator of one clip, on the CPU; shares no bits with ``words``."""
        return np.random.Generator(np.random.Philox(key=self.keys[clip], counter=APART))

    def on(self, device: torch.device | str) -> "Streams":
        """The same streams with their words on another device."""
        return replace(self, device=torch.device(device))


def streams(
    profile: str,
    dataset: str,
    videos: Sequence[str],
    views: Sequence[SupportsIndex] | Int64[np.ndarray, "b"],
    type: str,
    severity: SupportsIndex,
    seed: SupportsIndex = 0,
) -> Streams:
    """Streams of the clips of a batch.

    Args:
        profile: name and version of the table of constants, as ``Profile.label``.
        dataset: name of the data set.
        videos: id of the video of each clip.
        views: which view of its video each clip is.
        type: name of the perturbation.
        severity: 1 to 5.
        seed: another seed gives independent bits, to measure what chance alone does.

    Raises:
        ValueError: not as many views as videos.
    """
    if len(videos) != len(views):
        raise ValueError(f"streams: {len(videos)} videos and {len(views)} views; wanted as many of each")
    names = [
        json.dumps([profile, dataset, str(video), int(view), type, int(severity), int(seed)])
        for video, view in zip(videos, views, strict=True)
    ]
    keys = b"".join(hashlib.blake2b(name.encode(), digest_size=16).digest() for name in names)
    return Streams(np.frombuffer(keys, "<u8").reshape(-1, 2))
