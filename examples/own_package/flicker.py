"""A perturbation and a pretext task from outside: `muybridge list perturbations` and `list objectives` show them once this is installed."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy
from muybridge.perturb.profiles import ladder


def flicker(frames: Tensor, streams: object, *, depth: float) -> Tensor:
    """Every second frame darker by a share ``depth``; uint8 ``b c t h w`` in and out, the frames themselves untouched."""
    shown = frames.clone()
    shown[:, :, 1::2] = (frames[:, :, 1::2].float() * (1 - depth)).round().to(torch.uint8)
    return shown


FLICKER = ladder("flicker:flicker", depth=(0.1, 0.2, 0.35, 0.5, 0.7))
"""One value of ``depth`` for each severity."""


class BrighterHalf(Objective):
    """Half of each clip, along time, is brightened: name which.

    Args:
        dim: length of the backbone's feature.
        by: added to the brightened frames, of a range of 0 to 1.
    """

    terms, chance = ("brighter-half",), 0.5

    def __init__(self, dim: int, by: float = 0.2) -> None:
        super().__init__()
        self.by, self.head = by, nn.Linear(dim, 2)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The clip with one half brightened, and which."""
        frames = to_unit(augment(clip.frames, rng))
        target = torch.randint(2, (len(clip),), generator=rng).to(frames.device)
        late = torch.arange(frames.shape[2], device=frames.device) >= frames.shape[2] // 2
        lit = late == target.view(-1, 1).bool()
        return {"clip": (frames + self.by * lit.view(len(clip), 1, -1, 1, 1)).clamp(max=1), "target": target}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the two halves."""
        logits = self.head(encode(views["clip"]).pooled)
        return Outcome(
            {"brighter-half": F.cross_entropy(logits, views["target"])},
            {"accuracy": accuracy(logits, views["target"])},
        )

    def caption(self, target: int) -> str:
        """The answer in words."""
        return f"the {('first', 'second')[target]} half is brighter"
