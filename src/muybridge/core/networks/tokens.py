"""What transformers on the tokens of a clip share: the code of their places, and attention that starts near home."""

import torch
from jaxtyping import Float
from torch import Tensor

BASE = 100
"""Ratio of the fastest to the slowest wave; an axis of a clip has tens of tokens, a text, whose base is 10,000, has thousands."""


def positions(grid: tuple[int, int, int], dim: int) -> Float[Tensor, "n dim"]:
    """Fixed sinusoids of a token's time, row and column, a third of the channels each; n runs over time, then rows, then columns.

    VideoMAE counts all tokens with one running number (Vaswani et al. 2017, sec. 3.5), from which neighbouring rows are hard to tell.

    Raises:
        ValueError: ``dim`` is odd or below 6.
    """
    if dim % 2 or dim < 6:
        raise ValueError(f"positions: dim={dim}; wanted an even number of at least 6")
    third = dim // 6 * 2
    axes = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in grid), indexing="ij")
    waves = [_waves(axis.flatten(), d) for axis, d in zip(axes, (third, third, dim - 2 * third), strict=True)]
    return torch.cat(waves, dim=1).float()


def _waves(places: Float[Tensor, "n"], dim: int) -> Float[Tensor, "n dim"]:
    rates = BASE ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = places[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


@torch.no_grad()
def attract(query: Float[Tensor, "d d"], key: Float[Tensor, "d d"], heads: int, noise: float = 0.7) -> None:
    """Start attention so that tokens which are alike, and so in like places, attend to each other.

    The product of each head's query and key weights becomes ``I + noise * Z`` as nearly as its rank allows, with normal Z of deviation
    ``d ** -0.5`` (mimetic initialisation: Trockman and Kolter, ICML 2023, sec. 3). Draws from torch's random state, as ``nn.init`` does.
    """
    d = len(query)
    for rows in torch.arange(d).chunk(heads):
        wanted = torch.eye(d) + noise * torch.randn(d, d) / d**0.5
        left, sizes, right = torch.linalg.svd(wanted)
        scale = sizes[: len(rows)].sqrt()
        query[rows] = (left[:, : len(rows)] * scale).T
        key[rows] = right[: len(rows)] * scale[:, None]
