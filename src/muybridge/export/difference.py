"""How far what was written is from the network that it was made of."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.core.errors import MuybridgeError

Answer = Callable[[Float[Tensor, "b 3 t h w"]], Float[Tensor, "b _"]]
"""Clips to logits or features."""


def compare(network: nn.Module, again: Answer, frames: Tensor, tolerance: float, output: str) -> float:
    """The largest difference between what two networks say of clips, together and each alone, in float32.

    Raises:
        MuybridgeError: it is over ``tolerance``, or no number.
    """
    difference = max(_apart(network, again, batch) for batch in (frames, *(one[None] for one in frames)))
    if not difference <= tolerance:
        raise MuybridgeError(
            f"what was written differs from the network by up to {difference:.1e} in its {output}; wanted at most {tolerance:g}. "
            "Nothing was kept. --tolerance lets a larger difference through."
        )
    return difference


@torch.inference_mode()
def _apart(network: Answer, again: Answer, frames: Float[Tensor, "b 3 t h w"]) -> float:
    """The largest difference between two answers to one batch; infinite where they are of another shape or hold no numbers."""
    wanted, found = network(frames), again(frames)
    if found.shape != wanted.shape:
        raise MuybridgeError(
            f"what was written gives {tuple(found.shape)} for {tuple(wanted.shape)}. Nothing was kept."
        )
    apart = float((found - wanted).abs().max())
    return apart if apart == apart else float("inf")
