"""Linear probe: multinomial logistic regression on frozen features under many settings, one of them chosen without the test videos.

Probes are usually trained by SGD under a grid of learning rates and weight decays. The problem is convex, so here every setting is solved
to its optimum and only the weight decay is left: a learning rate would only say how far from the optimum training stops. The settings are
solved from the strongest decay to the weakest, each from where the two before point (pathwise optimisation: Friedman et al.,
Regularization paths for generalized linear models via coordinate descent, J. Stat. Software 2010), by L-BFGS in coordinates in which the
problem is nearly round: the principal axes of the features, each scaled by the curvature that cross-entropy has at equal chances.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from muybridge.core.errors import UsageError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

DECAYS = tuple(float(f"{10 ** (1 - i / 4):.3g}") for i in range(24))
"""Weight decays of the default grid, strongest first: 10 to 1.78e-5, four per factor of ten."""
FALLBACK = 0.1
"""Weight decay where no training row can be held out."""
ENOUGH = 1000
"""Held-out rows after which no further fold is tried: the standard error of an accuracy is then below 1.6 points."""
TOLERANCE = 1e-4
"""Largest entry of the gradient at an optimum, in the scaled coordinates."""


@dataclass(frozen=True)
class Setting:
    """One weight decay, and how well it did on held-out training rows.

    Attributes:
        decay: half of it times the squared weights is added to the mean cross-entropy; 1 / (rows x C) of scikit-learn.
        accuracy: share of right rows, 0 to 1.
        loss: mean cross-entropy, nats.
    """

    decay: float
    accuracy: float
    loss: float


@dataclass(frozen=True)
class Linear:
    """A linear layer on raw (not standardised) features.

    Attributes:
        weight: one row per class; classes never seen in training get a bias of -1e4.
        decay: weight decay that it was fitted with on all training rows.
        grid: all settings on held-out rows; empty where nothing could be held out.
        held_out: rows behind each accuracy of the grid.
    """

    weight: Float32[np.ndarray, "k d"]
    bias: Float32[np.ndarray, "k"]
    decay: float
    grid: tuple[Setting, ...]
    held_out: int


def fit_linear(
    features: Float32[np.ndarray, "n d"],
    labels: Int64[np.ndarray, "n"],
    folds: Int64[np.ndarray, "n"],
    classes: int,
    decays: Sequence[float] = DECAYS,
    device: str = "cpu",
) -> Linear:
    """Try every weight decay on held-out folds of the training rows, then fit the best one on all of them.

    A fold is held out and the rest, standardised by its own statistics, is trained on; one fold after the other until ``ENOUGH`` rows
    were held out, or all. Rows whose class is not among the rest are left out of the choice. The decay with the most right rows is
    taken, of several the one with the lowest cross-entropy.

    Args:
        features: one row per training clip.
        labels: class of each row, 0 to classes - 1.
        folds: fold of each row, from 0; rows of one group must share theirs.
        classes: number of rows of the result's weight.
        decays: strongest first.
        device: where the products are computed.

    Raises:
        UsageError: fewer than two classes in training, or features that are no numbers.
    """
    present, own = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise UsageError(
            f"linear probe: the {len(labels)} training clips are of one class; wanted at least 2 classes in training."
        )
    check_finite(features, "linear probe")
    grid, held_out = _validate(features, own, folds, decays, device)
    best = max(grid, key=lambda one: (one.accuracy, -one.loss), default=None)
    decay = best.decay if best else FALLBACK
    problem = _Problem.of(features, own, len(present), device)
    found, offset = problem.unfolded(*problem.path((decay,)))
    weight, bias = np.zeros((classes, features.shape[1]), np.float32), np.full(classes, -1e4, np.float32)
    weight[present], bias[present] = found.numpy(), offset.numpy()
    return Linear(weight, bias, decay, grid, held_out)


def check_finite(features: Float32[np.ndarray, "n d"], who: str) -> None:
    """Refuse features that are no numbers.

    Raises:
        UsageError: says how many rows have such features.
    """
    wrong = int((~np.isfinite(features)).any(axis=1).sum())
    if wrong:
        raise UsageError(
            f"{who}: the features of {wrong} of {len(features)} clips are not finite: the backbone's weights or its numbers"
            " overflow. Use --precision fp32, or pretrain again."
        )


def _validate(
    features: np.ndarray, labels: np.ndarray, folds: np.ndarray, decays: Sequence[float], device: str
) -> tuple[tuple[Setting, ...], int]:
    """Every setting on held-out rows, and how many there were."""
    right, loss, total = np.zeros(len(decays)), np.zeros(len(decays)), 0
    for train, held in _rounds(labels, folds):
        present, own = np.unique(labels[train], return_inverse=True)
        problem = _Problem.of(features[train], own, len(present), device)
        truth = torch.from_numpy(np.searchsorted(present, labels[held])).to(device)
        rows = problem.rows(features[held])
        for place, weight in enumerate(problem.path(decays)):
            logits = rows @ weight
            right[place] += int((logits.argmax(1) == truth).sum())
            loss[place] += float(torch.nn.functional.cross_entropy(logits, truth, reduction="sum"))
        total += len(held)
    if not total:
        return (), 0
    return tuple(
        Setting(decay, float(hit / total), float(lost / total))
        for decay, hit, lost in zip(decays, right, loss, strict=True)
    ), total


def _rounds(labels: np.ndarray, folds: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of training and held-out rows, fold by fold until enough rows were held out."""
    total = 0
    for fold in np.unique(folds):
        train = np.flatnonzero(folds != fold)
        held = np.flatnonzero((folds == fold) & np.isin(labels, labels[train]))
        if total < ENOUGH and len(held) and len(np.unique(labels[train])) > 1:
            total += len(held)
            yield train, held


