"""Several processes train as one process with the same global batch.

Compared in float64, where rounding leaves no doubt: float32 differs by its rounding, which training blows up (docs/distributed.md).
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from alike import OBJECTIVES, TINY, run, spawn
from small import learner, recipe, train
from torch import nn

from muybridge.core.networks.gather import rank
from muybridge.objectives.contrastive.contrast import Queue, in_groups
from muybridge.train import distributed
from muybridge.train.distributed import rank_rows
from muybridge.train.synchronised import GlobalDropout, GlobalNorm, synchronise

QUICK = {"steps": 3, "videos": 7, "double": True}
"""Seven videos: the parts of two and of three processes are unequal."""
TASKS = ("supervised", "vcop", "cvrl", "rspnet")


def work(names: tuple[str, ...], folder: Path, how: dict[str, Any]) -> None:
    """Train under every objective and leave what came of it."""
    for name in names:
        torch.save(run(name, folder / name, **how), folder / f"{name}-{rank()}.pt")


def layers(folder: Path) -> None:
    """What the layers and the queue of each process do with its rows of the batch below."""
    rows = rank_rows(7)
    found: dict[str, Any] = {"rows": [rows.start, rows.stop]}
    norm, x = synchronise(nn.Sequential(normed())), batch()[rows].requires_grad_()
    (norm(x) * batch(1)[rows]).sum().backward()
    found["norm"] = {
        "out": norm(x).detach(),
        "x": x.grad,
        **{k: p.grad for k, p in norm[0].named_parameters()},
    }
    found["running"] = dict(norm[0].named_buffers())
    torch.manual_seed(3)
    found["dropout"] = GlobalDropout(0.3)(batch()[rows])
    queue = ringed()
    queue.push(batch().flatten(1)[rows])
    found["queue"] = dict(queue.named_buffers())
    found["keys"] = in_groups(synchronise(nn.Sequential(plain())), batch()[rows], order()[rows], 2)
    torch.save(found, folder / f"{rank()}.pt")


def batch(seed: int = 0) -> torch.Tensor:
    return 1 + torch.randn(7, 3, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def order() -> torch.Tensor:
    return torch.tensor([4, 0, 6, 1, 5, 3, 2])


def normed() -> nn.BatchNorm3d:
    """Batch norm with weights of its own."""
    made = nn.BatchNorm3d(3).double()
    nn.init.normal_(made.weight, generator=torch.Generator().manual_seed(5))
    return made


def plain() -> nn.BatchNorm3d:
    return nn.BatchNorm3d(3).double()


def ringed() -> Queue:
    """A queue about to begin anew."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        queue = Queue(10, 24)
    queue.place.fill_(6)
    return queue


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes have trained a few steps under every objective."""
    folder = tmp_path_factory.mktemp("quick")
    spawn(work, 2, tuple(OBJECTIVES), folder, QUICK)
    return folder


@pytest.fixture(scope="module", params=[2, 3])
def split(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the layers of each process did."""
    folder = tmp_path_factory.mktemp("layers")
    spawn(layers, request.param, folder)
    return [torch.load(folder / f"{number}.pt", weights_only=True) for number in range(request.param)]


def assert_same(folder: Path, name: str, processes: int, alone: dict[str, Any], within: float) -> None:
    """Losses, operations and everything learnt; the same bits on all processes."""
    found = [torch.load(folder / f"{name}-{number}.pt", weights_only=True) for number in range(processes)]
    assert len(set(alone["losses"])) == len(alone["losses"])
    for each in found:
        assert each["losses"] == pytest.approx(alone["losses"], abs=within, rel=0)
        assert each["flops"] == alone["flops"]
        assert each["state"].keys() == alone["state"].keys()
        for key, value in each["state"].items():
            assert torch.equal(value, found[0]["state"][key]), f"{key} differs between the processes"
            torch.testing.assert_close(value, alone["state"][key], atol=within, rtol=0, msg=key)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_two_processes_learn_what_one_learns(name: str, quick: Path, tmp_path: Path):
    assert_same(quick, name, 2, run(name, tmp_path, **QUICK), within=1e-7)


@pytest.mark.slow
def test_three_processes_learn_what_one_learns(tmp_path: Path):
    spawn(work, 3, TASKS, tmp_path, QUICK)
    for name in TASKS:
        assert_same(tmp_path, name, 3, run(name, tmp_path / "alone" / name, **QUICK), within=1e-7)


