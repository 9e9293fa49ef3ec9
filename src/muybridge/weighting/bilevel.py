"""Weightings that are learnt on meta batches: the lower problem trains the network, the upper one the weighting."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import processes
from muybridge.core.networks.step import Meta, Row, Step, Weighed, Weighting, inner, weighted
from muybridge.weighting.hyper import How, conjugate_gradients, neumann, products

Slopes = tuple[Tensor, Tensor]


class Bilevel(Weighting):
    """Descends a function of the terms, and every few steps changes the function so that the primary loss falls on a meta batch.

    At a meta step the gradient of each term is taken apart; from them come the gradient of the step and, with the gradient of the primary
    loss on the meta batch, the hyper-gradient (``hyper``). Lower and upper gradients are those at the weights before the step.

    Args:
        meta: ``held-out`` (videos that are not trained on) or ``replay`` (one of the last ten training batches, as MELTR's code has it).
        every: steps between meta steps; the first is the ``every``-th step.
        hypergradient: ``identity``, ``one-step``, ``neumann`` or ``cg``.
        terms: products with the Hessian of neumann and cg.
        eta: step of neumann; estimated when not given.
        damping: added to the Hessian.
        gamma: weight of the regulariser in the upper loss; only where ``regulariser`` gives one.
        direct: whether the regulariser acts on the weighting itself too.
        clip: largest norm of the hyper-gradient.
    """

    largest: Tensor
    first: Tensor
    extreme: Tensor

    def __init__(
        self, meta: Meta, every: int, hypergradient: How, terms: int, eta: float | None, damping: float,
        gamma: float, direct: bool, clip: float,
    ) -> None:  # fmt: skip
        super().__init__()
        if every < 1 or terms < 1 or clip <= 0 or damping < 0 or gamma < 0:
            raise ValueError(
                f"every={every}, terms={terms}, clip={clip:g}, damping={damping:g}, gamma={gamma:g}; wanted every and terms of at least 1,"
                " clip above 0, damping and gamma of at least 0"
            )
        self.meta, self.every, self.how, self.series = meta, every, hypergradient, terms
        self.eta, self.damping, self.gamma, self.direct, self.clip = eta, damping, gamma, direct, clip
        self.twice = hypergradient in ("neumann", "cg")
        for name, start in (("largest", [0.0]), ("extreme", [0.0, 0.0, 0.0])):
            self.register_buffer(name, torch.tensor(start, dtype=torch.float64))

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """Build the function for these terms.

        Raises:
            UsageError: no auxiliary term; second derivatives over several processes.
        """
        if len(terms) == len(primary):
            raise UsageError(
                f"--weighting {self.name}: {len(terms)} term{'s' * (len(terms) > 1)}, all of the primary task; it learns the weights"
                " of auxiliary tasks. Name some with --auxiliary, or use --weighting fixed."
            )
        if self.twice and processes() > 1:
            raise UsageError(
                f"--weighting {self.name} with hypergradient={self.how}: second derivatives do not span processes."
                " Use --weighting-options hypergradient=one-step or identity, or one process."
            )
        self.count, self.leading = len(terms), len(primary)
        self.register_buffer("first", torch.zeros(self.count, dtype=torch.float64))
        self.build(len(terms), len(primary))

    @abstractmethod
    def build(self, terms: int, primary: int) -> None:
        """Make parameters and ``self.optim``."""

    @abstractmethod
    def combine(self, losses: Float[Tensor, "k"]) -> Float[Tensor, ""]:
        """The lower loss; a function of the losses and of the parameters."""

    def slopes(self, losses: Float[Tensor, "k"], graph: bool = True) -> Slopes:
        """The lower loss and its derivative in every term, with a graph to the parameters where it is wanted."""
        given = losses.detach().requires_grad_()
        value = self.combine(
            given.clone()
        )  # the counter of operations cannot look at modules that take a leaf
        (slopes,) = torch.autograd.grad(value, given, create_graph=graph)
        return value, slopes

    def project(self) -> None:
        """Called after an update of the parameters."""

    def forward_pass(self, number: int) -> AbstractContextManager[object]:
        """Attention by the maths kernel at meta steps that want second derivatives; the fast ones have none."""
        return sdpa_kernel(SDPBackend.MATH) if self.twice and self.is_meta(number) else nullcontext()

    def backward(self, step: Step) -> Weighed:
        """The gradient of the lower loss; at meta steps the hyper-gradient too, and an update of the weighting."""
        losses = step.stacked()
        self.start(step.number, losses.detach())
        value, slopes = self.slopes(losses, self.is_meta(step.number))
        weights = slopes.detach()
        self.observe(step.number, value.detach(), weights)
        if not self.is_meta(step.number):
            step.descend((weights * losses).sum())
        else:
            lower = self._lower_gradient(step, losses) if self.twice else None
            rows = step.rows(keep=self.twice)
            down = weighted(rows, weights)
            self.learn(step, rows, down, value, slopes, lower)
            step.put(down)
        return Weighed(value.detach(), dict(zip(step.terms, weights.tolist(), strict=True)))

    def start(self, number: int, losses: Float[Tensor, "k"]) -> None:
        """Called with the losses of every step before anything else."""

    def observe(self, number: int, value: Tensor, slopes: Float[Tensor, "k"]) -> None:
        """Remember the first slopes, the largest and last of them, and how often the lower loss was negative."""
        if number == 0:
            self.first.copy_(slopes)
        most = slopes.abs().max().double()
        self.extreme[0] = torch.maximum(self.extreme[0], most)
        self.extreme[1] = most
        self.extreme[2] += (value < 0).double()

    def _lower_gradient(self, step: Step, losses: Tensor) -> Sequence[Tensor | None]:
        """Gradient of the lower loss in the network's parameters, with a graph."""
        return torch.autograd.grad(
            self.combine(losses), step.parameters, create_graph=True, allow_unused=True
        )

    def learn(
        self, step: Step, rows: Sequence[Row], down: Row, value: Tensor, slopes: Tensor, lower: Sequence[Tensor | None] | None
    ) -> None:  # fmt: skip
        """Update the parameters by the hyper-gradient."""
        mine = [one for one in self.parameters() if one.requires_grad]
        found = self.hypergradient(step, rows, down, value, slopes, lower)
        for parameter, gradient in zip(mine, found, strict=True):
            parameter.grad = gradient
        nn.utils.clip_grad_norm_(mine, self.clip)
        assert self.optim is not None
        self.optim.step()
        self.optim.zero_grad(set_to_none=True)
        self.project()

    def hypergradient(
        self, step: Step, rows: Sequence[Row], down: Row, value: Tensor, slopes: Tensor, lower: Sequence[Tensor | None] | None
    ) -> list[Tensor]:  # fmt: skip
        """Derivative of the upper loss in the parameters.

        Args:
            step: with the meta batch.
            rows: gradient of every term.
            down: gradient of the lower loss.
            value: lower loss, with a graph to the parameters.
            slopes: its derivatives in the terms, with a graph to the parameters.
            lower: ``down`` with a graph to the network, where the Hessian is wanted.
        """
        mine = [one for one in self.parameters() if one.requires_grad]
        upper = self._upper(step, down)
        apart = value - step.stacked().detach().sum()
        if self.gamma:
            tilt = self.gamma * torch.sign(apart.detach()) * (slopes.detach() - 1)
            upper = weighted([upper, *rows], [1.0, *tilt.tolist()])
        v = self._solved(upper, step, lower)
        along = torch.stack([inner(row, v) for row in rows]).to(slopes)
        target = -(along * slopes).sum()
        if self.gamma and self.direct:
            target = target + self.gamma * apart.abs()
        found = torch.autograd.grad(target, mine, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(mine, found, strict=True)]

    def _upper(self, step: Step, down: Row) -> Row:
        """Gradient of the primary loss on the meta batch: here, or (times the learning rate) where one step of descent leads."""
        if self.how != "one-step":
            return step.gradient(step.meta())
        moved = [(p, p.detach().clone()) for p, g in zip(step.parameters, down, strict=True) if g is not None]
        with torch.no_grad():
            for parameter, gradient in zip(step.parameters, down, strict=True):
                if gradient is not None:
                    parameter.sub_(gradient, alpha=step.lr)
        try:
            return weighted([step.gradient(step.meta())], [step.lr])
        finally:
            with torch.no_grad():
                for parameter, before in moved:
                    parameter.copy_(before)

    def _solved(self, upper: Row, step: Step, lower: Sequence[Tensor | None] | None) -> Row:
        """The inverse Hessian times a gradient, as far as it is wanted."""
        if lower is None:
            return upper
        product = products(lower, step.parameters, self.damping)
        if self.how == "cg":
            return conjugate_gradients(product, upper, self.series)
        found, most = neumann(product, upper, self.series, self.eta, 0.95 * float(self.largest))
        self.largest.fill_(most)
        return found
