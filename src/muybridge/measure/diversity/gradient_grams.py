"""Inner products of the gradients of losses, from which every measure of their diversity is made (``loss_diversity``)."""

import torch
from jaxtyping import Float
from torch import Tensor

from muybridge.measure.diversity.loss_diversity import Gram


def gram_of(gradients: Float[Tensor, "b k p"]) -> Gram:
    """Inner products of the gradients of k losses on b batches, summed in float64."""
    b, k, size = gradients.shape
    flat = gradients.reshape(b * k, size)
    total = torch.zeros(b * k, b * k, dtype=torch.float64)
    step = max(1, (1 << 22) // (b * k))
    for start in range(0, size, step):
        piece = flat[:, start : start + step].double()
        total += piece @ piece.T
    found: Gram = total.reshape(b, k, b, k).numpy()
    return found
