"""Unbiased HSIC of redrawn clips: every clip counts as often as it was drawn, and no clip is paired with a copy of itself.

HSIC_1 is a U-statistic of order four: a mean over tuples of four different clips. With clip i drawn w_i times a tuple counts
w_i w_j w_q w_r times, still over different clips. Leaving copies in, as a bootstrap of the batch itself would, takes the large diagonal
of a Gram matrix for similarity between clips, and lifts every value.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from muybridge.measure.similarity.cka import LEAST, Grams


class Weighted:
    """HSIC of layers of one batch under many sets of weights at once, as inner products of rows.

    Summing w_i w_j w_q w_r (K_ij L_ij + K_ij L_qr - 2 K_ij L_iq) over different i, j, q, r by inclusion and exclusion leaves sums over
    pairs of K_ij L_ij, and over clips of what K and L make of w and of its square.

    Args:
        weights: how often each clip was drawn.

    Attributes:
        enough: sets in which four clips or more were drawn; the others give zero.
        share: of the batch that was drawn; an estimate counts that much among those of other batches.
    """

    def __init__(self, weights: Float[Tensor, "r n"]) -> None:
        self.weights = w = weights.double()
        n = w.shape[1]
        p1, p2, p3, p4 = (w.pow(k).sum(1, keepdim=True) for k in (1, 2, 3, 4))
        fours = p1**4 - 6 * p1**2 * p2 + 3 * p2**2 + 8 * p1 * p3 - 6 * p4
        self.enough = (w > 0).sum(1) >= LEAST
        self.share = w.mean(1) * self.enough
        self.scale = (self.share[:, None] / fours.where(self.enough[:, None], torch.ones_like(fours)))[
            ..., None
        ]
        self.upper = torch.triu_indices(n, n, 1)
        one, two = w[:, self.upper[0]], w[:, self.upper[1]]
        others = (p1 - one - two) ** 2 - (p2 - one**2 - two**2)
        triples = (p1 - one) * two + (p1 - two) * one - 2 * (one**2 + two**2)
        self.pairs = 2 * one * two * (others + triples + 2 * one * two)
        self.clips = -4 * w**2 - 2 * w * (p1 - w)

    def rows(self, grams: Grams) -> Float64[Tensor, "r l f"]:
        """What ``products`` and ``alike`` take of some layers."""
        hollow = grams.clone()
        hollow.diagonal(dim1=1, dim2=2).zero_()
        drawn = torch.einsum("lij,rj->rli", hollow, self.weights)
        squared = torch.einsum("lij,rj->rli", hollow, self.weights**2)
        whole = torch.einsum("rli,ri->rl", drawn, self.weights)[..., None]
        pairs = hollow[:, self.upper[0], self.upper[1]].expand(len(drawn), -1, -1)
        return torch.cat([pairs, drawn, squared, whole], dim=2)

    def _across(self, rows: Float64[Tensor, "r l f"]) -> Float64[Tensor, "r l f"]:
        """Rows of the other side: weighted so that the inner product with ``rows`` is the estimate times its share."""
        n = self.weights.shape[1]
        sizes = [rows.shape[2] - 2 * n - 1, n, n, 1]
        pairs, drawn, squared, whole = torch.split(rows, sizes, dim=2)
        w, clips = self.weights[:, None], self.clips[:, None]
        mixed = [self.pairs[:, None] * pairs, clips * drawn + 2 * w * squared, 2 * w * drawn, whole]
        return torch.cat(mixed, dim=2) * self.scale

    def products(
        self, a: Float64[Tensor, "r l f"], b: Float64[Tensor, "r l2 f"]
    ) -> Float64[Tensor, "r l l2"]:
        """HSIC of every layer of one network with every one of another, times the share of the batch that was drawn."""
        return a @ self._across(b).transpose(1, 2)

    def alike(self, a: Float64[Tensor, "r l f"], b: Float64[Tensor, "r l f"]) -> Float64[Tensor, "r l"]:
        """HSIC of each layer of one network with the same layer of another, times the share of the batch that was drawn."""
        return (a * self._across(b)).sum(2)
