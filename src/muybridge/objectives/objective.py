"""What every objective is: views of a clip, then named unweighted loss terms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jaxtyping import Float
from torch import Generator, Tensor, nn

from muybridge.core.clip import Clip
from muybridge.core.networks.features import Features
from muybridge.sampling.frame_numbers import Law, Sampled, Sampling, Short
from muybridge.sampling.whole_video import Uniform

Encode = Callable[[Float[Tensor, "b 3 t h w"]], Features]
Views = Mapping[str, Tensor]
Augment = Callable[..., Tensor]
"""``augment(frames, rng, view=0)``: uint8 ``b c t h w`` to ``b c t s s``; a task with two different chains asks for ``view=1`` too."""


@dataclass(frozen=True)
class Outcome:
    """What one step of an objective gives.

    Attributes:
        terms: named, unweighted scalars to be minimised.
        monitors: named scalars to be watched (accuracy); no gradient.
    """

    terms: dict[str, Float[Tensor, ""]]
    monitors: dict[str, Float[Tensor, ""]]


class Objective(nn.Module):
    """Owns its heads; says which frames of a video it needs and what chance is; captions an answer for film strips.

    Everything that a step changes (heads, queues, momentum copies) is a parameter or a buffer, so that a saved state holds it.

    Attributes:
        terms: names of the loss terms that ``outcome`` gives, in their order.
        shown: names of the views that are clips (``b 3 t h w`` or ``b n 3 t h w``) for the backbone or its momentum copy.
        clips: clips of each video that are encoded per step, by the backbone or its momentum copy: the unit of the budget.
        without_gradient: how many of these leave no graph, so that no backward pass follows.
        term_weights: usual weight of a term beside the others of the task, where it is not 1; outside of ``terms``, which are unweighted.
        chance: accuracy of guessing, 0 to 1; where it depends on the batch, the monitor ``chance`` says it and goes before.
        names: of several tasks their names, the primary one first.
        language: whether it needs a sentence about each video, which ``read`` gets.
        sampling: how the clip of a task is cut that has one of each video and no law of its own.
    """

    terms: tuple[str, ...] = ()
    shown: tuple[str, ...] = ("clip",)
    clips: int = 1
    without_gradient: int = 0
    term_weights: Mapping[str, float] = MappingProxyType({})
    chance: float
    names: tuple[str, ...] = ()
    language: bool = False
    sampling: Sampled = "dense"

    @property
    def first(self) -> "Objective":
        """The primary task; of several tasks the one that the others help."""
        return self

    @property
    def primary_terms(self) -> tuple[str, ...]:
        """Names of the terms of the primary task."""
        return self.terms

    def own(self, clip: Clip) -> Clip:
        """The primary task's part of a batch."""
        return clip

    def law(self, frames: int, stride: int, gap: int, short: Short) -> Law:
        """How the frames of a video are drawn: ``clips`` clips in a row unless the task says otherwise."""
        if self.sampling == "uniform":
            return Uniform(frames, short)
        return Sampling(frames, stride, self.clips, gap if self.clips > 1 else 0, short)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """What the network sees and, under ``target``, what it must answer; no parameters, no gradients."""
        raise NotImplementedError

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Loss terms and monitors of one batch of views."""
        raise NotImplementedError

    def caption(self, target: int) -> str:
        """The answer in words; ``target`` is 0 for a task without targets."""
        raise NotImplementedError

    def read(self, captions: Mapping[str, str], others: Mapping[str, str]) -> None:
        """Called once where ``language`` is set, before ``attach``: sentences by id of their video.

        Args:
            captions: of the training videos.
            others: of videos that are looked at and not trained on.
        """

    def attach(self, backbone: nn.Module, frames: int, size: int) -> None:
        """Called once, before training: build what depends on the backbone (a momentum copy, a decoder for its map).

        Args:
            backbone: the network that will be trained.
            frames: frames of the clips that it will see.
            size: their height and width, pixels.
        """

    def after_step(self, backbone: nn.Module) -> None:
        """Called after every optimiser step: let a momentum copy follow, fill a queue."""

    def needs(self, videos: int, dataset: int) -> None:
        """Called before training with the videos per step and in all.

        Raises:
            UsageError: too few of them for the loss; says the way out.
        """


class Learner(nn.Module):
    """Backbone and objective as one module, so that one wrapper (DDP) sees every parameter.

    Args:
        backbone: turns frames into ``Features``.
        objective: what it learns; its ``attach`` is called here.
        frames: frames of a clip.
        size: height and width of a clip, pixels.
    """

    def __init__(self, backbone: nn.Module, objective: Objective, frames: int = 8, size: int = 32) -> None:
        super().__init__()
        objective.attach(backbone, frames, size)
        self.backbone, self.objective = backbone, objective

    def forward(self, views: Views) -> Outcome:
        """Terms of the objective on this backbone."""
        outcome: Outcome = self.objective.outcome(self.backbone, views)
        return outcome


def first_of(objective: Objective) -> Any:
    """The primary task of an objective, which may be one of another package that knows no others."""
    return getattr(objective, "first", objective)


class Alone(nn.Module):
    """A backbone and one of its tasks, as they are: what looks at a learner with several.

    Args:
        backbone: turns frames into ``Features``.
        objective: attached already.
    """

    def __init__(self, backbone: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.backbone, self.objective = backbone, objective

    forward = Learner.forward


def accuracy(logits: Float[Tensor, "b k"], target: Tensor) -> Float[Tensor, ""]:
    """Share of rows whose highest score is the target, 0 to 1."""
    return (logits.detach().argmax(1) == target).float().mean()
