"""Weightings of TorchJD: scalarisations of the losses and aggregators of their gradients (extra ``weighting``)."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.networks.step import Row, Step, Weighed, Weighting
from muybridge.weighting.balance import joined, refuse_one, shared_part
from muybridge.weighting.plain_state import restore_plain, snapshot_plain

FLOOR = 1e-3
"""Least loss that weightings by logarithms see."""
INSTALL = "pip install 'muybridge[weighting]'"


def torchjd(kind: str) -> Any:
    """A module of TorchJD.

    Raises:
        UsageError: not installed; says what to install.
    """
    try:
        return import_module(f"torchjd.{kind}")
    except ImportError as error:
        raise UsageError(
            f"this weighting is one of TorchJD, which cannot be imported ({error}): {INSTALL}"
        ) from error


class Outside(Weighting):
    """What scalarisations and aggregators share: one object of TorchJD and its state.

    Args:
        name: as listed.
        make: from the number of terms to the object.
    """

    inside: Any

    def __init__(self, name: str, make: Callable[[int], object]) -> None:
        super().__init__()
        self.name, self.make = name, make

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """Make the object for these terms.

        Raises:
            UsageError: one term; a package that the object needs is not there.
        """
        refuse_one(self.name, terms)
        try:
            self.inside = self.make(len(terms))
        except ImportError as error:
            raise UsageError(f"--weighting {self.name}: {error} ({INSTALL}).") from error

    def snapshot(self) -> dict[str, object]:
        """The state of the object, whatever it is made of."""
        kept = snapshot_plain(self.inside)
        own = self.optim.state_dict() if self.optim else None
        return {"name": self.name, "module": kept, "optim": own}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take it from a saved state.

        Raises:
            ValueError: it is that of another weighting.
        """
        if kept.get("name", "fixed") != self.name:
            raise ValueError(f"it is of the weighting {kept.get('name', 'fixed')}, this one is {self.name}")
        restore_plain(self.inside, kept["module"])
        if self.optim:
            self.optim.load_state_dict(kept["optim"])


class Scalarised(Outside):
    """One scalar of the losses; its parameters, if it has any, learn with it (Adam).

    Args:
        name: as listed.
        make: from the number of terms to the object.
        lr: learning rate of its parameters.
        positive: takes logarithms: refuses losses below zero, and counts one that is solved (a hinge at zero) as ``FLOOR``.
    """

    def __init__(
        self, name: str, make: Callable[[int], object], lr: float = 1e-2, positive: bool = False
    ) -> None:
        super().__init__(name, make)
        self.rate, self.positive = lr, positive

    def prepare(self, terms: Sequence[str], primary: Sequence[str]) -> None:
        """Make the object, and an optimiser where it has parameters that learn by the loss."""
        super().prepare(terms, primary)
        own = list(self.inside.parameters())
        if own and not hasattr(self.inside, "update"):  # FAMO has an optimiser inside
            self.optim = torch.optim.Adam(own, lr=self.rate)

    def backward(self, step: Step) -> Weighed:
        """Descend the scalar by its derivative in every loss: one backward pass through the network.

        Raises:
            MuybridgeError: a loss that this scalarisation cannot take; names the term.
        """
        losses = step.stacked()
        if self.positive and bool((losses < 0).any()):
            name = next(name for name, value in step.terms.items() if value < 0)
            value = float(step.terms[name].detach())
            raise MuybridgeError(
                f"--weighting {self.name}: the term {name} is {value:.4g} at step {step.number + 1}; this weighting takes logarithms and"
                " wants no term below 0. Leave that task out or take another weighting."
            )
        given = self._bounded(losses.detach()).requires_grad_()
        combined = self.inside(given)
        combined.backward()
        weights = given.grad if given.grad is not None else torch.zeros_like(given)
        step.descend((weights * losses).sum())
        if self.optim:
            self.optim.step()
            self.optim.zero_grad(set_to_none=True)
        return Weighed(combined.detach(), dict(zip(step.terms, weights.tolist(), strict=True)))

    def _bounded(self, losses: Tensor) -> Tensor:
        return losses.clamp(min=FLOOR) if self.positive else losses

    def after_step(self, step: Step) -> None:
        """FAMO looks at the losses again; DWA is told that an epoch is over."""
        if hasattr(self.inside, "update"):
            self.inside.update(self._bounded(torch.stack(list(step.again().values()))))
        elif hasattr(self.inside, "step") and int((step.number + 1) / step.per_epoch) > int(
            step.number / step.per_epoch
        ):
            self.inside.step()


class Aggregated(Outside):
    """One gradient of the terms' gradients on the shared weights; every head takes the plain gradient of its own terms.

    Gradients are taken one after the other (``parallel_chunk_size=1`` in TorchJD's words): batches of them fail with batch norm under
    autocast.
    """

    def backward(self, step: Step) -> Weighed:
        """Aggregate the rows of the Jacobian on the shared weights."""
        rows = step.rows()
        parts = [shared_part(step, row) for row in rows]
        matrix = torch.stack([_flat(part, step.shared) for part in parts])
        if hasattr(self.inside, "weighting"):
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", UserWarning
                )  # cvxpy says at every step that Nash-MTL's program is slow
                weights = self.inside.weighting(matrix)
            together = weights.to(matrix) @ matrix
        else:
            together = self.inside(matrix)
            weights = _nearest(matrix, together)
        step.put(joined(step, _unflat(together, step.shared), rows))
        loss = step.stacked().detach().sum()
        return Weighed(loss, dict(zip(step.terms, weights.tolist(), strict=True)))


def _nearest(matrix: Tensor, vector: Tensor) -> Tensor:
    """Weights of the rows whose sum comes nearest to a vector, for aggregators that choose single entries."""
    wide = matrix.double()
    found: Tensor = torch.linalg.lstsq(wide @ wide.T, wide @ vector.double(), driver="gelsd").solution
    return found


def _flat(row: Row, like: Sequence[Tensor]) -> Tensor:
    return torch.cat(
        [(torch.zeros_like(p) if g is None else g).flatten() for g, p in zip(row, like, strict=True)]
    )


def _unflat(vector: Tensor, like: Sequence[Tensor]) -> Row:
    parts = torch.split(vector, [p.numel() for p in like])
    return [part.view_as(p) for part, p in zip(parts, like, strict=True)]
