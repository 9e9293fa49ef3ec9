"""HSIC_1 as its paper writes it: the reference of the tests of similarity."""

import torch


def song(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """HSIC_1 as Nguyen et al. write it, eq. 3."""
    n, ones = len(one), torch.ones(len(one), dtype=torch.float64)
    K, L = one - one.diag().diag(), other - other.diag().diag()
    whole = (ones @ K @ ones) * (ones @ L @ ones) / ((n - 1) * (n - 2))
    return ((K @ L).trace() + whole - 2 / (n - 2) * (ones @ K @ L @ ones)) / (n * (n - 3))
