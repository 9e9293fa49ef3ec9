import pytest
import torch
from torch import nn

from muybridge.core.networks.ema import follow, momentum_copy


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_a_copy_is_equal_takes_no_gradient_and_is_its_own() -> None:
    source = network(0)
    copy = momentum_copy(source)
    assert all(torch.equal(a, b) for a, b in zip(copy.parameters(), source.parameters(), strict=True))
    assert not any(p.requires_grad for p in copy.parameters())
    assert all(p.requires_grad for p in source.parameters())
    source[0].weight.data.zero_()
    assert copy[0].weight.any()


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.999])
def test_a_copy_is_the_exponential_average_of_all_weights_so_far(momentum: float) -> None:
    source = network(0)
    copy = momentum_copy(source)
    expected = source[0].weight.detach().double().clone()
    for seed in range(1, 30):
        source.load_state_dict(network(seed).state_dict())
        follow(copy, source, momentum)
        expected = momentum * expected + (1 - momentum) * source[0].weight.double()
    torch.testing.assert_close(copy[0].weight.double(), expected, atol=1e-6, rtol=1e-6)


def test_running_statistics_stay_the_copys_own() -> None:
    source = network(0)
    copy = momentum_copy(source)
    source(torch.randn(8, 3))
    follow(copy, source, 0.5)
    assert torch.equal(copy[1].running_mean, torch.zeros(4))
