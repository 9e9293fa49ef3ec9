"""Reading published weights into a network: safetensors, or PyTorch files without pickled code."""

import difflib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from muybridge.core.errors import MuybridgeError, UsageError

READABLE = (".safetensors", ".pt", ".pth")


def load_pretrained(module: nn.Module, path: str | Path) -> None:
    """Load all weights of a module from a file; names and shapes must match exactly.

    Args:
        module: network that gets the weights.
        path: ``.safetensors``, or ``.pt`` / ``.pth`` with a state dict (read with ``weights_only=True``).

    Raises:
        UsageError: another kind of file, or the weights of another network: says which names are missing, unexpected or of another
            shape, and the nearest names.
        MuybridgeError: the file is missing or damaged.
    """
    put_weights(module, read_weights(Path(path)), path)


def put_weights(module: nn.Module, tensors: dict[str, Tensor], path: str | Path) -> None:
    """Load all weights of a module from tensors by name; ``path`` says where they come from, for messages.

    Raises:
        UsageError: as ``load_pretrained``.
    """
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if wanted != found:
        raise UsageError(
            f"{path}: not the weights of {type(module).__name__}. {_difference(wanted, found)} Wanted a file made for this network."
        )
    module.load_state_dict(tensors)


HEADS = ("logits.", "fc.", "head.", "classifier.")
"""Where published networks keep the layers that a backbone has not."""


def load_backbone(backbone: nn.Module, path: str | Path) -> None:
    """Load the weights of a whole published network into a backbone; those of its classifier (``HEADS``) are left out.

    Raises:
        UsageError: as ``load_pretrained``.
        MuybridgeError: as ``load_pretrained``.
    """
    inner = getattr(backbone, "model", backbone)
    known = inner.state_dict().keys()
    found = {
        name: value
        for name, value in read_weights(Path(path)).items()
        if name in known or not name.startswith(HEADS)
    }
    put_weights(inner, found, path)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name.

    Raises:
        UsageError: another kind of file; no state dict inside.
        MuybridgeError: the file is missing or damaged.
    """
    if path.suffix not in READABLE:
        raise UsageError(f"{path}: wanted a file that ends in {', '.join(READABLE)}.")
    try:
        content: Any = (
            load_file(path) if path.suffix == READABLE[0] else torch.load(path, "cpu", weights_only=True)
        )
    except FileNotFoundError as error:
        raise MuybridgeError(f"{path}: no such file.") from error
    except (OSError, SafetensorError) as error:
        raise MuybridgeError(f"{path}: cannot be read as weights ({error}).") from error
    except Exception as error:  # whatever a torn or foreign file makes of torch's reader
        raise MuybridgeError(
            f"{path}: cannot be read as weights without running code from it ({str(error).partition('.')[0]}). "
            "Save its state dict as safetensors."
        ) from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UsageError(f"{path}: holds no plain state dict of tensors by name.")
    return content


def _difference(wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> str:
    missing = [name for name in wanted if name not in found]
    unexpected = [name for name in found if name not in wanted]
    sentences = []
    for word, names, others in (("Missing", missing, unexpected), ("Unexpected", unexpected, missing)):
        if names:
            near = difflib.get_close_matches(names[0], others, n=1, cutoff=0.5)
            hint = (
                f"; nearest in the {'file' if word == 'Missing' else 'network'}: {near[0]!r}" if near else ""
            )
            sentences.append(
                f"{word}: {len(names)} of {len(wanted if word == 'Missing' else found)}, as {names[0]!r}{hint}."
            )
    for name in wanted.keys() & found.keys():
        if wanted[name] != found[name]:
            sentences.append(f"{name!r} has shape {found[name]} instead of {wanted[name]}.")
            break
    return " ".join(sentences)
