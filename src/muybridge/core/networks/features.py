"""What a backbone returns, what every backbone is, and how to look inside one."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Features:
    """Output of a backbone.

    Attributes:
        pooled: one vector per clip (global average over time and space).
        maps: the last convolutional map, or the grid of tokens, under ``"last"``, before pooling.
    """

    pooled: Float[Tensor, "b d"]
    maps: dict[str, Float[Tensor, "b c t h w"]] = field(default_factory=dict)


@runtime_checkable
class Backbone(Protocol):
    """Any module that turns frames (float, 0..1, ``b 3 t h w``) into ``Features``; owns its mean and std.

    Attributes:
        dim: length of the pooled feature.
        layers: names of the submodules where its stages end, first to last: what ``capture`` can be asked for.
    """

    dim: int
    layers: tuple[str, ...]

    def __call__(self, frames: Float[Tensor, "b 3 t h w"]) -> Features:
        """Encode clips."""
        ...


def average(values: Float[Tensor, "..."], dims: int | tuple[int, ...]) -> Float[Tensor, "..."]:
    """Mean in float32 at least: under autocast a mean in bfloat16 keeps 8 bits, and features of like clips become equal."""
    return values.mean(dim=dims, dtype=torch.promote_types(values.dtype, torch.float32))


class Head(nn.Linear):
    """A linear layer whose arithmetic is that of its weights, also under autocast.

    Logits in bfloat16 tie: with 400 classes up to 2.4 % of the rows, and ties go to the lower class. The backbone in front takes the
    format that ``--precision`` names; a head costs next to nothing in float32.
    """

    def forward(self, features: Float[Tensor, "*b d"]) -> Float[Tensor, "*b k"]:
        """Logits or projected features."""
        kind = features.device.type
        plain = (
            torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
        )
        with plain:
            return F.linear(features.to(self.weight.dtype), self.weight, self.bias)


class Classifier(nn.Module):
    """A backbone and one linear layer: what fine-tuning and probing produce and robustness measures."""

    def __init__(self, backbone: nn.Module, dim: int, classes: int) -> None:
        super().__init__()
        self.backbone, self.head = backbone, Head(dim, classes)

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Logits of each clip."""
        logits: Tensor = self.head(self.backbone(frames).pooled)
        return logits


@contextmanager
def capture(module: nn.Module, layers: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Collect what named submodules put out, for as long as the ``with`` block lasts.

    Every forward pass replaces what the one before left; gradients flow. Of a tuple the first tensor is taken. Modules that work in place
    (``ReLU(inplace=True)``) work on a tensor of their own meanwhile, since they would overwrite what the module in front of them put out;
    tensors are not copied, so that in place work of a network's own ``forward`` still shows.

    Args:
        module: any network.
        layers: dotted names of submodules, as in ``module.named_modules()`` or ``Backbone.layers``.

    Yields:
        Tensors by layer; empty until the first forward pass.

    Raises:
        ValueError: no such submodule; a submodule that puts out no tensor.
    """
    seen: dict[str, Tensor] = {}
    modules = dict(module.named_modules())
    handles = []
    placed = [one for one in modules.values() if getattr(one, "inplace", False) is True]
    try:
        for one in placed:
            one.inplace = False
        for name in layers:
            if name not in modules:
                near = difflib.get_close_matches(name, modules, n=1, cutoff=0)
                raise ValueError(f"{type(module).__name__} has no layer {name!r}; the nearest is {near[0]!r}")
            handles.append(modules[name].register_forward_hook(partial(_keep, seen, name)))
        yield seen
    finally:
        for one in placed:
            one.inplace = True
        for handle in handles:
            handle.remove()


def _keep(seen: dict[str, Tensor], name: str, module: nn.Module, _: object, output: Any) -> None:
    if isinstance(output, Mapping) or hasattr(output, "to_tuple"):
        output = tuple(output.values())
    first = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(first, Tensor):
        raise ValueError(
            f"layer {name!r} ({type(module).__name__}) puts out {type(output).__name__}, not a tensor"
        )
    seen[name] = first
