import math
from itertools import pairwise

import pytest
import torch
from small import learner
from torch import nn

from muybridge.train.optim import clip_gradient, cosine, optimiser, set_lr, stepped


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0), (55, 0.5), (40, 0.75), (70, 0.25), (100, 0.0)],
)
def test_cosine_after_a_linear_warm_up_of_a_tenth(step: int, factor: float):
    assert cosine(step, 100, 0.1) == pytest.approx(factor)


def test_the_schedule_rises_then_falls_without_a_jump():
    factors = [cosine(step, 50, 0.2) for step in range(50)]
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert max(abs(a - b) for a, b in pairwise(factors)) <= 0.1 + 1e-9
    assert 0 < factors[-1] < 0.01


@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_short_runs_have_a_learning_rate_at_every_step(steps: int, warmup: float):
    assert all(0 < cosine(step, steps, warmup) <= 1 for step in range(steps))
    assert cosine(0, steps, 0.0) == 1


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_biases_and_norms_are_not_decayed(name):
    module = learner()
    before = {key: p.detach().clone() for key, p in module.named_parameters()}
    optim = optimiser(module, name, lr=0.1, weight_decay=0.5)
    for p in module.parameters():
        p.grad = torch.zeros_like(p)
    optim.step()
    for key, p in module.named_parameters():
        torch.testing.assert_close(p.data, before[key] * (0.95 if p.ndim > 1 else 1.0), msg=key)
    assert sum(len(group["params"]) for group in optim.param_groups) == len(before)


def test_frozen_parameters_are_left_out():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[0].requires_grad_(False)
    optim = optimiser(module, "sgd", 0.1, 0.1)
    assert {id(p) for group in optim.param_groups for p in group["params"]} == {
        id(p) for p in module[1].parameters()
    }


def test_sgd_has_momentum():
    p = nn.Linear(1, 1, bias=False)
    optim = optimiser(p, "sgd", lr=1.0, weight_decay=0.0)
    start = p.weight.item()
    for _ in range(2):
        p.weight.grad = torch.ones(1, 1)
        optim.step()
    assert p.weight.item() == pytest.approx(start - 1 - 1.9)


def test_the_learning_rate_is_set_in_every_group():
    optim = optimiser(learner(), "adamw", 0.1, 0.1)
    set_lr(optim, 0.025)
    assert [group["lr"] for group in optim.param_groups] == [0.025, 0.025]


@pytest.mark.parametrize(("limit", "scale"), [(2.5, 0.5), (10.0, 1.0)])
def test_gradients_are_scaled_to_the_limit_and_the_norm_before_is_told(limit: float, scale: float):
    first, second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(2))
    first.grad, second.grad = torch.tensor([3.0]), torch.tensor([0.0, 4.0])
    assert clip_gradient(iter([first, second]), limit) == pytest.approx(math.hypot(3, 4))
    torch.testing.assert_close(first.grad, torch.tensor([3.0 * scale]), rtol=1e-5, atol=0)
    torch.testing.assert_close(second.grad, torch.tensor([0.0, 4.0 * scale]), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("epochs", "milestones"), [(16, (6, 10, 14)), (20, (10, 15, 18)), (5, ()), (4, (2, 9))]
)
@pytest.mark.parametrize("per_epoch", [1, 3, 7])
def test_steps_are_those_of_torch_s_own_scheduler(epochs: int, milestones: tuple[int, ...], per_epoch: int):
    optim = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    peer = torch.optim.lr_scheduler.MultiStepLR(optim, list(milestones), gamma=0.3)
    shares = [milestone / epochs for milestone in milestones]
    for epoch in range(epochs):
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            assert stepped(step, epochs * per_epoch, 0.0, shares, 0.3) == pytest.approx(peer.get_last_lr()[0])
        optim.step()
        peer.step()


def test_steps_follow_the_warm_up():
    factors = [stepped(step, 100, 0.1, (0.5,), 0.1) for step in range(100)]
    assert factors[:10] == [cosine(step, 100, 0.1) for step in range(10)]
    assert factors[10:50] == [1.0] * 40
    assert factors[50:] == [0.1] * 50
