import pytest
import torch
from torch import nn

from muybridge.backbones import build
from muybridge.core.networks.features import Classifier, Features, capture


class Twin(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, str]:
        return x + 1, "more"


class Empty(nn.Module):
    def forward(self, x: torch.Tensor) -> Features:
        return Features(x)


@pytest.fixture
def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), Twin()))


def test_captured_are_the_outputs_of_the_named_layers(network: nn.Sequential):
    x = torch.rand(2, 3)
    with capture(network, ["0", "1.0"]) as seen:
        assert seen == {}
        network(x)
    first = network[0](x)
    torch.testing.assert_close(seen, {"0": first, "1.0": first.tanh()})


def test_the_first_of_a_tuple_is_taken_and_gradients_flow(network: nn.Sequential):
    with capture(network, ["1.1"]) as seen:
        network(torch.rand(2, 3))
    seen["1.1"].sum().backward()
    assert network[0].weight.grad.any()


def test_a_second_pass_replaces_the_first_and_the_hooks_go_with_the_block(network: nn.Sequential):
    x, y = torch.rand(2, 3), torch.rand(5, 3)
    with capture(network, ["0"]) as seen:
        network(x)
        network(y)
    network(x)
    torch.testing.assert_close(seen["0"], network[0](y))


def test_the_hooks_go_with_an_error_too(network: nn.Sequential):
    with pytest.raises(RuntimeError), capture(network, ["0"]):
        raise RuntimeError
    with pytest.raises(ValueError, match=r"nearest is"), capture(network, ["0", "O"]):
        pass
    assert not any(module._forward_hooks for module in network.modules())


def test_a_layer_without_a_tensor_is_named():
    network = nn.Sequential(Empty())
    with pytest.raises(ValueError, match=r"'0'.*Features"), capture(network, ["0"]):
        network(torch.rand(1, 2))


def test_the_classifier_is_linear_in_the_pooled_feature():
    class Pixels(nn.Module):
        def forward(self, x: torch.Tensor) -> Features:
            return Features(x.flatten(1))

    model = Classifier(Pixels(), 6, 3)
    x = torch.rand(4, 3, 1, 1, 2)
    torch.testing.assert_close(model(x), x.flatten(1) @ model.head.weight.T + model.head.bias)


@pytest.mark.parametrize("name", ["c3d", "r3d", "r2plus1d", "shufflenet", "mobilenet", "squeezenet"])
def test_what_is_captured_is_what_fired_though_the_next_module_works_in_place(name: str):
    """Against copies taken the moment a module fires; the six networks have a ReLU in place behind their norms."""
    network = build(f"{name}-tiny").eval()
    frames = torch.rand(1, 3, 8, 32, 32, generator=torch.Generator().manual_seed(0))
    modules = {
        path: module
        for path, module in network.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
    }
    fired: dict[str, torch.Tensor] = {}
    handles = [
        module.register_forward_hook(lambda _, __, out, path=path: fired.__setitem__(path, out.clone()))
        for path, module in modules.items()
    ]
    pooled = network(frames).pooled
    for handle in handles:
        handle.remove()
    with capture(network, modules) as seen:
        torch.testing.assert_close(network(frames).pooled, pooled, rtol=0, atol=0)
    torch.testing.assert_close(seen, fired, rtol=0, atol=0)
    assert any((out < 0).any() for out in seen.values()), "a ReLU would have left nothing below zero"
    assert any(getattr(module, "inplace", False) for module in network.modules()), "given back afterwards"
