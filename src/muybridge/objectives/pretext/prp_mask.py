"""PRP's motion attention: errors count more where the video moves (dynamic perception, Yao et al., CVPR 2020, sec. 3.3)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from muybridge.sampling.rates import PROBES

LOW, HIGH = 0.8, 2.0


def motion(probes: Float[Tensor, "b 3 n h w"]) -> Float[Tensor, "b 3 blocks h2 w2"]:
    """Squared differences of the probe frames of each block, pooled over windows; ``n`` is four per block.

    Windows of 28 pixels at steps of 7 on 112 pixels, as in the authors' code; in proportion on other sizes.
    """
    b, c, _, h, w = probes.shape
    moved = probes.reshape(b, c, -1, PROBES, h, w).diff(dim=3).square().mean(3)
    window, step = (max(1, round(edge / 112 * w)) for edge in (28, 7))
    pooled = F.avg_pool2d(moved.flatten(0, 2), window, step)
    return pooled.reshape(*moved.shape[:3], *pooled.shape[-2:])


def weights(moved: Float[Tensor, "b 3 blocks h2 w2"]) -> Float[Tensor, "b 3 blocks h2 w2"]:
    """Motion stretched to [0.8, 2.0] for each channel of each block; 1 everywhere in a clip without any motion."""
    low, high = moved.amin((3, 4), keepdim=True), moved.amax((3, 4), keepdim=True)
    stretched = LOW + (HIGH - LOW) * (moved - low) / (high - low + 1e-6)
    still = (moved == 0).flatten(1).all(1).view(-1, 1, 1, 1, 1)
    return torch.where(still, torch.ones_like(stretched), stretched)


def motion_mask(
    probes: Float[Tensor, "b 3 n h w"], rates: Int64[Tensor, "b"], frames: int
) -> Float[Tensor, "b 3 frames h w"]:
    """Weight of every pixel of ``frames`` target frames, of which each of the first ``rates[i]`` blocks of video i has its share."""
    size = probes.shape[-2:]
    coarse = weights(motion(probes))
    fine = F.interpolate(coarse.flatten(0, 1), size, mode="bilinear", align_corners=False)
    block = torch.arange(frames, device=rates.device) * rates.view(-1, 1) // frames
    place = block.view(len(rates), 1, frames, 1, 1).expand(-1, 3, -1, *size)
    return fine.reshape(*coarse.shape[:3], *size).gather(2, place)
