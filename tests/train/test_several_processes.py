"""Several tasks in two processes: weightings stay equal on both, and weights are those of one process."""

from pathlib import Path
from typing import Any

import pytest
import torch
from alike import spawn
from several import several, train, weighted_by

from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import rank
from muybridge.train import distributed

ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "meltr": ("meltr", {"mode": "faithful", "every": 2}),
    "safe": ("meltr", {"mode": "safe", "every": 2}),
    "gradnorm": ("gradnorm", {}),
    "pcgrad": ("pcgrad", {}),
    "famo": ("famo", {}),
}
TASKS = ("vcop", "rspnet")


def trained(arm: str, folder: Path) -> dict[str, Any]:
    module = several(*TASKS)
    name, options = ARMS[arm]
    weighting = weighted_by(name, module, **options)
    train(module, folder, weighting, steps=4)
    return {
        "weights": {k: v.clone() for k, v in module.named_parameters()},
        "learnt": weighting.snapshot()["module"],
    }


def work(folder: Path) -> None:
    """Train every arm in this process beside the other one, and leave what came of it in a file."""
    distributed.start(torch.device("cpu"))
    found = {arm: trained(arm, folder / arm) for arm in ARMS}
    module = several(*TASKS)
    try:
        weighted_by("meltr", module, mode="corrected")
    except UsageError as error:
        found["refused"] = {"words": str(error)}
    torch.save(found, folder / f"{rank()}.pt")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], Path]:
    pytest.importorskip("torchjd")
    folder = tmp_path_factory.mktemp("several")
    spawn(work, 2, folder)
    one, other = (torch.load(folder / f"{number}.pt", weights_only=True) for number in (0, 1))
    return one, other, folder


def flat(value: Any) -> list[torch.Tensor]:
    """All tensors of nested content."""
    if isinstance(value, dict):
        return [tensor for one in value.values() for tensor in flat(one)]
    return [value] if isinstance(value, torch.Tensor) else []


@pytest.mark.parametrize("arm", ARMS)
def test_both_processes_hold_the_same_bits(arm: str, found: Any):
    one, other = (flat(each[arm]) for each in found[:2])
    assert len(one) == len(other) > 10
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("arm", ARMS)
def test_two_processes_learn_what_one_learns(arm: str, found: Any, tmp_path: Path):
    """To rounding, which batch norm and Adam blow up; the weights themselves moved a hundred times as far."""
    alone = trained(arm, tmp_path)["weights"]
    start = dict(several(*TASKS).named_parameters())
    apart = max(
        float((found[0][arm]["weights"][k].detach() - v.detach()).abs().mean()) for k, v in alone.items()
    )
    moved = max(float((start[k].detach() - v.detach()).abs().mean()) for k, v in alone.items())
    assert apart < 0.05 * moved


def test_second_derivatives_over_processes_are_refused_with_the_way_out(found: Any):
    assert "hypergradient=one-step or identity, or one process" in found[0]["refused"]["words"]
