"""Arrow of time: say whether the clip runs forwards or backwards.

Pickup et al., Seeing the arrow of time, CVPR 2014; Wei et al., Learning and using the arrow of time, CVPR 2018, sec. 3.
"""

import torch
from torch import Generator, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Head
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy


class ArrowOfTime(Objective):
    """Global average pool, dropout, one linear layer, cross-entropy over the two directions.

    Nothing can be learnt from videos in which every motion is as frequent as its reverse. Departs from Wei et al.: frames instead of
    optical flow, one clip instead of several whose features are joined.

    Args:
        dim: length of the backbone's feature.
        dropout: before the linear layer.
    """

    terms, chance = ("arrow-of-time",), 0.5

    def __init__(self, dim: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Dropout(dropout), Head(dim, 2))

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Clips, backwards where ``target`` is 1."""
        frames = augment(clip.frames, rng)
        target = torch.randint(2, (len(clip),), generator=rng).to(frames.device)
        shown = torch.where(target.view(-1, 1, 1, 1, 1) == 1, frames.flip(2), frames)
        return {"clip": to_unit(shown), "target": target}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the directions."""
        logits = self.head(encode(views["clip"]).pooled)
        return Outcome(
            {"arrow-of-time": F.cross_entropy(logits, views["target"])},
            {"accuracy": accuracy(logits, views["target"])},
        )

    def caption(self, target: int) -> str:
        """The answer in words."""
        return ("forwards", "backwards")[target]
