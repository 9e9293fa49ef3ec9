"""Several tasks on one backbone: a primary one and auxiliaries that are to help it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.networks.still import still
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views
from muybridge.sampling.frame_numbers import Draw, Law, Short


@dataclass(frozen=True)
class Auxiliary:
    """How a task sees videos beside another one.

    Attributes:
        stride: step between its frames.
        gap: frames between its clips.
        augment: its own augmentations.
    """

    stride: int
    gap: int
    augment: Augment


@dataclass(frozen=True)
class JointLaw:
    """The draws of several laws from one video, end to end; the first is drawn first, so that its frames are those it has alone.

    Attributes:
        names: of the tasks, in front of the facts of their laws.
        laws: one for each.
    """

    names: tuple[str, ...]
    laws: tuple[Law, ...]
    clips = 1

    @property
    def short(self) -> Short:
        """That of the first law."""
        return self.laws[0].short

    @property
    def span(self) -> int:
        """The longest of all."""
        return max(law.span for law in self.laws)

    def fits(self, total: int) -> bool:
        """Whether a video is long enough for all."""
        return all(law.fits(total) for law in self.laws)

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """All draws, one behind the other."""
        draws = [law.draw(total, rng) for law in self.laws]
        facts = {
            f"{name}.{fact}": value
            for name, draw in zip(self.names, draws, strict=True)
            for fact, value in draw.facts.items()
        }
        return Draw(np.concatenate([draw.frames for draw in draws]), facts)


class Multi(Objective):
    """A primary task and auxiliaries. Every task keeps its law, views, head, queue and momentum copy; the backbone is shared.

    Terms are named ``task.term``, the primary ones first. Monitors of the primary task keep their names, those of the others are
    ``task.monitor``. Every task is encoded on its own, so that batch norm never mixes their clips; its running statistics follow the
    clips of the primary task alone, which are what the network is tested on.

    Args:
        tasks: by name, the primary one first.
        auxiliary: how the others see videos.
        only_views: the control for what their views add: they are shown to the primary task's head under its labels, and nothing else is
            asked about them; of each of them one term ``task.exposure``, the mean over its views.
    """

    def __init__(
        self, tasks: Mapping[str, Objective], auxiliary: Mapping[str, Auxiliary], only_views: bool = False
    ) -> None:
        super().__init__()
        self.tasks = nn.ModuleDict({_key(name): task for name, task in tasks.items()})
        self.names, self.auxiliary, self.only_views = tuple(tasks), dict(auxiliary), only_views
        self.clips = sum(task.clips for task in tasks.values())
        asked = [tasks[self.names[0]]] if only_views else tasks.values()
        self.without_gradient = sum(task.without_gradient for task in asked)
        self.term_weights = {
            f"{name}.{term}": w for name, task in tasks.items() for term, w in task.term_weights.items()
        }
        self.chance = tasks[self.names[0]].chance
        self.lengths: list[int] = []

    def task(self, name: str) -> Any:
        """One of the tasks."""
        return self.tasks[_key(name)]

    @property
    def first(self) -> Objective:
        """The primary task."""
        primary: Objective = self.task(self.names[0])
        return primary

    @property
    def primary_terms(self) -> tuple[str, ...]:
        """Its terms."""
        return tuple(f"{self.names[0]}.{term}" for term in self.first.terms)

    @property
    def terms(self) -> tuple[str, ...]:  # type: ignore[override]
        """All terms, the primary ones first."""
        others = [
            f"{name}.{term}"
            for name in self.names[1:]
            for term in (("exposure",) if self.only_views else self.task(name).terms)
        ]
        return (*self.primary_terms, *others)

    def shares(self) -> dict[str, float]:
        """Share of the encoded clips by task."""
        return {name: self.task(name).clips / self.clips for name in self.names}

    def law(self, frames: int, stride: int, gap: int, short: Short) -> JointLaw:
        """Every task's law; ``stride`` and ``gap`` are those of the primary task."""
        laws = [self.first.law(frames, stride, gap, short)]
        for name in self.names[1:]:
            how = self.auxiliary[name]
            laws.append(self.task(name).law(frames, how.stride, how.gap, short))
        self.lengths = [len(law.draw(law.span, np.random.default_rng(0)).frames) for law in laws]
        return JointLaw(self.names, tuple(laws))

    def parts(self, clip: Clip) -> dict[str, Clip]:
        """A batch taken apart by task."""
        frames = clip.frames.split(self.lengths, dim=2)  # type: ignore[no-untyped-call]
        return {
            name: Clip(part, clip.label, clip.video, _below(name, clip.drawn))
            for name, part in zip(self.names, frames, strict=True)
        }

    def own(self, clip: Clip) -> Clip:
        """The primary task's part of a batch."""
        return self.parts(clip)[self.names[0]]

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """Views of all tasks as ``task.view``; ``augment`` is the primary task's, which is drawn first."""
        made: dict[str, Tensor] = {}
        for name, part in self.parts(clip).items():
            own = self.auxiliary[name].augment if name in self.auxiliary else augment
            made |= {f"{name}.{view}": value for view, value in self.task(name).views(part, own, rng).items()}
        return made

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """Terms and monitors of all tasks."""
        found = self.first.outcome(encode, _below(self.names[0], views))
        terms = {f"{self.names[0]}.{term}": value for term, value in found.terms.items()}
        monitors = dict(found.monitors)
        for name in self.names[1:]:
            with still(encode):  # type: ignore[arg-type]
                own = self._beside(name, encode, views)
            chance = torch.tensor(float(self.task(name).chance))
            terms |= {f"{name}.{term}": value for term, value in own.terms.items()}
            monitors |= {
                f"{name}.{what}": value for what, value in {"chance": chance, **own.monitors}.items()
            }
        return Outcome(terms, monitors)

    def _beside(self, name: str, encode: Encode, views: Views) -> Outcome:
        """Outcome of an auxiliary task, or of its views under the primary task's head."""
        own = _below(name, views)
        if not self.only_views:
            outcome: Outcome = self.task(name).outcome(encode, own)
            return outcome
        head: Any = self.first.head
        target = views[f"{self.names[0]}.target"]
        losses = [exposure(encode, head, own[view], target) for view in self.task(name).shown]
        return Outcome({"exposure": torch.stack(losses).mean()}, {})

    def caption(self, target: int) -> str:
        """The primary task's answer in words."""
        return self.first.caption(target)

    def attach(self, backbone: nn.Module, frames: int, size: int) -> None:
        """Let every task build what it needs."""
        for name in self.names:
            self.task(name).attach(backbone, frames, size)

    def after_step(self, backbone: nn.Module) -> None:
        """Let every momentum copy follow; none was used where only views are shown."""
        for name in self.names[: 1 if self.only_views else None]:
            self.task(name).after_step(backbone)

    def needs(self, videos: int, dataset: int) -> None:
        """Ask every task.

        Raises:
            UsageError: too few videos for one of them; says which.
        """
        self.first.needs(videos, dataset)
        for name in self.names[1:]:
            try:
                self.task(name).needs(videos, dataset)
            except UsageError as error:
                words = str(error).replace("--objective-options ", f"--auxiliary-options {name}.")
                raise UsageError(words.replace("--objective ", "--auxiliary ")) from error


def exposure(
    encode: Encode, head: nn.Module, frames: Float[Tensor, "b *n c t h w"], target: Tensor
) -> Float[Tensor, ""]:
    """Cross-entropy of views under a head; of several clips of a video each counts."""
    clips = frames.shape[1] if frames.ndim == 6 else 1
    logits = head(encode(frames.flatten(0, 1) if frames.ndim == 6 else frames).pooled)
    return F.cross_entropy(logits, target.repeat_interleave(clips))


def _key(name: str) -> str:
    """A name that a module may have."""
    return name.replace(".", "_")


def _below(name: str, values: Mapping[str, object]) -> dict[str, Any]:
    """Values whose names begin with that of a task, by the rest of their names."""
    return {key[len(name) + 1 :]: value for key, value in values.items() if key.startswith(name + ".")}
