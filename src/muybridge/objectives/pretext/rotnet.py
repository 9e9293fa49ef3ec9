"""RotNet for video: name the multiple of 90 degrees by which the whole clip was rotated.

Jing et al., Self-supervised spatiotemporal feature learning via video rotation prediction, arXiv 1811.11387 (2018), sec. 3.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Head
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy


class RotNet(Objective):
    """Global average pool, dropout, one linear layer, cross-entropy over the rotations.

    Departs from the paper: one random rotation per clip and step (as in later code), not all rotated copies of each clip, so that a
    step costs as much as that of any other task.

    Args:
        dim: length of the backbone's feature.
        rotations: 2, 3 or 4: the angles {0, 90}, {0, 90, 180}, {0, 90, 180, 270}. The sources name the counts only; marked choice.
        dropout: before the linear layer; 0.5 in the reference code, 0 for tiny networks.
    """

    terms, clips = ("rotnet",), 1

    def __init__(self, dim: int, rotations: int = 4, dropout: float = 0.5) -> None:
        super().__init__()
        if rotations not in (2, 3, 4):
            raise ValueError(f"rotnet: rotations={rotations}; wanted 2, 3 or 4")
        self.rotations, self.chance = rotations, 1 / rotations
        self.head = nn.Sequential(nn.Dropout(dropout), Head(dim, rotations))

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Clips turned counter-clockwise by ``target`` quarter turns."""
        target = torch.randint(self.rotations, (len(clip),), generator=rng).to(clip.frames.device)
        return {"clip": to_unit(rotate(augment(clip.frames, rng), target)), "target": target}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the rotations."""
        logits = self.head(encode(views["clip"]).pooled)
        return Outcome(
            {"rotnet": F.cross_entropy(logits, views["target"])},
            {"accuracy": accuracy(logits, views["target"])},
        )

    def caption(self, target: int) -> str:
        """The answer in words."""
        return f"turned by {90 * target} degrees"


def rotate(frames: Tensor, turns: Tensor) -> Tensor:
    """Turn clip i (``b c t s s``, square) counter-clockwise by ``turns[i]`` quarter turns."""
    return torch.stack(
        [torch.rot90(clip, k, (-2, -1)) for clip, k in zip(frames, turns.tolist(), strict=True)]
    )
