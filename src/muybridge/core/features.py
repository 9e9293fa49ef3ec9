"""What a backbone returns, and what every backbone is."""

from dataclasses import dataclass, field
from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Features:
    """Output of a backbone.

    Attributes:
        pooled: one vector per clip (global average over time and space).
        maps: the last convolutional map under ``"last"``, before pooling.
    """

    pooled: Float[Tensor, "b d"]
    maps: dict[str, Float[Tensor, "b c t h w"]] = field(default_factory=dict)


class Backbone(Protocol):
    """Any module that turns frames (float, 0..1, ``b 3 t h w``) into ``Features``; owns its mean and std."""

    dim: int

    def __call__(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Encode clips."""
        ...


class Classifier(nn.Module):
    """A backbone and one linear layer: what fine-tuning and probing produce and robustness measures."""

    def __init__(self, backbone: nn.Module, dim: int, classes: int) -> None:
        super().__init__()
        self.backbone, self.head = backbone, nn.Linear(dim, classes)

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Logits of each clip."""
        logits: Tensor = self.head(self.backbone(frames).pooled)
        return logits
