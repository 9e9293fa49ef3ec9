"""MELTR: a transformer over the losses learns how to combine them (Ko et al., Meta loss transformer, CVPR 2023), and two repairs of it."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from muybridge.core.networks.step import Meta
from muybridge.weighting.bilevel import Bilevel, Slopes
from muybridge.weighting.combiner import SIZES, Combiner
from muybridge.weighting.hyper import How

Mode = Literal["faithful", "corrected", "safe"]
DEFAULTS: dict[str, tuple[How, Meta, bool, bool, bool]] = {
    "faithful": ("identity", "replay", False, False, False),
    "corrected": ("neumann", "held-out", True, True, True),
    "safe": ("one-step", "held-out", False, True, False),
}
"""By mode: hyper-gradient, meta batches, direct term, losses over their running means, calibrated start."""
GAMMA = 0.1
"""Weight of the regulariser where the published run switched it off and ``corrected`` has it on: the default of the released code."""
RUNAWAY, VANISHED = 100.0, 1e-3
"""A slope so many times the first ones has run away, or has vanished."""


class Meltr(Bilevel):
    """Three methods on one transformer.

    ``faithful`` is what the released code does: identity for the inverse Hessian, recent training batches for the upper loss, the
    regulariser only through the network's weights, losses as they are. It departs in that the upper and lower gradients are taken at the
    same weights, before the step and on its batch, which spares a second pass over a training batch.

    ``corrected``: held-out batches, three terms of the Neumann series, the regulariser acts on the transformer too, losses over their
    running means, and an output layer that is scaled at the first step so that the slope on the primary loss is 1, and shifted so that the
    unified loss is the sum of the losses. It learns ten times slower than published: Adam moves a scaled one by whole units otherwise.

    ``safe``: L = primary + sum softplus(a_t(losses)) l_t over the auxiliary losses: every slope is above zero, that on the primary terms
    is 1.

    Args:
        mode: ``faithful``, ``corrected`` or ``safe``.
        size: of the transformer and its training: ``univl``, ``violet-retrieval``, ``violet-qa`` or ``allinone``.
        every: steps between meta steps; that of ``size`` (3 or 5) when not given.
        hypergradient: ``identity``, ``one-step``, ``neumann`` or ``cg``; that of the mode when not given.
        terms: products with the Hessian of neumann and cg; 3.
        eta: step of neumann; one over the largest stretch by the Hessian seen so far when not given.
        damping: added to the Hessian; 0.
        meta: ``held-out`` or ``replay``; that of the mode when not given.
        gamma: weight of the regulariser |L - sum of the losses|; when not given that of ``size`` (0 for UniVL, 0.1
            for the others), and 0.1 in ``corrected`` mode.
        direct: whether it acts on the transformer; as the mode has it when not given.
        normalise: losses over their running means; as the mode has it when not given.
        calibrate: scale the output layer at the first step, which makes the slope on the primary loss 1; as the mode has it when not given.
        lr: learning rate of the transformer; when not given that of ``size``, a tenth of it in ``corrected`` mode.
        clip: largest norm of the hyper-gradient; that of ``size`` when not given.
    """

    name = "meltr"
    means: Tensor
    offset: Tensor

    def __init__(
        self, mode: Mode = "corrected", size: Literal["univl", "violet-retrieval", "violet-qa", "allinone"] = "univl",
        every: int | None = None, hypergradient: How | None = None, terms: int = 3, eta: float | None = None, damping: float = 0.0,
        meta: Literal["held-out", "replay"] | None = None, gamma: float | None = None, direct: bool | None = None,
        normalise: bool | None = None, calibrate: bool | None = None, lr: float | None = None, clip: float | None = None,
    ) -> None:  # fmt: skip
        how, batches, acts, over, scaled = DEFAULTS[mode]
        own = SIZES[size]
        super().__init__(
            meta or batches, every or own.every, hypergradient or how, terms, eta, damping,
            self._gamma(mode, own.gamma, gamma), acts if direct is None else direct, clip or own.clip,
        )  # fmt: skip
        self.mode, self.size, self.rate = mode, own, lr or own.lr * (0.1 if mode == "corrected" else 1.0)
        self.normalise, self.calibrate = (
            over if normalise is None else normalise,
            scaled if calibrate is None else calibrate,
        )

    @staticmethod
    def _gamma(mode: Mode, published: float, asked: float | None) -> float:
        if mode == "safe":
            return 0.0
        if asked is None:
            return published or (GAMMA if mode == "corrected" else 0.0)
        return asked

    def build(self, terms: int, primary: int) -> None:
        """The transformer, its optimiser, and the running means of the losses."""
        self.combiner = Combiner(terms, self.size).train(self.size.dropout > 0)
        kind = torch.optim.AdamW if self.size.adamw else torch.optim.Adam
        self.optim = kind(
            self.combiner.parameters(), lr=self.rate, betas=self.size.betas, weight_decay=self.size.decay
        )
        self.register_buffer("means", torch.zeros(terms))
        self.register_buffer("offset", torch.zeros(()))

    def combine(self, losses: Float[Tensor, "k"]) -> Float[Tensor, ""]:
        """The unified loss."""
        if self.mode == "safe":
            return (self._safe(losses.detach()) * losses).sum()
        combined: Tensor = self.combiner(self._scaled(losses)) + self.offset
        return combined

    def slopes(self, losses: Float[Tensor, "k"], graph: bool = True) -> Slopes:
        """In ``safe`` mode they are the weights themselves."""
        if self.mode != "safe":
            return super().slopes(losses, graph)
        with torch.set_grad_enabled(graph):
            weights = self._safe(losses.detach())
        return (weights * losses.detach()).sum(), weights

    def _safe(self, losses: Float[Tensor, "k"]) -> Float[Tensor, "k"]:
        weights = F.softplus(self.combiner.each(self._scaled(losses)))
        return torch.cat([torch.ones_like(weights[: self.leading]), weights[self.leading :]])

    def _scaled(self, losses: Float[Tensor, "k"]) -> Float[Tensor, "k"]:
        return losses / self.means.clamp(min=1e-8) if self.normalise else losses

    @torch.no_grad()
    def start(self, number: int, losses: Float[Tensor, "k"]) -> None:
        """Let the running means follow (by a hundredth a step), and calibrate the transformer at the first step."""
        size = losses.abs().to(self.means)
        self.means.copy_(size if number == 0 else self.means.lerp(size, 0.01))
        if number == 0 and self.calibrate and self.mode != "safe":
            with torch.enable_grad():
                slope = self.slopes(losses)[1][: self.leading].mean()
            self.combiner.out.weight.div_(slope.detach())
            self.offset.copy_(losses.sum() - self.combine(losses))

    def words(self) -> list[str]:
        """Which of the known failures of MELTR were met."""
        first, primary = self.first.tolist(), self.first[: self.leading].mean().item()
        begun = max(abs(one) for one in first)
        found = []
        if primary < 0:
            found.append(
                f"meltr: the slope on the primary loss was {primary:.3g} at the first step: training began by climbing it."
                " --weighting-options calibrate=true starts at 1; --mode safe is never negative"
            )
        if self.extreme[0] > RUNAWAY * max(begun, 1e-12):
            found.append(f"meltr: slopes ran away: {begun:.3g} at first, {self.extreme[0]:.3g} at most")
        if self.extreme[1] < VANISHED * begun:
            found.append(f"meltr: slopes vanished: {begun:.3g} at first, {self.extreme[1]:.3g} at last")
        if self.extreme[2] > 0:
            found.append(f"meltr: the unified loss was negative at {int(self.extreme[2])} steps")
        return found
