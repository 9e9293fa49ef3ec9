"""A chain of named augmentations, as a stage's config spells it."""

from collections.abc import Sequence
from typing import Literal, get_args

from jaxtyping import UInt8
from torch import Generator, Tensor

from muybridge.augment.colour import colour_jitter
from muybridge.augment.geometry import centre_crop, random_crop, random_flip
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

Step = Literal["crop", "flip", "jitter"]


def augment(
    frames: UInt8[Tensor, "b c t h w"], steps: Sequence[Step], size: int, rng: Generator
) -> UInt8[Tensor, "b c t size size"]:
    """Apply the named steps in the order given; without ``"crop"`` the middle window is taken first.

    Raises:
        UsageError: unknown step.
    """
    if "crop" not in steps:
        frames = centre_crop(frames, size)
    for step in steps:
        if step == "crop":
            frames = random_crop(frames, size, rng)
        elif step == "flip":
            frames = random_flip(frames, rng)
        elif step == "jitter":
            frames = colour_jitter(frames, rng)
        else:
            known = get_args(Step)
            raise UsageError(
                f"--augment {step}: unknown.{suggestion(step, known)} Known: {', '.join(known)}."
            )
    return frames
