"""Operations of training, against counts made by hand from the shapes that layers see."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from muybridge.backbones import BACKBONES, build
from muybridge.train.flops import flop_counter

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
OWN = [name for name in BACKBONES if ":" not in name]


@contextmanager
def by_hand(module: nn.Module) -> Iterator[dict[str, int]]:
    """Operations of convolutions and linear layers, forward and backward, from shapes seen by hooks."""
    counted = {"forward": 0, "backward": 0}

    def note(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        weight = layer.weight
        if isinstance(layer, nn.Linear):
            once = 2 * given[0].numel() // layer.in_features * weight.numel()
        else:
            walked = given[0] if "Transpose" in type(layer).__name__ else out
            once = 2 * len(given[0]) * math.prod(walked.shape[2:]) * weight.numel()
        counted["forward"] += once
        counted["backward"] += once * (int(given[0].requires_grad) + int(weight.requires_grad))

    handles = [
        layer.register_forward_hook(note)
        for layer in module.modules()
        if isinstance(layer, (*CONVOLUTIONS, nn.Linear))
    ]
    yield counted
    for handle in handles:
        handle.remove()


def backward(loss: Tensor) -> int:
    with flop_counter() as counter:
        loss.backward()
    return int(counter.get_total_flops())


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize(
    "more", [{}, {"stride": 2}, {"padding": 1}, {"stride": 2, "padding": 1, "dilation": 2}, {"bias": False}]
)
def test_convolutions(kind: type, groups: int, more: dict):
    layer = kind(8, 16, 3, groups=groups, **more)
    dims = int(kind.__name__[-2])
    for wants_input in (True, False):
        frames = torch.zeros(2, 8, *(11, 9, 10)[:dims], requires_grad=wants_input)
        with by_hand(layer) as counted:
            out = layer(frames)
        assert backward(out.sum()) == counted["backward"] == (1 + wants_input) * counted["forward"]


def test_a_depthwise_layer_costs_as_many_times_less_as_it_has_channels():
    frames = torch.zeros(1, 32, 4, 8, 8, requires_grad=True)
    cost = {groups: backward(nn.Conv3d(32, 32, 3, groups=groups)(frames).sum()) for groups in (1, 32)}
    assert cost[1] == 32 * cost[32]


def test_frozen_weights_are_not_counted():
    layer = nn.Conv3d(4, 4, 3).requires_grad_(False)
    frames = torch.zeros(1, 4, 5, 5, 5, requires_grad=True)
    assert backward(layer(frames).sum()) == 2 * 27 * 27 * 16


@pytest.mark.parametrize("name", OWN)
def test_every_backbone_costs_twice_its_forward_pass_backward(name: str):
    """Exactly the hand count for convolutional networks; for attention, which has no weights, twice what it costs forward."""
    torch.manual_seed(0)
    with torch.device("meta"):
        network = build(name).train()
        frames = torch.zeros(2, 3, 16, 112, 112)
    with by_hand(network) as counted, flop_counter() as forward:
        out = network(frames).pooled
    spent, first = backward(out.sum()), int(forward.get_total_flops())
    attention = first - counted["forward"]
    assert attention >= 0
    if "vit" not in name:
        assert attention == 0
    assert spent == counted["backward"] + 2 * attention
    assert first < spent <= 2 * first  # the first layer has no gradient to hand on
