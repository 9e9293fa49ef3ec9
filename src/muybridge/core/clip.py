"""Clip: one batch of video clips with one meaning per value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

UNLABELLED = -1


def as_bytes(values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Values from 0 to below 256 as bytes, fractions cut off; on a CPU by way of 16 bits: torch makes bytes of floats one by one."""
    return (values.to(torch.int16) if values.is_cpu else values).to(torch.uint8)


@dataclass(frozen=True)
class Clip:
    """A batch of clips as decoded.

    Attributes:
        frames: RGB, 0 to 255. A tuple of n clips of one video lies along time: t = n * frames.
        label: class index, ``UNLABELLED`` where there is none.
        video: id of the video each clip comes from.
        drawn: what the sampling law drew for each clip besides its frames, by name.

    Raises:
        ValueError: shapes or types that do not fit together.
    """

    frames: UInt8[Tensor, "b c t h w"]
    label: Int64[Tensor, "b"]
    video: Sequence[str]
    drawn: Mapping[str, Int64[Tensor, "b"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.frames.ndim != 5 or self.frames.dtype != torch.uint8 or self.frames.shape[1] != 3:
            raise ValueError(
                f"Clip.frames: wanted uint8 'b 3 t h w', got {self.frames.dtype} {tuple(self.frames.shape)}"
            )
        if not len(self.frames) == len(self.label) == len(self.video):
            raise ValueError(
                f"Clip: {len(self.frames)} clips, {len(self.label)} labels and {len(self.video)} video ids; wanted as many of each"
            )
        for name, values in self.drawn.items():
            if len(values) != len(self.frames):
                raise ValueError(f"Clip.drawn: {len(values)} values of {name!r} for {len(self.frames)} clips")

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Clip(frames={tuple(self.frames.shape)}, videos={list(self.video[:3])}{'...' if len(self) > 3 else ''})"

    def to(self, device: torch.device | str) -> "Clip":
        """The same clips on another device."""
        drawn = {name: values.to(device) for name, values in self.drawn.items()}
        return Clip(self.frames.to(device, non_blocking=True), self.label.to(device), self.video, drawn)

    def rows(self, chosen: slice) -> "Clip":
        """Some clips of the batch."""
        drawn = {name: values[chosen] for name, values in self.drawn.items()}
        return Clip(self.frames[chosen], self.label[chosen], self.video[chosen], drawn)


def to_unit(frames: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Bytes 0..255 to float32 0..1."""
    return frames.float().div_(255)
