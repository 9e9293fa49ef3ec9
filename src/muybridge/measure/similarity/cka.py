"""Similarity of layers from the Gram matrices of their features, batch by batch: CKA and its estimators.

HSIC of two layers is estimated on every batch, the estimates are summed over batches, each as often as it has clips, and then divided
(Nguyen, Raghu and Kornblith, Do wide and deep networks learn the same things?, ICLR 2021, eq. 2 and 3, whose batches are of one size):
memory does not grow with the clips.
Values are raw: an estimate without bias lies below zero as often as above where two layers have nothing in common, and is not clamped.
"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

LEAST = 4
"""Clips that an unbiased estimate needs at least: it is a mean over tuples of four."""
DIGITS = 0.05
"""Share of the squared length of features that is left once their mean is gone; below it the mean goes first."""
WORKING = 1 << 22
"""Bytes of the pieces that features are multiplied in on a processor: larger ones lose digits and, centred, leave its caches."""

Grams = Float64[Tensor, "l n n"]
Rows = Float64[Tensor, "l f"]


def gram(features: Float[Tensor, "n ..."]) -> Float64[Tensor, "n n"]:
    """Inner products of clips, features centred over the clips; on the CPU.

    Products are summed in pieces of float32 and over the pieces in float64. No estimate here changes with what is added to a row and a
    column, so the matrix is centred afterwards; where a common mean is so large that this would cost digits, the features are centred
    first, which takes half as long again. A map is read in the order in which it lies in memory: the order of features does not matter.
    """
    order = sorted(range(1, features.ndim), key=features.stride, reverse=True)
    flat = features.permute(0, *order).reshape(len(features), -1)
    raw = _products(flat, centred=False)
    made = _centred(raw)
    if made.trace() < DIGITS * raw.trace():
        return _centred(_products(flat, centred=True))
    return made


def _centred(grams: Float64[Tensor, "*l n n"]) -> Float64[Tensor, "*l n n"]:
    """Gram matrices of features less their mean over the clips."""
    found: Tensor = grams - grams.mean(-1, keepdim=True) - grams.mean(-2, keepdim=True)
    return found + grams.mean((-2, -1), keepdim=True)


def _products(flat: Float[Tensor, "n d"], centred: bool) -> Float64[Tensor, "n n"]:
    n = len(flat)
    step = max(1, WORKING // (4 * n)) if flat.device.type == "cpu" else 1 << 22
    total = torch.zeros(n, n, dtype=torch.float64)
    for start in range(0, flat.shape[1], step):
        piece = flat[:, start : start + step].float()
        if centred:
            piece = piece - piece.mean(dim=0)
        total += (piece @ piece.T).cpu().double()
    return total


def u_centred(grams: Grams) -> Grams:
    """Gram matrices whose inner products, divided by n(n - 3), are the unbiased HSIC (Székely and Rizzo, Ann. Stat. 42, 2014, eq. 3.2).

    The diagonals are zero; rows and columns sum to zero.
    """
    n = grams.shape[-1]
    hollow = grams.clone()
    hollow.diagonal(dim1=1, dim2=2).zero_()
    rows = hollow.sum(2, keepdim=True) / (n - 2)
    whole = hollow.sum((1, 2), keepdim=True) / ((n - 1) * (n - 2))
    hollow += whole - rows - rows.transpose(1, 2)
    hollow.diagonal(dim1=1, dim2=2).zero_()
    return hollow


def unbiased_rows(grams: Grams) -> Grams:
    """Gram matrices as rows of which the inner product is the unbiased HSIC of two layers (HSIC_1 of Song et al., JMLR 13, 2012, eq. 5).

    Raises:
        ValueError: fewer than ``LEAST`` clips.
    """
    n = grams.shape[-1]
    if n < LEAST:
        raise ValueError(f"an unbiased HSIC of {n} clips; wanted {LEAST} or more")
    rows: Tensor = u_centred(grams) / (n * (n - 3)) ** 0.5
    return rows


def biased_rows(grams: Grams) -> Grams:
    """Gram matrices as rows of which the inner product is the biased HSIC (Gretton et al., ALT 2005, eq. 9): ordinary linear CKA."""
    rows: Tensor = _centred(grams) / (grams.shape[-1] - 1)
    return rows


def permuted(rows: Grams, orders: Int64[Tensor, "p n"]) -> Float64[Tensor, "p l n n"]:
    """Rows of clips in other orders."""
    return rows[:, orders[:, :, None], orders[:, None, :]].transpose(0, 1)


def products(a: Grams, b: Float64[Tensor, "*p l2 n n"]) -> Float64[Tensor, "*p l l2"]:
    """Inner products of every layer of ``a`` with every one of ``b``."""
    return (b.flatten(-2) @ a.flatten(-2).T).transpose(-1, -2)


def ratio(
    between: Float64[Tensor, "*r l l2"], a: Float64[Tensor, "*s l"], b: Float64[Tensor, "*s l2"]
) -> Float64[Tensor, "*r l l2"]:
    """CKA from sums of HSIC; NaN where that of a layer with itself is not above zero (features that are the same for all clips).

    The layers with themselves may stand once for all rows: permuted clips keep them.
    """
    nan = torch.tensor(torch.nan, dtype=torch.float64)
    size = a.where(a > 0, nan).sqrt()[..., :, None] * b.where(b > 0, nan).sqrt()[..., None, :]
    return between / size
