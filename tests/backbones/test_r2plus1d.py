import pytest
import torch
from torch import nn

from muybridge.backbones.networks.r2plus1d import Conv2Plus1, R2Plus1D, middle, tiny
from muybridge.backbones.networks.r3d import R3D

GOLDEN = torch.tensor([1.3849742e-04, 3.4938447e-04, 1.4148301e-05])


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(scope="module")
def full() -> R2Plus1D:
    with torch.device("meta"):
        return R2Plus1D()


def test_parameters_of_the_backbones_alone(full: R2Plus1D):
    assert parameters(full) == 14_365_303
    assert parameters(tiny()) == 163_440
    with torch.device("meta"):
        assert parameters(R3D()) == 14_361_792


def test_widths_between_the_halves_are_the_listed_ones(full: R2Plus1D):
    widths = [m[0].out_channels for m in full.modules() if isinstance(m, Conv2Plus1)]
    stem_and_stages = {83, 144, 42, 230, 288, 85, 460, 576, 170, 921, 1152}
    assert set(widths) == stem_and_stages
    assert widths[:3] == [83, 144, 144]


@pytest.mark.parametrize(
    ("kernel", "inputs", "outputs"), [((3, 3, 3), 64, 128), ((3, 7, 7), 3, 64), ((1, 1, 1), 64, 128)]
)
def test_the_width_rule_keeps_the_count_of_the_full_convolution(kernel, inputs, outputs):
    def factored(width: int) -> int:
        halves = Conv2Plus1(inputs, outputs, kernel, (1, 1, 1), between=width)
        return parameters(halves[0]) + parameters(halves[3])

    whole = parameters(nn.Conv3d(inputs, outputs, kernel, bias=False))
    width = middle(kernel, inputs, outputs)
    assert factored(width) <= whole < factored(width + 1)


def test_weights_of_a_seed_have_not_moved():
    """Runs of the first release can be loaded and repeated: same names, same draws."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = tiny()
    assert list(made.state_dict())[:2] == ["mean", "std"]
    assert "stages.0.3.weight" in made.state_dict()
    x = torch.linspace(0, 1, 3 * 8 * 32 * 32).view(1, 3, 8, 32, 32)
    torch.testing.assert_close(made.eval()(x).pooled[0, :3], GOLDEN, atol=1e-8, rtol=1e-3)


def test_r3d_is_r2plus1d_with_whole_convolutions(full: R2Plus1D):
    with torch.device("meta"):
        other = R3D()
    assert [type(stage) for stage in other.stages] == [type(stage) for stage in full.stages]
    assert not any(isinstance(module, Conv2Plus1) for module in other.modules())
