"""The quirks of single networks, and their parts against slow and obvious references."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from muybridge.backbones.networks.mobilenet import InvertedResidual
from muybridge.backbones.networks.shufflenet import ShuffleNet, Unit
from muybridge.backbones.networks.squeezenet import Fire, SqueezeNet


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def shufflenet() -> ShuffleNet:
    with torch.device("meta"):
        return ShuffleNet()


def units(network: nn.Module) -> list[Unit]:
    return [module for module in network.modules() if isinstance(module, Unit)]


def test_parameters_without_projection(shufflenet: ShuffleNet):
    assert sum(p.numel() for p in shufflenet.stages.parameters()) == 3_606_288
    with torch.device("meta"):
        assert sum(p.numel() for p in SqueezeNet().parameters()) == 1_837_760


def test_the_first_unit_stays_grouped_at_this_width(shufflenet: ShuffleNet):
    assert units(shufflenet)[0].branch[0].groups == 3
    assert Unit(24, 240, (2, 2, 2), 3).branch[0].groups == 1


def test_units_per_stage_and_channels_of_the_strided_branch(shufflenet: ShuffleNet):
    assert [len(stage) for stage in shufflenet.stages[1:]] == [4, 8, 4]
    strided = [unit.branch[-2].out_channels for unit in units(shufflenet) if not unit.adds]
    assert strided == [480 - 48, 960 - 480, 1920 - 960]


def test_the_shuffle_deals_the_groups_out_in_turn(shufflenet: ShuffleNet):
    x = drawn(2, 12, 2, 3, 3)
    dealt = [group * 4 + place for place in range(4) for group in range(3)]
    torch.testing.assert_close(units(shufflenet)[0].branch[3](x), x[:, dealt])


@pytest.mark.parametrize(("t", "s"), [(8, 14), (2, 7), (4, 5)])
def test_the_strided_shortcut_is_the_average_pool_of_the_reference(t: int, s: int):
    unit, x = Unit(12, 48, (2, 2, 2), 3).eval(), drawn(2, 12, t, s, s)
    whole = F.avg_pool3d(x, (2, 3, 3), 2, (0, 1, 1))
    torch.testing.assert_close(unit(x)[:, :12], F.relu(whole))
    torch.testing.assert_close(unit(x)[:, 12:], F.relu(unit.branch(x)))


def test_a_last_odd_frame_is_pooled_alone():
    x = drawn(1, 12, 3, 4, 4)
    pooled = Unit(12, 48, (2, 2, 2), 3).eval()(x)[:, :12]
    torch.testing.assert_close(pooled[:, :, 1], F.relu(F.avg_pool2d(x[:, :, 2], 3, 2, 1)))


def test_units_of_stride_one_add():
    unit, x = Unit(48, 48, (1, 1, 1), 3).eval(), drawn(2, 48, 2, 4, 4)
    torch.testing.assert_close(unit(x), F.relu(x + unit.branch(x)))


def test_fire_modules_concatenate_then_add_then_rectify():
    fire, x = Fire(16, 4, 16).eval(), drawn(2, 16, 2, 4, 4)
    squeezed = F.relu(fire.squeeze[1](fire.squeeze[0](x)))
    both = torch.cat([fire.expand1(squeezed), fire.expand3(squeezed)], dim=1)
    torch.testing.assert_close(fire(x), F.relu(both + x))
    assert not Fire(8, 4, 16).adds


@pytest.mark.parametrize(
    ("inputs", "stride", "adds"), [(8, (1, 1, 1), True), (8, (1, 2, 2), False), (6, (1, 1, 1), False)]
)
def test_inverted_residuals_add_where_the_shape_stays(inputs: int, stride: tuple[int, int, int], adds: bool):
    block, x = InvertedResidual(inputs, 8, stride, 6).eval(), drawn(2, inputs, 2, 4, 4)
    y = block.branch(x)
    torch.testing.assert_close(block(x), x + y if adds else y)
    assert block.branch[0].out_channels == 6 * inputs
    assert not any(isinstance(module, nn.ReLU6) for module in block.branch[-2:])