@dataclass(frozen=True)
class _Problem:
    """Training rows on their principal axes, with a column of ones behind them for the bias.

    Attributes:
        inputs: rows in these coordinates.
        axes: principal axes, one per column.
        spread: variance of the rows along each axis.
    """

    inputs: Float32[Tensor, "n r_and_1"]
    labels: Int64[Tensor, "n"]
    classes: int
    mean: Float[Tensor, "d"]
    std: Float[Tensor, "d"]
    axes: Float[Tensor, "d r"]
    spread: Float[Tensor, "r"]

    @classmethod
    def of(cls, features: np.ndarray, labels: np.ndarray, classes: int, device: str) -> "_Problem":
        """Standardise and turn."""
        exact = torch.from_numpy(features).to(device, torch.float64)
        mean, std = exact.mean(0), exact.std(0, correction=0) + 1e-6
        scaled = (exact - mean) / std
        if len(scaled) > scaled.shape[1]:
            spread, axes = torch.linalg.eigh(scaled.T @ scaled / len(scaled))
        else:
            _, values, rows = torch.linalg.svd(scaled, full_matrices=False)
            spread, axes = values**2 / len(scaled), rows.T
        truth = torch.from_numpy(labels).to(device)
        return cls(_with_ones(scaled @ axes), truth, classes, mean, std, axes, spread.clamp(min=0))

    def rows(self, features: np.ndarray) -> Float32[Tensor, "m r_and_1"]:
        """Other features in these coordinates."""
        exact = torch.from_numpy(features).to(self.mean)
        return _with_ones((exact - self.mean) / self.std @ self.axes)

    def path(self, decays: Sequence[float]) -> Iterator[Float32[Tensor, "r_and_1 k"]]:
        """Solutions for decays from strong to weak; each is sought from the line through the two before."""
        before = found = self.inputs.new_zeros(self.inputs.shape[1], self.classes)
        for decay in decays:
            before, found = found, self.solve(decay, 2 * found - before)
            yield found

    def solve(self, decay: float, start: Float32[Tensor, "r_and_1 k"]) -> Float32[Tensor, "r_and_1 k"]:
        """Weights of the least mean cross-entropy plus decay / 2 times their squares; the bias is not decayed."""
        from scipy.optimize import minimize

        decays = torch.cat([torch.full_like(self.spread, decay), self.spread.new_zeros(1)])[:, None]
        curvature = torch.cat([self.spread, self.spread.new_ones(1)])[:, None] / self.classes
        scale = (curvature + decays).rsqrt()
        float_scale = scale.float()
        places = torch.arange(len(self.labels), device=self.labels.device)

        def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
            scaled = torch.from_numpy(flat).to(scale).view(start.shape)
            chances = torch.log_softmax(self.inputs @ (float_scale * scaled.float()), dim=1)
            loss = -chances[places, self.labels].double().mean()
            chances.exp_()[places, self.labels] -= 1
            pull = decays * scale**2 * scaled
            slope = (self.inputs.T @ chances).double() * scale / len(places) + pull
            return float(loss + (pull * scaled).sum() / 2), slope.cpu().numpy().ravel()

        with _libraries().limit(limits=1, user_api="blas"):  # of the solver's own short vectors
            found = minimize(
                cost, (start.double() / scale).cpu().numpy().ravel(), jac=True, method="L-BFGS-B",
                options={"gtol": TOLERANCE, "ftol": 0, "maxiter": 1000, "maxcor": 10},
            )  # fmt: skip
        return (torch.from_numpy(found.x).to(scale).view(start.shape) * scale).float()

    def unfolded(self, weight: Float32[Tensor, "r_and_1 k"]) -> tuple[Tensor, Tensor]:
        """Weight ``k d`` and bias ``k`` for raw features."""
        exact = weight.double()
        own = (self.axes @ exact[:-1]).T / self.std
        return own.float().cpu(), (exact[-1] - own @ self.mean).float().cpu()


@cache
def _libraries() -> "ThreadpoolController":
    """Libraries whose threads can be set, looked for once, when the solver is loaded: to look takes longer than a small problem."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _with_ones(rows: Tensor) -> Float32[Tensor, "n r_and_1"]:
    return torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1).float()
