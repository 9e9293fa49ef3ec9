"""Named, counter-based random streams: the same name gives the same numbers, whatever ran before.

A stream is named by a seed and a path of words and integers, for example ``rng(seed, "sample", video_id, step)``. Its key is a hash
of that name (BLAKE2b), so results do not depend on the order of calls, on workers or on where a run was resumed.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def key(seed: int, *name: str | int) -> int:
    """63-bit integer that names a random stream; words and integers never collide (``1`` differs from ``"1"``)."""
    text = "\x1f".join(_spell(part) for part in (int(seed), *name))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def _spell(part: str | int) -> str:
    """A part with its kind in front: NumPy's words and integers count as Python's; the separator is doubled inside words."""
    return "str:" + part.replace("\x1f", "\x1f\x1f") if isinstance(part, str) else f"int:{int(part)}"


def rng(seed: int, *name: str | int) -> np.random.Generator:
    """NumPy generator of the named stream (Philox, counter-based)."""
    return np.random.Generator(np.random.Philox(key=key(seed, *name)))


def generator(seed: int, *name: str | int, device: str = "cpu") -> "torch.Generator":
    """Torch generator of the named stream on a device; equal names give equal bits on equal devices."""
    import torch

    return torch.Generator(device=device).manual_seed(key(seed, *name))
