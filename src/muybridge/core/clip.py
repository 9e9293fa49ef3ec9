"""Clip: one batch of video clips with one meaning per value."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

UNLABELLED = -1


@dataclass(frozen=True)
class Clip:
    """A batch of clips as decoded.

    Attributes:
        frames: RGB, 0 to 255. A tuple of n clips of one video lies along time: t = n * frames.
        label: class index, ``UNLABELLED`` where there is none.
        video: id of the video each clip comes from.

    Raises:
        ValueError: shapes or types that do not fit together.
    """

    frames: UInt8[Tensor, "b c t h w"]
    label: Int64[Tensor, "b"]
    video: Sequence[str]

    def __post_init__(self) -> None:
        if self.frames.ndim != 5 or self.frames.dtype != torch.uint8 or self.frames.shape[1] != 3:
            raise ValueError(
                f"Clip.frames: wanted uint8 'b 3 t h w', got {self.frames.dtype} {tuple(self.frames.shape)}"
            )
        if not len(self.frames) == len(self.label) == len(self.video):
            raise ValueError(
                f"Clip: {len(self.frames)} clips, {len(self.label)} labels and {len(self.video)} video ids; wanted as many of each"
            )

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Clip(frames={tuple(self.frames.shape)}, videos={list(self.video[:3])}{'...' if len(self) > 3 else ''})"

    def to(self, device: torch.device | str) -> "Clip":
        """The same clips on another device."""
        return Clip(self.frames.to(device, non_blocking=True), self.label.to(device), self.video)


def to_unit(frames: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Bytes 0..255 to float32 0..1."""
    return frames.float().div_(255)
