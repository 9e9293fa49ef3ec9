"""What every objective is: views of a clip, then named unweighted loss terms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from jaxtyping import Float
from torch import Generator, Tensor, nn

from muybridge.core.clip import Clip
from muybridge.core.features import Features

Encode = Callable[[Float[Tensor, "b 3 t h w"]], Features]
Views = Mapping[str, Tensor]
Augment = Callable[[Tensor, Generator], Tensor]


@dataclass(frozen=True)
class Outcome:
    """What one step of an objective gives.

    Attributes:
        terms: named, unweighted scalars to be minimised.
        monitors: named scalars to be watched (accuracy); no gradient.
    """

    terms: dict[str, Float[Tensor, ""]]
    monitors: dict[str, Float[Tensor, ""]]


class Objective(Protocol):
    """Owns its heads; says how many clips of a video it needs and what chance is; captions an answer for film strips.

    Attributes:
        clips: clips drawn from each video, laid one behind the other in time order.
        chance: accuracy of guessing, 0 to 1.
    """

    clips: int
    chance: float

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """What the network sees and what it must answer; no parameters, no gradients."""
        ...

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Loss terms and monitors of one batch of views."""
        ...


class Learner(nn.Module):
    """Backbone and objective as one module, so that one wrapper (DDP) sees every parameter."""

    def __init__(self, backbone: nn.Module, objective: Any) -> None:
        super().__init__()
        self.backbone, self.objective = backbone, objective

    def forward(self, views: Views) -> Outcome:
        """Terms of the objective on this backbone."""
        outcome: Outcome = self.objective.outcome(self.backbone, views)
        return outcome


def accuracy(logits: Float[Tensor, "b k"], target: Tensor) -> Float[Tensor, ""]:
    """Share of rows whose highest score is the target, 0 to 1."""
    return (logits.detach().argmax(1) == target).float().mean()
