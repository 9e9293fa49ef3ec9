import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.backbones import BACKBONES
from muybridge.backbones.r2plus1d import Conv2Plus1, R2Plus1D, middle, tiny
from muybridge.core.features import Classifier


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(scope="module")
def full() -> R2Plus1D:
    with torch.device("meta"):
        return R2Plus1D()


@pytest.fixture(params=sorted(BACKBONES))
def small(request: pytest.FixtureRequest) -> nn.Module:
    """Every backbone of the catalogue with few channels and weights of a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = BACKBONES[request.param].load()(widths=(4, 6, 8, 10))
        for norm in made.modules():
            if isinstance(norm, nn.BatchNorm3d):
                norm.running_mean.uniform_(-0.5, 0.5)
                norm.running_var.uniform_(0.5, 2)
    return made


def clips(b: int = 3, t: int = 4, s: int = 16) -> torch.Tensor:
    return torch.rand(b, 3, t, s, s, generator=torch.Generator().manual_seed(1))


def test_parameters_of_the_full_network_are_those_of_the_benchmark(full: R2Plus1D):
    assert parameters(full) == 14_365_303
    with torch.device("meta"):
        assert parameters(Classifier(full, full.dim, 101)) == 14_417_116


def test_parameters_of_the_tiny_network():
    made = tiny()
    assert parameters(made) == 163_440
    assert made.dim == 128


def test_operations_of_the_full_network_are_those_of_the_benchmark(full: R2Plus1D):
    with FlopCounterMode(display=False) as counter:
        full(torch.zeros(1, 3, 16, 112, 112, device="meta"))
    assert counter.get_total_flops() == pytest.approx(42.724e9, rel=1e-3)


def test_maps_of_the_stages_have_the_listed_shapes(full: R2Plus1D):
    x = torch.zeros(1, 3, 16, 112, 112, device="meta")
    shapes = [tuple((x := stage(x)).shape[1:]) for stage in full.stages]
    assert shapes == [(64, 16, 56, 56), (64, 16, 56, 56), (128, 8, 28, 28), (256, 4, 14, 14), (512, 2, 7, 7)]
    features = full(torch.zeros(2, 3, 16, 112, 112, device="meta"))
    assert features.pooled.shape == (2, 512)
    assert features.maps["last"].shape == (2, 512, 2, 7, 7)


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


def test_tiny_maps_are_one_pixel_wide_after_four_strides():
    assert tiny()(torch.zeros(1, 3, 8, 32, 32)).maps["last"].shape == (1, 128, 2, 2, 2)


def test_pooled_is_the_mean_of_the_last_map(small: nn.Module):
    features = small.eval()(clips())
    last = features.maps["last"]
    assert features.pooled.shape == (3, small.dim)
    for b in range(3):
        for d in range(small.dim):
            torch.testing.assert_close(features.pooled[b, d], last[b, d].flatten().mean())


def test_a_clip_is_encoded_for_itself_in_eval_mode(small: nn.Module):
    together = small.eval()(clips()).pooled
    for i, clip in enumerate(clips()):
        torch.testing.assert_close(small(clip[None]).pooled[0], together[i], atol=1e-5, rtol=1e-4)


def test_the_network_owns_mean_and_deviation(small: nn.Module):
    x = clips()
    torch.testing.assert_close(small.eval()(x).maps["last"], small.stages((x - 0.45) / 0.225))
    assert {"mean", "std"} <= set(small.state_dict())


def test_one_frame_is_enough(small: nn.Module):
    assert torch.isfinite(small.eval()(clips(t=1)).pooled).all()


def test_the_gradient_reaches_every_parameter(small: nn.Module):
    small.train()(clips()).pooled.square().sum().backward()
    without = [name for name, p in small.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


def test_the_order_of_the_frames_matters(small: nn.Module):
    forward, backward = (small.double().eval()(x.double()).pooled for x in (clips(t=8), clips(t=8).flip(2)))
    assert (forward - backward).abs().max() > 1e-8  # a network blind to the order gives the same to 1e-15


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_weights_round_trip(name: str):
    make = BACKBONES[name].load()
    first, second = make(widths=(4, 4, 4, 4)).eval(), make(widths=(4, 4, 4, 4)).eval()
    x = clips(b=1)
    assert not torch.equal(first(x).pooled, second(x).pooled)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x).pooled, second(x).pooled)
