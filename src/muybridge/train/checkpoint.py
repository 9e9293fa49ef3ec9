"""Weights as safetensors, the state to resume from as plain tensors; nothing is unpickled."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from muybridge.core.errors import MuybridgeError
from muybridge.core.records import atomic


@dataclass
class State:
    """Everything that a killed run needs to go on as if nothing had happened.

    Attributes:
        step: optimiser steps done.
        seconds: wall time so far.
        waiting: part of it spent waiting for batches.
        flops: floating-point operations of one step, forward and backward.
        pending: values since the last row of the training curve.
    """

    step: int = 0
    seconds: float = 0.0
    waiting: float = 0.0
    flops: int = 0
    pending: list[dict[str, float]] = field(default_factory=list)


def save_weights(path: Path, module: nn.Module) -> None:
    """Write all parameters and buffers as safetensors, atomically."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    with atomic(path, "wb") as file:
        file.write(save(tensors))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read safetensors.

    Raises:
        MuybridgeError: missing or damaged file.
    """
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise MuybridgeError(f"{path}: no weights ({error}). Delete the run folder and run again.") from error
    return tensors


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Tensors below ``prefix.``, with the prefix taken off."""
    return {
        name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(prefix + ".")
    }


def save_state(path: Path, state: State, learner: nn.Module, optim: torch.optim.Optimizer) -> None:
    """Write step, weights and optimiser atomically."""
    content = {**vars(state), "learner": learner.state_dict(), "optim": optim.state_dict()}
    with atomic(path, "wb") as file:
        torch.save(content, file)


def load_state(path: Path, learner: nn.Module, optim: torch.optim.Optimizer) -> State:
    """Restore what ``save_state`` wrote; a fresh ``State`` where there is nothing.

    Raises:
        MuybridgeError: damaged file, or the state of another network.
    """
    if not path.is_file():
        return State()
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        learner.load_state_dict(content.pop("learner"))
        optim.load_state_dict(content.pop("optim"))
        return State(**content)
    except Exception as error:  # whatever a torn or foreign file makes of torch's readers
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise MuybridgeError(
            f"{path}: cannot go on from this state ({reason}). Delete the file and run the same command again to start anew."
        ) from error
