"""What a change of the weighting does to the primary loss: hyper-gradients through one step or through the optimum of training.

Training descends L(w) = M(l(w)), M the weighting and l the vector of k terms. Its gradient is sum_t m_t grad l_t with the slopes
m = dM/dl, so that the derivative of a scalar <v, grad L> in the parameters of the weighting is sum_t c_t dm_t, c_t = <v, grad l_t>: one
number per term is all that is needed of the network, and no second derivative of it. Only v itself may want one:

===========  ========================================================================================================
identity     v = a, the gradient of the primary loss on the meta batch (what the released MELTR does, its H^-1 = I)
one-step     v = a at w' = w - alpha grad L, and times alpha: exact for one step of gradient descent
neumann      v = eta sum_j (I - eta H)^j a, H the Hessian of L (Lorraine et al., AISTATS 2020, algorithm 3)
cg           v solves H v = a by conjugate gradients (Pedregosa, ICML 2016)
===========  ========================================================================================================
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from muybridge.core.networks.step import Row, inner, mean_over_processes, weighted

How = Literal["identity", "one-step", "neumann", "cg"]
Product = Callable[[Row], Row]
"""Hessian times a vector."""


def products(
    gradient: Sequence[Tensor | None], parameters: Sequence[nn.Parameter], damping: float = 0.0
) -> Product:
    """Products with the Hessian (plus ``damping`` times the identity) from a gradient that has a graph."""
    live = [(place, one) for place, one in enumerate(gradient) if one is not None and one.requires_grad]

    def product(v: Row) -> Row:
        pairs = [(one, v[place]) for place, one in live if v[place] is not None]
        if not pairs:
            return [None] * len(parameters)
        found = torch.autograd.grad(
            [one for one, _ in pairs], list(parameters), [given for _, given in pairs], retain_graph=True, allow_unused=True
        )  # fmt: skip
        plain = mean_over_processes(list(found))
        return weighted([plain, v], [1.0, damping]) if damping else plain

    return product


def neumann(
    product: Product, a: Row, terms: int, eta: float | None, largest: float = 0.0
) -> tuple[Row, float]:
    """The first ``terms`` + 1 terms of the series, times ``eta``.

    Args:
        product: with the Hessian.
        a: right-hand side.
        terms: products with the Hessian.
        eta: step of the series; the inverse of the largest stretch of a vector by the Hessian seen so far when None.
        largest: that stretch in earlier calls.

    Returns:
        The solution, and the largest stretch.
    """
    term, total = a, a
    for _ in range(terms):
        turned = product(term)
        stretch = float((inner(turned, turned) / inner(term, term).clamp(min=1e-300)).sqrt())
        largest = max(largest, stretch)
        step = eta if eta is not None else 1 / max(largest, 1e-12)
        term = weighted([term, turned], [1.0, -step])
        total = weighted([total, term], [1.0, 1.0])
    return weighted([total], [eta if eta is not None else 1 / max(largest, 1e-12)]), largest


def conjugate_gradients(product: Product, a: Row, steps: int) -> Row:
    """Solve H x = a from zero; stops where the curvature is not positive, which far from an optimum it need not be."""
    x: Row = [None if one is None else torch.zeros_like(one) for one in a]
    residual, direction = a, a
    square = inner(a, a)
    for step in range(steps):
        turned = product(direction)
        curvature = inner(direction, turned)
        if float(curvature) <= 0:
            return a if step == 0 else x
        length = float(square / curvature)
        x = weighted([x, direction], [1.0, length])
        residual = weighted([residual, turned], [1.0, -length])
        before, square = square, inner(residual, residual)
        if float(square) <= 1e-30 * float(before.clamp(min=1e-300)):
            break
        direction = weighted([residual, direction], [1.0, float(square / before)])
    return x
