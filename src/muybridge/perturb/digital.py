"""JPEG, frame by frame."""

from io import BytesIO

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from muybridge.perturb.streams import Streams


def jpeg(frames: UInt8[Tensor, "b c t h w"], streams: Streams, *, quality: int) -> UInt8[Tensor, "b c t h w"]:
    """Compress and restore every frame with Pillow's JPEG at ``quality``, colours at half resolution; on the CPU, deterministic.

    The bits are those of the libjpeg that Pillow was built with; ``PIL.features.version("jpg")`` names it. The result lies in memory
    pixel by pixel (channels last), as it comes from the decoder.
    """
    b, c, t, h, w = frames.shape
    source, result = frames.cpu().contiguous().numpy(), np.empty((b, t, h, w, c), np.uint8)
    for clip, pictures in zip(source, result, strict=True):
        # All frames below each other: Pillow joins three planes faster than NumPy, and a tall one faster than many.
        tall = Image.merge("RGB", [Image.fromarray(plane) for plane in clip.reshape(c, t * h, w)])
        for frame in range(t):
            memory = BytesIO()
            tall.crop((0, frame * h, w, (frame + 1) * h)).save(memory, "JPEG", quality=quality)
            pictures[frame] = np.asarray(Image.open(memory, formats=("JPEG",)))
    return torch.from_numpy(result).permute(0, 4, 1, 2, 3).to(frames.device)
