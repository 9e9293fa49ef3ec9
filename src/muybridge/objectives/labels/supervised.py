"""Supervised learning as an objective: cross-entropy on the labels of the clips."""

from torch import Generator
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.networks.features import Head
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy


class Supervised(Objective):
    """One linear layer and cross-entropy.

    Args:
        dim: length of the backbone's feature.
        classes: number of labels.
    """

    terms, clips = ("supervised",), 1

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.chance = 1 / classes
        self.head = Head(dim, classes)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The augmented clip and its label."""
        return {"clip": to_unit(augment(clip.frames, rng)), "target": clip.label}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the classes."""
        logits = self.head(encode(views["clip"]).pooled)
        return Outcome(
            {"supervised": F.cross_entropy(logits, views["target"])},
            {"accuracy": accuracy(logits, views["target"])},
        )
