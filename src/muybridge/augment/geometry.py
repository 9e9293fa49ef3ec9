"""Geometry on bytes: every function takes its parameters, one per clip, and treats all frames of a clip alike."""

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from muybridge.core.clip import as_bytes

Windows = Int64[Tensor, "b 4"]
"""Top, left, height and width of one window per clip, pixels."""


def centre_crop(frames: UInt8[Tensor, "b c t h w"], size: int) -> UInt8[Tensor, "b c t size size"]:
    """The middle ``size`` x ``size`` window of every clip.

    Raises:
        ValueError: the window is larger than the frame.
    """
    check_fit("centre_crop", frames, size)
    top, left = ((edge - size) // 2 for edge in frames.shape[-2:])
    return frames[..., top : top + size, left : left + size]


def crop(
    frames: UInt8[Tensor, "b c t h w"], top: Int64[Tensor, "b"], left: Int64[Tensor, "b"], size: int
) -> UInt8[Tensor, "b c t size size"]:
    """One ``size`` x ``size`` window per clip."""
    corners = zip(frames, top.tolist(), left.tolist(), strict=True)
    return torch.stack([clip[..., y : y + size, x : x + size] for clip, y, x in corners])


def resized_crop(
    frames: UInt8[Tensor, "b c t h w"], windows: Windows, height: int, width: int
) -> UInt8[Tensor, "b c t height width"]:
    """One window per clip, brought to ``height`` x ``width`` by antialiased bilinear interpolation.

    Clip by clip, since the windows differ in size; on a CPU in bytes, which costs half of what floats cost.
    """
    b, c, t = frames.shape[:3]
    made = torch.empty((b, t, c, height, width), dtype=torch.uint8, device=frames.device)
    for out, clip, (y, x, h, w) in zip(made, frames, windows.tolist(), strict=True):
        window = clip[..., y : y + h, x : x + w].transpose(0, 1)
        out.copy_(_interpolate(window if frames.is_cpu else window.float(), height, width))
    return made.transpose(1, 2)


def _interpolate(images: Tensor, height: int, width: int) -> Tensor:
    changed = F.interpolate(images, (height, width), mode="bilinear", antialias=True)
    return changed.round_().clamp_(0, 255) if changed.is_floating_point() else changed


def resize(
    frames: UInt8[Tensor, "b c t h w"], height: int, width: int
) -> UInt8[Tensor, "b c t height width"]:
    """Whole frames brought to ``height`` x ``width``; frames of that size stay as they are."""
    h, w = frames.shape[-2:]
    if (h, w) == (height, width):
        return frames
    return resized_crop(frames, torch.tensor([[0, 0, h, w]]).expand(len(frames), 4), height, width)


def rotate(frames: UInt8[Tensor, "b c t h w"], degrees: Float[Tensor, "b"]) -> UInt8[Tensor, "b c t h w"]:
    """Turn clips counter-clockwise about the middle of the frame, bilinear, black outside.

    All frames and channels of a clip share one sampling grid. Departs from PIL and torchvision, whose default is the nearest pixel.
    """
    h, w = frames.shape[-2:]
    angle = torch.deg2rad(degrees.to(frames.device, torch.float32))
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = [cos, -sin * h / w, zero, sin * w / h, cos, zero]  # grid_sample measures both axes from -1 to 1
    turned = torch.empty(frames.shape, dtype=torch.uint8, device=frames.device)
    for out, clip, matrix in zip(turned, frames, torch.stack(rows, 1).view(-1, 1, 2, 3), strict=True):
        images = clip.flatten(0, 1).unsqueeze(0).float()
        grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
        sampled = F.grid_sample(images, grid, align_corners=False)
        out.copy_(as_bytes(sampled.round_().clamp_(0, 255)).view(clip.shape))
    return turned


def flip(frames: UInt8[Tensor, "b c t h w"], mirrored: Bool[Tensor, "b"]) -> UInt8[Tensor, "b c t h w"]:
    """Mirror the chosen clips left to right."""
    chosen = zip(frames, mirrored.tolist(), strict=True)
    return torch.stack([clip.flip(-1) if turn else clip for clip, turn in chosen])


def check_fit(name: str, frames: Tensor, size: int) -> None:
    """Refuse windows larger than the frame.

    Raises:
        ValueError: says both sizes.
    """
    h, w = frames.shape[-2:]
    if size > min(h, w):
        raise ValueError(f"{name}: a window of {size} does not fit into frames of {h}x{w}")
