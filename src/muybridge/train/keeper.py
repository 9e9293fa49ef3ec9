"""When the state of a training is saved: now and then, behind its last step, and at once when the process is asked to stop."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from muybridge.core.machine.interrupts import whole
from muybridge.core.networks.gather import rank
from muybridge.core.networks.step import Weighting
from muybridge.train.checkpoint import State, save_state


class Keeper:
    """Saves the state of one training; of several processes the first does.

    Args:
        path: ``RUN/state/last.pt``.
        state: how far it is; counted by the loop.
        learner: the network.
        optim: its optimiser.
        weighting: what it has learnt is kept too.
        every: seconds between saved states.
    """

    def __init__(
        self, path: Path, state: State, learner: nn.Module, optim: torch.optim.Optimizer, weighting: Weighting, every: float
    ) -> None:  # fmt: skip
        self.path, self.state, self.every = path, state, every
        self._parts = (learner, optim, weighting)
        self._step, self._since = state.step, time.monotonic()
        self._between = True

    @contextmanager
    def step(self) -> Iterator[None]:
        """One step, which counts with all it did or not at all: signals wait for its end."""
        with whole():
            self._between = False
            yield
            self._between = True

    def save(self, last: bool) -> None:
        """Save the state if it is time to, or if this was the last step."""
        if rank() == 0 and (last or time.monotonic() - self._since > self.every):
            save_state(self.path, self.state, *self._parts)
            self._step, self._since = self.state.step, time.monotonic()

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Asked to stop between two steps: what was learnt since the last save is not lost."""
        asked = kind is not None and not issubclass(kind, Exception)
        if asked and self._between and self.state.step > self._step:
            self.save(True)
