"""State of modules that keep it in plain attributes, beside parameters and buffers: to plain data and back."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MACHINERY = frozenset(vars(nn.Module()))
"""Attributes that every module has."""


def snapshot_plain(module: nn.Module) -> dict[str, dict[str, object]]:
    """Numbers, tensors, arrays, lists of them and optimisers that a module and those inside it hold, by path and name."""
    return {path: found for path, part in module.named_modules() if (found := _own(part))}


def _own(part: nn.Module) -> dict[str, object]:
    tensors = {**part._parameters, **part._buffers}
    named = {name: value for name, value in vars(part).items() if name not in MACHINERY}
    kept = {name: _plain(value) for name, value in (tensors | named).items()}
    return {name: value for name, value in kept.items() if value is not NotImplemented}


def _plain(value: object) -> object:
    """A value as ``torch.load`` takes it back without unpickling; NotImplemented for what is no state."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return {"array": torch.from_numpy(value.copy())}
    if isinstance(value, torch.optim.Optimizer):
        return {"optimiser": value.state_dict()}
    if value is None or isinstance(value, bool | int | float | str | torch.dtype):
        return value
    if isinstance(value, list | tuple):
        kept = [_plain(one) for one in value]
        return NotImplemented if NotImplemented in map(_no_tensor, kept) else type(value)(kept)
    return NotImplemented


def _no_tensor(value: object) -> object:
    """Tensors cannot be compared with ``in``."""
    return None if isinstance(value, Tensor) else value


@torch.no_grad()
def restore_plain(module: nn.Module, kept: dict[str, dict[str, Any]]) -> None:
    """Put it back into a module that was made alike."""
    parts = dict(module.named_modules())
    for path, values in kept.items():
        part = parts[path]
        for name, value in values.items():
            if part._parameters.get(name) is not None:
                part.get_parameter(name).copy_(value)
            elif name in part._buffers:
                part._buffers[name] = value
            elif isinstance(value, dict) and "optimiser" in value:
                options = {key: vars(part)[key] for key in ("lr", "weight_decay")}
                optim = torch.optim.Adam(list(part.parameters()), **options)
                optim.load_state_dict(value["optimiser"])
                setattr(part, name, optim)
            else:
                array = isinstance(value, dict) and "array" in value
                setattr(part, name, value["array"].numpy() if array else value)
        again = getattr(part, "_init_optim_problem", None)
        if again and values.get("step"):
            again()  # Nash-MTL makes its convex program at its first call
