"""What the modules of a network put out, handed over the moment they fire: in place work behind them comes later and changes nothing."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from muybridge.core.networks.features import Features

Take = Callable[[str, nn.Module, Tensor | None], None]


@contextmanager
def firing(module: nn.Module, layers: Iterable[str] | None, take: Take) -> Iterator[None]:
    """Call ``take`` with name, module and output whenever a module ends its forward pass, for as long as the ``with`` block lasts.

    Containers fire after what they hold. Of tuples and mappings the first tensor is taken, of ``Features`` the pooled feature; None stands
    for an output without a tensor.

    Args:
        module: any network; its own name is ``""``.
        layers: names as in ``module.named_modules()``; all when None.
        take: called inside the forward pass.

    Raises:
        ValueError: no such module; names the nearest.
    """
    modules = dict(module.named_modules())
    names = list(modules) if layers is None else list(layers)
    for name in names:
        if name not in modules:
            near = difflib.get_close_matches(name, modules, n=1, cutoff=0)
            raise ValueError(f"has no layer {name!r}; the nearest is {near[0]!r}")
    handles = [modules[name].register_forward_hook(partial(_fire, take, name)) for name in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _fire(take: Take, name: str, module: nn.Module, _: object, output: object) -> None:
    take(name, module, tensor_of(output))


def tensor_of(output: Any) -> Tensor | None:
    """The tensor of what a module put out."""
    if isinstance(output, Features):
        return output.pooled
    if isinstance(output, Mapping) or hasattr(output, "to_tuple"):
        output = tuple(output.values())
    if isinstance(output, tuple | list):
        output = next((one for one in output if isinstance(one, Tensor)), None)
    return output if isinstance(output, Tensor) else None
