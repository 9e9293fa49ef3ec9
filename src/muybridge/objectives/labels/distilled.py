"""Distillation as an objective: labels, and beside them the softened answers of trained networks on the same clips."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional as F

from muybridge.core.clip import Clip
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.labels.teacher_answers import TEMPERATURE, softened_loss
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy

Teacher = Callable[[Float[Tensor, "b 3 t h w"]], Float[Tensor, "b k"]]
"""Scores of clips in the order of the student's classes; learns nothing."""


class Held(tuple[Teacher, ...]):
    """Teachers as they are: no part of the module that holds them, so neither trained nor saved with it, and not copied with it."""

    def __deepcopy__(self, _: Any) -> "Held":
        return self


class Distilled(Objective):
    """The labels' cross-entropy (``supervised.supervised``), and ``teacher-1.kd`` and so on: T^2 KL(teacher || student).

    Teachers see the clips that the student sees (consistent views). Each has the monitors ``label``, its own cross-entropy on the labels,
    ``accuracy`` and ``chance``. A clip counts once for the student and once for every teacher in the budget.

    Args:
        supervised: the primary task with the student's head.
        teachers: one or more.
        temperature: T.
    """

    def __init__(
        self, supervised: Supervised, teachers: Sequence[Teacher], temperature: float = TEMPERATURE
    ) -> None:
        super().__init__()
        self.supervised, self.teachers, self.temperature = supervised, Held(teachers), temperature
        self.chance, self.clips = supervised.chance, 1 + len(teachers)
        self.without_gradient = len(teachers)
        self.names = ("supervised", *(f"teacher-{place + 1}" for place in range(len(teachers))))

    @property
    def first(self) -> Supervised:
        """The labels alone."""
        return self.supervised

    @property
    def primary_terms(self) -> tuple[str, ...]:
        """Their term."""
        return ("supervised.supervised",)

    @property
    def terms(self) -> tuple[str, ...]:  # type: ignore[override]
        """All terms."""
        return (*self.primary_terms, *(f"{name}.kd" for name in self.names[1:]))

    def shares(self) -> dict[str, float]:
        """Share of the encoded clips by student and teacher."""
        return dict.fromkeys(self.names, 1 / self.clips)

    def law(self, *args: Any) -> Any:
        """The clips of the student."""
        return self.supervised.law(*args)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The augmented clip and its label."""
        return self.supervised.views(clip, augment, rng)

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the classes, and the loss of each teacher."""
        clip, target = views["clip"], views["target"]
        logits = self.supervised.head(encode(clip).pooled)
        with torch.no_grad():
            scores = torch.stack([teacher(clip).float() for teacher in self.teachers])
        losses = softened_loss(logits, scores, self.temperature)
        terms = {"supervised.supervised": F.cross_entropy(logits, target)}
        monitors = {"accuracy": accuracy(logits, target)}
        for name, loss, own in zip(self.names[1:], losses, scores, strict=True):
            terms[f"{name}.kd"] = loss
            monitors[f"{name}.label"] = F.cross_entropy(own, target)
            monitors[f"{name}.accuracy"] = accuracy(own, target)
            monitors[f"{name}.chance"] = torch.full_like(loss.detach(), self.chance)
        return Outcome(terms, monitors)
