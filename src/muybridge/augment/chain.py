"""A chain of named augmentations, as a stage's config spells it."""

from collections.abc import Sequence
from typing import Literal

from jaxtyping import UInt8
from torch import Generator, Tensor

from muybridge.augment.colour import colour_jitter
from muybridge.augment.geometry import random_crop, random_flip

Step = Literal["crop", "flip", "jitter"]


def augment(
    frames: UInt8[Tensor, "b c t h w"], steps: Sequence[Step], size: int, rng: Generator
) -> UInt8[Tensor, "b c t size size"]:
    """Apply the named steps in the order given; without ``"crop"`` the frames must already be ``size`` wide and high."""
    for step in steps:
        if step == "crop":
            frames = random_crop(frames, size, rng)
        elif step == "flip":
            frames = random_flip(frames, rng)
        else:
            frames = colour_jitter(frames, rng)
    return frames
