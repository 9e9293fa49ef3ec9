"""Weights as safetensors, the state to resume from as plain tensors; nothing is unpickled."""

import io
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic
from muybridge.core.networks.step import Weighting
from muybridge.store.checked import opened, sealed

LOG = logging.getLogger("muybridge")


@dataclass
class State:
    """Everything that a killed run needs to go on as if nothing had happened.

    Attributes:
        step: optimiser steps done.
        seconds: wall time so far.
        waiting: part of it spent waiting for batches.
        flops: floating-point operations of one step, forward and backward.
        metas: steps at which a weighting learnt on a meta batch.
        meta_flops: floating-point operations of such a step.
        meta_seconds: wall time of all of them.
        pending: values since the last row of the training curve.
    """

    step: int = 0
    seconds: float = 0.0
    waiting: float = 0.0
    flops: int = 0
    metas: int = 0
    meta_flops: int = 0
    meta_seconds: float = 0.0
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


def save_state(
    path: Path, state: State, learner: nn.Module, optim: torch.optim.Optimizer, weighting: Weighting | None = None
) -> None:  # fmt: skip
    """Write step, weights and optimiser atomically, with a checksum; the state before stays beside it.

    Args:
        path: ``RUN/state/last.pt``; the name of the run's folder, its signature, goes into the checksum.
        state: how far it is.
        learner: the network.
        optim: its optimiser.
        weighting: what it has learnt is kept too.
    """
    buffer = io.BytesIO()
    learnt = {"weighting": kept} if weighting and (kept := weighting.snapshot()) else {}
    torch.save(
        {**vars(state), "learner": learner.state_dict(), "optim": optim.state_dict(), **learnt}, buffer
    )
    with suppress(FileNotFoundError):
        path.replace(
            _previous(path)
        )  # a kill here leaves the state before, from which the run ends with the same bits
    with atomic(path, "wb") as file:
        file.write(sealed(buffer.getvalue(), _owner(path)))


def load_state(
    path: Path, learner: nn.Module, optim: torch.optim.Optimizer, say: Callable[[str], None] = LOG.warning,
    weighting: Weighting | None = None,
) -> State:  # fmt: skip
    """Restore what ``save_state`` wrote: the last state, the one before where that is damaged, a fresh one where both are.

    From whichever it goes on, a run ends with the same bits. What cannot be trusted is put aside and said.

    Args:
        path: ``RUN/state/last.pt``.
        learner: takes the weights.
        optim: takes the state of the optimiser.
        say: told which file was not believed, and why; a warning of the log unless one says otherwise, never nothing.
        weighting: takes what it had learnt.

    Raises:
        MuybridgeError: a sound state, of another network or weighting.
    """
    for file in (path, _previous(path)):
        try:
            content = opened(file.read_bytes(), _owner(path))
        except FileNotFoundError:
            continue
        except (OSError, MuybridgeError) as error:
            say(f"{file}: not gone on from ({error}); taking the state before, or beginning anew.")
            continue
        return _restored(file, content, learner, optim, weighting)
    return State()


def _restored(
    path: Path, content: memoryview, learner: nn.Module, optim: torch.optim.Optimizer, weighting: Weighting | None
) -> State:  # fmt: skip
    try:
        told: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        learner.load_state_dict(told.pop("learner"))
        optim.load_state_dict(told.pop("optim"))
        learnt = told.pop("weighting", {})
        if weighting:
            weighting.restore(learnt)
        return State(**told)
    except Exception as error:  # whatever the state of another network makes of torch's readers
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise MuybridgeError(
            f"{path}: cannot go on from this state ({reason}). Delete the file and run the same command again to start anew."
        ) from error


def _previous(path: Path) -> Path:
    return path.with_name("previous.pt")


def _owner(path: Path) -> str:
    return path.parent.parent.name