@pytest.mark.slow
def test_twenty_steps_at_full_learning_rate_agree(tmp_path: Path):
    how = {"shape": TINY, "double": True}
    spawn(work, 2, tuple(OBJECTIVES), tmp_path, how)
    for name in OBJECTIVES:
        assert_same(tmp_path, name, 2, run(name, tmp_path / "alone" / name, **how), within=1e-5)


@pytest.mark.slow
def test_twenty_steps_in_float32_agree_where_rounding_is_not_blown_up(tmp_path: Path):
    how = {"shape": TINY, "how": {"lr": 1e-5}}
    spawn(work, 2, TASKS, tmp_path, how)
    for name in TASKS:
        alone = run(name, tmp_path / "alone" / name, **how, own_norm=True)["losses"]
        both = torch.load(tmp_path / f"{name}-0.pt", weights_only=True)["losses"]
        assert both == pytest.approx(alone, abs=1e-5, rel=0), name


def resumed(folder: Path) -> None:
    """Six steps in one go, and in two."""
    train(learner("rspnet"), folder / "whole", recipe(6), videos=7)
    for stop in (3, 6):
        train(learner("rspnet"), folder / "parts", recipe(6), videos=7, stop_after=stop)
        distributed.barrier()


@pytest.mark.slow
def test_three_processes_that_go_on_end_with_the_same_bits(tmp_path: Path):
    spawn(resumed, 3, tmp_path)
    whole, parts = (
        torch.load(tmp_path / name / "state" / "last.pt", weights_only=True)["learner"]
        for name in ("whole", "parts")
    )
    for key, value in whole.items():
        assert torch.equal(value, parts[key]), key


@pytest.mark.slow
def test_two_processes_are_as_near_to_float64_as_one_process_is(tmp_path: Path):
    how = {"shape": TINY, "steps": 1}
    spawn(work, 2, TASKS, tmp_path, how)
    for name in TASKS:
        exact = run(name, tmp_path / "exact" / name, **how, double=True)["losses"][0]
        alone = run(name, tmp_path / "alone" / name, **how)["losses"][0]
        (both,) = torch.load(tmp_path / f"{name}-0.pt", weights_only=True)["losses"]
        assert abs(both - exact) <= max(1e-5, abs(alone - exact)), name


def test_batch_norm_over_all_processes_is_that_of_one(split):
    norm, x = normed(), batch().requires_grad_()
    (norm(x) * batch(1)).sum().backward()
    whole = {name: torch.cat([each["norm"][name] for each in split]) for name in ("out", "x")}
    torch.testing.assert_close(whole["x"], x.grad)
    torch.testing.assert_close(whole["out"], norm(x))
    for name, weight in norm.named_parameters():
        torch.testing.assert_close(sum(each["norm"][name] for each in split), weight.grad, msg=name)
    for each in split:
        for name, value in norm.named_buffers():
            torch.testing.assert_close(each["running"][name], value, msg=name)


def test_dropout_is_that_of_the_rows_of_one_process(split):
    torch.manual_seed(3)
    whole = nn.functional.dropout(batch(), 0.3)
    torch.testing.assert_close(torch.cat([each["dropout"] for each in split]), whole)


def test_queues_hold_the_keys_of_all_processes_in_the_order_of_the_batch(split):
    queue = ringed()
    queue.push(batch().flatten(1))
    for each in split:
        assert torch.equal(each["queue"]["keys"], queue.keys)
        assert each["queue"]["place"] == queue.place == 3


def test_keys_are_normalised_in_the_sub_batches_of_one_process(split):
    whole = in_groups(plain(), batch(), order(), 2)
    torch.testing.assert_close(torch.cat([each["keys"] for each in split]), whole)


def test_batch_norm_without_a_group_is_batch_norm():
    norm, own, x = normed(), normed(), batch()
    synchronise(nn.Sequential(own))
    assert isinstance(own, GlobalNorm)
    torch.testing.assert_close(own(x), norm(x))
    torch.testing.assert_close(own.eval()(x), norm.eval()(x))
    with pytest.raises(ValueError, match="one value per channel"):
        own.train()(x[:1, :, :1, :1, :1])
