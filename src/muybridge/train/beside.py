"""What a step of training has beside its batch: meta batches, a second look at the same batch, its parameters sorted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn

from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError
from muybridge.core.networks.step import Step, Weighting
from muybridge.core.networks.still import aside
from muybridge.train import distributed
from muybridge.train.precision import Compute

Terms = Mapping[str, Tensor]


@dataclass(frozen=True)
class Beside:
    """Makes the ``Step`` that a weighting sees.

    Attributes:
        learner: backbone and objective.
        weighting: what asks.
        augment: augmentation that the objective applies to its views.
        compute: device and number format.
        seed: of every random draw.
        meta: the meta batch of a step.
        per_epoch: steps per pass over the training videos.
    """

    learner: Any
    weighting: Weighting
    augment: Callable[..., object]
    compute: Compute
    seed: int
    meta: Callable[[int], Clip] | None
    per_epoch: float

    def stream(self, number: int) -> int:
        """Seed of the dropout of a step."""
        return seeding.key(self.seed, "step", number, 0)

    def views(self, clip: Clip, number: int) -> Terms:
        """Views of the batch of a step."""
        made: Terms = self.learner.objective.views(
            clip, self.augment, seeding.generator(self.seed, "views", number, 0)
        )
        return made

    @cached_property
    def _parts(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        shared = [one for one in self.learner.backbone.parameters() if one.requires_grad]
        mine = {id(one) for one in shared}
        return shared, [p for p in self.learner.parameters() if p.requires_grad and id(p) not in mine]

    def step(
        self, number: int, lr: float, terms: Terms, views: Terms, total: int, monitors: Terms | None = None
    ) -> Step:
        """A step with its terms.

        Args:
            number: of the step.
            lr: its learning rate.
            terms: with their graph.
            views: of the whole batch.
            total: videos of the batch.
            monitors: of all processes.
        """
        first = getattr(self.learner.objective, "first", self.learner.objective)
        primary = getattr(self.learner.objective, "primary_terms", ()) or tuple(terms)
        return Step(
            number, lr, terms, tuple(primary), *self._parts,
            partial(self._meta, number), partial(self._again, number, views, total), self.per_epoch,
            monitors or {}, getattr(getattr(first, "head", None), "bias", None),
        )  # fmt: skip

    def _meta(self, number: int) -> Tensor:
        """Sum of the primary terms on the meta batch of a step, each under its usual weight."""
        if self.meta is None:
            raise MuybridgeError(
                f"the weighting {self.weighting.name} wants meta batches and there are none."
            )
        task = getattr(self.learner.objective, "first", self.learner.objective)
        clip = self.meta(number).to(self.compute.device)
        views = task.views(clip, self.augment, seeding.generator(self.seed, "meta views", number, 0))
        with aside(self.learner, seeding.key(self.seed, "meta", number, 0)), self.compute.autocast():
            outcome = task.outcome(self.learner.backbone, distributed.shard_views(views, len(clip)))
        usual: Mapping[str, float] = getattr(task, "term_weights", {})
        terms = distributed.mean_over_ranks(outcome.terms, len(clip))
        return torch.stack([usual.get(name, 1.0) * value for name, value in terms.items()]).sum()

    @torch.no_grad()
    def _again(self, number: int, views: Terms, total: int) -> Terms:
        """Terms of the batch of a step at the present weights, under the same dropout."""
        with aside(self.learner, self.stream(number)), self.compute.autocast():
            outcome = self.learner(distributed.shard_views(views, total))
        return distributed.mean_over_ranks(outcome.terms, total)

    def numbers(self, named: Terms, weights: Mapping[str, float | Tensor]) -> dict[str, float]:
        """Values of a step in one transfer; effective weights, as ``weight.TERM``, where there are several tasks or they are not fixed."""
        device = next(iter(named.values())).device
        found: list[float] = torch.stack([value.detach().to(device) for value in named.values()]).tolist()
        values = dict(zip(named, found, strict=True))
        if not self.weighting.hooks or any("." in name for name in weights):
            values |= {f"weight.{name}": float(weight) for name, weight in weights.items()}
        return values
