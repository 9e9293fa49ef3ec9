"""What is averaged in the output of a layer: frames, places, both or nothing, where its axes are known."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from muybridge.core.networks.features import average

Pool = Literal["none", "space", "time", "all"]
AXES: dict[tuple[str, bool], tuple[int, ...]] = {
    ("space", False): (3, 4), ("time", False): (2,), ("all", False): (2, 3, 4),
    ("space", True): (2, 3), ("time", True): (1,), ("all", True): (1, 2, 3),
}  # fmt: skip
"""Axes that are averaged, by kind of pooling and whether channels lie last."""


def pooled_map(
    x: Float[Tensor, "b *d"], pool: Pool, grid: tuple[int, int, int] | None, channels_last: bool
) -> Tensor | None:
    """A map or tokens with some axes averaged; None where they should be and are not known.

    Args:
        x: output of a layer, one row a clip.
        pool: what is averaged.
        grid: of the tokens of a clip (time, rows, columns), where the network says it.
        channels_last: of five axes, whether channels lie last.
    """
    if pool == "none" or x.ndim < 3:
        return x
    if pool == "all" and x.ndim == 3:
        return average(x, 1)
    if x.ndim == 3 and grid is not None:
        tokens = x[:, -grid[0] * grid[1] * grid[2] :]
        if tokens.shape[1] == grid[0] * grid[1] * grid[2]:
            return average(tokens.reshape(len(x), *grid, -1), AXES[pool, True])
    return average(x, AXES[pool, channels_last]) if x.ndim == 5 else None


def pooled_vectors(
    x: Float[Tensor, "b *d"], grid: tuple[int, int, int] | None, channels_last: bool
) -> Float32[Tensor, "b c"] | None:
    """A copy of an output, averaged over all places and frames, on the CPU; None where that leaves no vector per clip.

    Where axes are not known, an output is a vector if only one of them is longer than one.

    Args:
        x: output of a layer, one row a clip.
        grid: of the tokens of a clip (time, rows, columns), where the network says it.
        channels_last: of five axes, whether channels lie last.
    """
    made = pooled_map(x, "all", grid, channels_last)
    if made is None and x[0].numel() > max(x.shape[1:]):
        return None
    rows = (x if made is None else made).reshape(len(x), -1)
    return rows.to("cpu", torch.float32, copy=True)


def is_last(module: nn.Module, network_last: bool) -> bool:
    """Whether channels lie last in what a module of a network puts out: its convolutions have them in front in any case."""
    return network_last and not isinstance(module, nn.Conv3d)


def grid_of(module: nn.Module, frames: int, size: int) -> tuple[int, int, int] | None:
    """Grid of the tokens of a clip, where a network says it."""
    grid: Callable[[int, int], Any] | None = getattr(module, "grid", None)
    return tuple(grid(frames, size)) if callable(grid) else None
