"""Distillation as an objective: labels, and beside them the softened answers of trained networks on the same clips."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.labels.teacher_answers import TEMPERATURE, softened_loss
from muybridge.objectives.labels.teacher_features import FeatureTargets
from muybridge.objectives.labels.teacher_memory import TeacherMemory, keys_of
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views, accuracy
from muybridge.sampling.frame_numbers import Law, Short

Teacher = Callable[[Float[Tensor, "b 3 t h w"]], Float[Tensor, "b n"]]
"""Scores of clips in the order of the student's classes, and behind them its features where these are targets; learns nothing."""


class Held(tuple[Teacher, ...]):
    """Teachers as they are: no part of the module that holds them, so neither trained nor saved with it, and not copied with it."""

    def __deepcopy__(self, _: object) -> "Held":
        return self


class Distilled(Objective):
    """The labels' cross-entropy (``supervised.supervised``), and ``teacher-1.kd`` and so on: T^2 KL(teacher || student).

    Teachers see the clips that the student sees (consistent views). Each has the monitors ``label``, its own cross-entropy on the labels,
    ``accuracy`` and ``chance``. A clip counts once for the student and once for every teacher in the budget, unless it was seen before and
    answers are remembered.

    Args:
        supervised: the primary task with the student's head.
        teachers: one or more.
        temperature: T.
        features: makes ``teacher-1.feature`` and so on of the features that the teachers put behind their scores.
        memory: of their answers; without one every clip is shown to them.
    """

    def __init__(
        self, supervised: Supervised, teachers: Sequence[Teacher], temperature: float = TEMPERATURE,
        features: FeatureTargets | None = None, memory: TeacherMemory | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.supervised, self.teachers, self.temperature = supervised, Held(teachers), temperature
        self.features, self.memory = features, memory
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
        kinds = ("kd", "feature") if self.features is not None else ("kd",)
        return (*self.primary_terms, *(f"{name}.{kind}" for kind in kinds for name in self.names[1:]))

    def shares(self) -> dict[str, float]:
        """Share of the encoded clips by student and teacher."""
        if self.memory is None or not self.memory.asked:
            return dict.fromkeys(self.names, 1 / self.clips)
        own, taught = self.memory.asked, self.memory.passes
        total = own + taught * len(self.teachers)
        return {self.names[0]: own / total} | dict.fromkeys(self.names[1:], taught / total)

    def law(self, frames: int, stride: int, gap: int, short: Short) -> Law:
        """The clips of the student."""
        return self.supervised.law(frames, stride, gap, short)

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The augmented clip and its label; its name, where answers are remembered."""
        if self.memory is None:
            return self.supervised.views(clip, augment, rng)
        shown = augment(clip.frames, rng)
        return {"clip": to_unit(shown), "target": clip.label, "key": keys_of(shown)}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Cross-entropy over the classes, and the losses of each teacher."""
        clip, target = views["clip"], views["target"]
        pooled = encode(clip).pooled
        logits = self.supervised.head(pooled)
        with torch.no_grad():
            said = (
                self._asked(clip) if self.memory is None else self.memory.ask(clip, views["key"], self._asked)
            )
        number, classes = len(self.teachers), logits.shape[1]
        scores = said[:, : number * classes].reshape(-1, number, classes).transpose(0, 1)
        losses = softened_loss(logits, scores, self.temperature)
        terms = {"supervised.supervised": F.cross_entropy(logits, target)}
        monitors = {"accuracy": accuracy(logits, target)}
        for name, loss, own in zip(self.names[1:], losses, scores, strict=True):
            terms[f"{name}.kd"] = loss
            monitors[f"{name}.label"] = F.cross_entropy(own, target)
            monitors[f"{name}.accuracy"] = accuracy(own, target)
            monitors[f"{name}.chance"] = torch.full_like(loss.detach(), self.chance)
        if self.features is not None:
            found = self.features(pooled, said[:, number * classes :])
            terms |= {f"{name}.feature": loss for name, loss in zip(self.names[1:], found, strict=True)}
        return Outcome(terms, monitors)

    def _asked(self, clip: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b n"]:
        """Scores of all teachers side by side, then their features."""
        classes = self.supervised.head.out_features
        rows = [teacher(clip).float() for teacher in self.teachers]
        return torch.cat([row[:, :classes] for row in rows] + [row[:, classes:] for row in rows], dim=1)
