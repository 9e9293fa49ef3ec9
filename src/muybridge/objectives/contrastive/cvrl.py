"""CVRL: two clips of one video attract each other, clips of other videos repel.

Qian et al., Spatiotemporal contrastive video representation learning, CVPR 2021, sec. 3.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import gather, offset
from muybridge.objectives.contrastive.contrast import scores, unit
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy
from muybridge.sampling.frame_numbers import Short
from muybridge.sampling.windows import DecreasingInterval


class CVRL(Objective):
    """A projection head and NT-Xent with both clips of all other videos of the batch, of all processes, as negatives.

    The two views may have different augmentations: ``augment`` is asked for ``view`` 0 and 1. The loss is the sum of both directions, as in
    the authors' code. Chance is one in the videos of a batch, a monitor.

    The colours of a background give its video away: on the embedded data (tiny network, 20,000 to 40,000 clips, probe on held-out
    training videos) a crop alone reaches 15 % on objects, random weights 14 %, crop and colour jitter 24 to 29 %, batches of 96 clips
    instead of 48 33 %; grayscale adds nothing, and a resized crop is too hard for that budget (13 %).

    Args:
        dim: length of the backbone's feature.
        hidden: width of the hidden layers of the head.
        layers: number of hidden layers, each with batch norm and ReLU.
        width: length of the embedding.
        temperature: divides the similarities; 0.1.
    """

    terms, shown, clips = ("cvrl",), ("first", "second"), 2

    def __init__(
        self, dim: int, hidden: int = 2048, layers: int = 3, width: int = 128, temperature: float = 0.1
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"cvrl: temperature={temperature}; wanted a number above 0")
        widths = [dim] + [hidden] * layers
        blocks = [
            # momentum 0.003 is TensorFlow's 0.997, as in the authors' code
            nn.Sequential(nn.Linear(a, b, bias=False), nn.BatchNorm1d(b, eps=1e-5, momentum=0.003), nn.ReLU())
            for a, b in pairwise(widths)
        ]
        self.temperature, self.chance = temperature, 0.5
        self.head = nn.Sequential(*blocks, nn.Linear(widths[-1], width))

    def law(self, frames: int, stride: int, gap: int, short: Short) -> DecreasingInterval:
        """Two clips at a distance with decreasing density (sec. 3.2)."""
        return DecreasingInterval(frames, stride, short)

    def needs(self, videos: int, dataset: int) -> None:
        """At least two videos a step."""
        if videos < 2:
            raise UsageError(
                f"--objective cvrl: {videos} video a step leaves nothing to compare with; wanted --batch 4 or more (two clips a video)."
            )

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Both clips, each augmented for itself."""
        pair = clip.frames.chunk(2, dim=2)
        return {
            name: to_unit(augment(part, rng, view=i))
            for i, (name, part) in enumerate(zip(("first", "second"), pair, strict=True))
        }

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """NT-Xent; ``accuracy`` counts clips whose partner is nearer than the second clip of any other video."""
        both = torch.cat([views["first"], views["second"]])
        first, second = unit(self.head(encode(both).pooled)).chunk(2)
        forward, backward = self.logits(first, second), self.logits(second, first)
        target = torch.arange(len(first), device=first.device) + offset(len(first))
        candidates = forward[:, : forward.shape[1] // 2]
        return Outcome(
            {"cvrl": F.cross_entropy(forward, target) + F.cross_entropy(backward, target)},
            {"accuracy": accuracy(candidates, target), "chance": torch.tensor(1 / candidates.shape[1])},
        )

    def logits(self, rows: Float[Tensor, "b e"], others: Float[Tensor, "b e"]) -> Float[Tensor, "b 2n"]:
        """Similarities to the other clips of all n videos, then to the like clips, one's own left out (sec. 3.1, eq. 1)."""
        across, alike = scores(rows, gather(others)), scores(rows, gather(rows))
        own = torch.arange(len(rows), device=rows.device)
        mask = torch.zeros_like(alike, dtype=torch.bool)
        mask[own, own + offset(len(rows))] = True
        return torch.cat([across, alike.masked_fill(mask, float("-inf"))], dim=1) / self.temperature

    def caption(self, target: int) -> str:
        """What the strip shows."""
        return "two clips of one video that attract each other"
