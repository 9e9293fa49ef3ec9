"""Temporal consistency: adjacent clips of a video attract each other, and the embeddings keep their variance.

Bardes et al., VICReg: variance-invariance-covariance regularization, ICLR 2022, sec. 4, with two clips of one video, one right behind the
other, as the two views (choice of ours). It pulls towards features that do not change with time: the opposite of order and arrow of time.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import gather, offset
from muybridge.objectives.contrastive.contrast import scores, unit
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy


class TCons(Objective):
    """A projection head and VICReg's three parts, as one term.

    ``accuracy`` counts clips whose neighbour in time is nearer, by the cosine of centred embeddings, than the second clip of any other
    video; chance is one in the videos of a batch, a monitor.

    Args:
        dim: length of the backbone's feature.
        width: of the projection; 8192 in the paper.
        invariance: weight of the distance between neighbours; 25.
        variance: weight of the guard of the deviation; 25.
        covariance: weight of the off-diagonal covariances; 1.
    """

    terms, shown, clips = ("tcons",), ("first", "second"), 2

    def __init__(
        self, dim: int, width: int = 512, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
    ) -> None:  # fmt: skip
        super().__init__()
        if width < 2:
            raise ValueError(f"tcons: width={width}; wanted 2 or more")
        self.weights, self.chance = (invariance, variance, covariance), 0.5
        self.head = nn.Sequential(
            nn.Linear(dim, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width)
        )

    def needs(self, videos: int, dataset: int) -> None:
        """At least two videos a step, whose variance can be taken."""
        if videos < 2:
            raise UsageError(
                f"--objective tcons: {videos} video a step has no variance; wanted --batch 4 or more (two clips a video)."
            )

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Two clips in a row, each augmented for itself."""
        first, second = (to_unit(augment(part, rng)) for part in clip.frames.chunk(2, dim=2))
        return {"first": first, "second": second}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Invariance, variance guard and covariance, weighted (eq. 6)."""
        both = self.head(encode(torch.cat([views["first"], views["second"]])).pooled)
        first, second = (gather(part) for part in both.float().chunk(2))
        alike, guard, covariance = self.weights
        loss = alike * F.mse_loss(first, second)
        for part in (first, second):
            loss = loss + guard * hinge(part) + covariance * off_diagonal(part)
        centre = torch.cat([first, second]).mean(0)
        own, others = (unit(part - centre) for part in both.chunk(2))
        logits = scores(own, gather(others))
        target = torch.arange(len(own), device=own.device) + offset(len(own))
        return Outcome(
            {"tcons": loss},
            {"accuracy": accuracy(logits, target), "chance": torch.tensor(1 / logits.shape[1])},
        )

    def caption(self, target: int) -> str:
        """What the strip shows."""
        return "two clips in a row that attract each other"


def hinge(rows: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
    """How far the deviation of each dimension stays below one, on average (eq. 1 and 2)."""
    return F.relu(1 - (rows.var(0) + 1e-4).sqrt()).mean()


def off_diagonal(rows: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
    """Sum of the squared covariances between dimensions, over their number (eq. 3 and 4)."""
    centred = rows - rows.mean(0)
    covariance = centred.T @ centred / (len(rows) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / rows.shape[1]
