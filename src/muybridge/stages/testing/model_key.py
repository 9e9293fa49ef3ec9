"""What tells one model from another: a hash of a name and of every parameter and buffer."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from muybridge.core.errors import UsageError


def key_of(model: object, name: str) -> str:
    """Hash of a name and of every parameter and buffer.

    Raises:
        UsageError: tensors without values: of lazy layers, or on the device ``meta``; names the first.
    """
    digest = hashlib.sha256(name.encode())
    state = model.state_dict() if isinstance(model, nn.Module) else {}
    for key, value in state.items():
        digest.update(key.encode())
        add_tensor(digest, key, value)
    return digest.hexdigest()[:16]


def add_tensor(digest: Any, key: str, value: object) -> None:
    """Add the values of a tensor, or of tensors in lists and mappings, to a hash; ``key`` names it in errors."""
    if isinstance(value, Tensor):
        _check(key, value)
        dense = value.detach().cpu()
        dense = dense.to_dense() if dense.layout is not torch.strided else dense
        digest.update(f"{dense.dtype}{tuple(dense.shape)}".encode())
        if dense.is_quantized:
            digest.update(f"{dense.qscheme()}".encode())
            dense = torch.cat([dense.int_repr().flatten().double(), dense.dequantize().flatten().double()])
        digest.update(dense.contiguous().flatten().view(torch.uint8).numpy().data)
    elif isinstance(value, tuple | list):
        for one in value:
            add_tensor(digest, key, one)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            digest.update(str(name).encode())
            add_tensor(digest, key, one)
    elif isinstance(value, str | int | float | bool | bytes | torch.dtype) or value is None:
        pass  # settings beside the weights were never signed


def _check(key: str, value: Tensor) -> None:
    if is_lazy(value):
        raise UsageError(
            f"model: its tensor {key!r} has no values yet, as in lazy layers. Run the network once on a clip before you hand it over."
        )
    if value.device.type == "meta":
        raise UsageError(
            f"model: its tensor {key!r} lies on the device meta and has no values. Load its weights before you hand it over."
        )
