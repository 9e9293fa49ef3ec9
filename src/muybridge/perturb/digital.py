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
    source, result = frames.cpu().numpy(), np.empty((b, t, h, w, c), np.uint8)
    for clip, pictures in zip(source, result, strict=True):
        for frame in range(t):
            pictures[frame] = compressed(clip[:, frame], quality)
    return torch.from_numpy(result).permute(0, 4, 1, 2, 3).to(frames.device)


def compressed(planes: UInt8[np.ndarray, "3 h w"], quality: int) -> UInt8[np.ndarray, "h w 3"]:
    """One picture after JPEG; Pillow joins the three planes faster than NumPy."""
    memory = BytesIO()
    Image.merge("RGB", [Image.fromarray(plane) for plane in planes]).save(memory, "JPEG", quality=quality)
    return np.asarray(Image.open(memory, formats=("JPEG",)))
