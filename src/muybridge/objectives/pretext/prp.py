"""PRP: name the rate at which a clip is played, and paint the frames between those shown.

Yao et al., Video playback rate perception for self-supervised spatio-temporal representation learning, CVPR 2020, sec. 3.
"""

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Features
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy
from muybridge.objectives.pretext.prp_decoder import Branches
from muybridge.objectives.pretext.prp_mask import motion_mask
from muybridge.objectives.pretext.speed import chance, first_rates
from muybridge.sampling.frame_numbers import Short
from muybridge.sampling.rates import PROBES, Rates, reconstructed


class PRP(Objective):
    """A discriminative branch over the rates and a generative one that paints the clip at twice its frame rate.

    The loss is the reconstruction error, weighted by where the video moves, plus 0.1 of the cross-entropy. Both branches read the last
    map of the backbone through a convolution of their own, as in the authors' code; the decoder has 21.6 million parameters with them at
    width 512. A map of another shape than ``frames / 8`` x ``size / 16`` x ``size / 16`` is resized (trilinear), one with other than
    ``width`` channels goes through a 1x1x1 convolution first: marked choice, no source says what the benchmark did. What a backbone has
    behind its map (the projection of the small ones) learns nothing here.

    Departs from the code: one learning rate for all layers (``fc8`` has ten times the rate there); the windows may be cropped at random;
    a video too short for a rate is played at the others instead of being replaced by another video.

    Args:
        dim: length of the backbone's feature.
        rates: 2, 3 or 4: the rates {1, 2}, {1, 2, 4}, {1, 2, 4, 8}. A video shorter than ``frames * rate`` is not played at that rate;
            the monitor ``chance`` counts the rates that each video was drawn from.
        width: channels of the branches; the published 512 would dwarf a tiny backbone.
        weight: of the cross-entropy.
    """

    terms = ("reconstruction", "rate")

    def __init__(self, dim: int, rates: int = 4, width: int = 512, weight: float = 0.1) -> None:
        super().__init__()
        self.rates, self.chance = first_rates("prp", rates), 1 / rates
        self.term_weights = {"rate": weight}
        if width < 8 or width % 8:
            raise ValueError(f"prp: width={width}; wanted a multiple of 8")
        self.width = width

    def law(self, frames: int, stride: int, gap: int, short: Short) -> Rates:
        """Frames at twice the clip's rate, then the frames in which motion is looked for."""
        return Rates(frames, self.rates, stride, short, reconstructed)

    def attach(self, backbone: nn.Module, frames: int, size: int) -> None:
        """Build both branches for the backbone's last map."""
        last = last_map(backbone, frames, size)
        self.branches = Branches(last.shape[1], self.width, len(self.rates), (2 * frames, size, size))

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The clip (every second of the frames to be painted), those frames, what each pixel of them counts, and which are real."""
        frames = to_unit(augment(clip.frames, rng))
        probes = PROBES * self.rates[-1]
        real, probed = frames[:, :, :-probes], frames[:, :, -probes:]
        rates = torch.tensor(self.rates, device=frames.device)[clip.drawn["rate"]]
        painted, flags = interleaved(real, rates == 1)
        return {
            "clip": painted[:, :, ::2].contiguous(),
            "frames": painted,
            "mask": motion_mask(probed, rates, painted.shape[2]),
            "flags": flags,
            "target": clip.drawn["rate"],
            "choices": clip.drawn["choices"],
        }

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Reconstruction error and cross-entropy over the rates, unweighted."""
        features = encode(views["clip"])
        logits, painted = self.branches(features.maps["last"])
        error = reconstruction(painted.float(), views["frames"], views["mask"], views["flags"])
        error = error + 0 * features.pooled.sum()  # DDP wants a gradient for a projection behind the map too
        return Outcome(
            {"reconstruction": error, "rate": F.cross_entropy(logits, views["target"])},
            {"accuracy": accuracy(logits, views["target"]), "chance": chance(views["choices"])},
        )

    def caption(self, target: int) -> str:
        """The answer in words."""
        return f"played at rate {self.rates[target]}"


def interleaved(
    frames: Float[Tensor, "b c t h w"], single: Bool[Tensor, "b"]
) -> tuple[Float[Tensor, "b c t h w"], Bool[Tensor, "b t"]]:
    """Averages of the neighbours at the odd places of ``single`` videos, whose frames come twice; and which frames are real.

    The last odd place has no neighbour behind it and keeps the last frame.
    """
    odd = torch.arange(frames.shape[2], device=frames.device) % 2 == 1
    made = single.view(-1, 1) & odd
    following = torch.cat([frames[:, :, 1:], frames[:, :, -1:]], 2)
    averages = (frames + following) / 2
    return torch.where(made.view(len(frames), 1, -1, 1, 1), averages, frames), ~made


def reconstruction(
    painted: Float[Tensor, "b c t h w"],
    frames: Float[Tensor, "b c t h w"],
    mask: Float[Tensor, "b c t h w"],
    flags: Bool[Tensor, "b t"],
) -> Float[Tensor, ""]:
    """Weighted mean square error over the real frames of each video, then the mean over the videos."""
    errors = (mask * (painted - frames).square()).mean((1, 3, 4))
    return ((errors * flags).sum(1) / flags.sum(1)).mean()


def last_map(backbone: nn.Module, frames: int, size: int) -> Tensor:
    """The backbone's last map of one black clip; leaves its statistics and its mode alone."""
    training = backbone.training
    device = next(backbone.parameters()).device
    with torch.no_grad():
        features: Features = backbone.eval()(torch.zeros(1, 3, frames, size, size, device=device))
    backbone.train(training)
    return features.maps["last"]
