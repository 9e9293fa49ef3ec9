"""Models of others as modules of ours: any callable, what puts out something that can be a feature, and the clip tower of a pair."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones.outside.wrapped import as_features
from muybridge.core.networks.features import Features


class Foreign(nn.Module):
    """What somebody else wrote, as a module: a callable with its head, or whatever puts out something that can be a feature."""

    def __init__(self, name: str, model: Any, head: bool) -> None:
        super().__init__()
        self.name, self.model, self.head = name, model, head
        own = getattr(model, "layers", None)
        children = [name for name, _ in model.named_children()] if isinstance(model, nn.Module) else []
        self.layers = tuple(f"model.{one}" for one in (own if isinstance(own, tuple | list) else children))

    def forward(self, fed: object) -> object:
        """What it makes of what it is fed."""
        output = self.model(fed)
        if self.head:
            return output
        logits = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
        return as_features(self.name, output if logits is None else logits)


class ClipTower(nn.Module):
    """The half of a dual encoder that sees clips."""

    def __init__(self, name: str, pair: nn.Module) -> None:
        super().__init__()
        self.name, self.pair = name, pair
        self.layers = tuple(f"pair.{one}" for one, _ in pair.named_children())

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Embeddings of clips."""
        pair: Any = self.pair
        return as_features(self.name, pair.video(frames))
