"""The clips of one video, cut as the verbs cut them: those of a run as from the cache, those of any other model as from the files."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from muybridge.augment.geometry import centre_crop
from muybridge.data.clips import Views
from muybridge.data.decode import video
from muybridge.stages.testing.clip_protocol import Protocol, picks


@dataclass(frozen=True)
class ClipReader:
    """Cuts clips.

    Attributes:
        protocol: how.
        squares: the middle of square pictures of ``short_side``, as runs with one crop see them; else crops of whole pictures.
    """

    protocol: Protocol
    squares: bool = False

    def read(self, path: str | Path) -> UInt8[Tensor, "v 3 t h w"]:
        """All views of a video, RGB, 0 to 255; spatial views of the first clip, then those of the second.

        Raises:
            VideoError: it cannot be read.
        """
        one, place = self.protocol, Path(path)
        info = video.probe(place)
        numbers = picks(one, info.frames, info.fps, info.times)
        if not self.squares:
            pixels = Views(place, numbers, one.short_side, one.crop, one.spatial).read()
            return torch.from_numpy(pixels).permute(0, 4, 1, 2, 3).contiguous()
        pixels = video.read(place, numbers, height=one.short_side, width=one.short_side)
        return centre_crop(torch.from_numpy(pixels).permute(0, 4, 1, 2, 3), one.crop).contiguous()
