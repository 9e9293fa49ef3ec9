"""What holds for every own backbone of the catalogue."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.backbones import BACKBONES, build, check_clip, check_name
from muybridge.backbones.networks.frame_average import FrameAverage
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Classifier, capture

OWN = sorted(name for name in BACKBONES if ":" not in name)
TINY = [name for name in OWN if name.endswith("-tiny")]
BENCHMARK = {
    "shufflenet": (4_641_653, 1.027),
    "mobilenet": (3_061_733, 1.037),
    "squeezenet": (1_889_573, 1.797),
    "c3d": (27_713_253, 76.993),
    "r3d": (14_413_605, 39.775),
    "r2plus1d": (14_417_116, 42.724),
}
MAPS = {
    "shufflenet": [(48, 8, 28, 28), (480, 4, 14, 14), (960, 2, 7, 7), (1920, 1, 4, 4)],
    "mobilenet": [(32, 16, 56, 56), (16, 16, 56, 56), (24, 8, 28, 28), (32, 4, 14, 14), (64, 2, 7, 7), (96, 2, 7, 7),
                  (160, 1, 4, 4), (320, 1, 4, 4), (1280, 1, 4, 4)],
    "squeezenet": [(64, 16, 56, 56), (128, 8, 28, 28), (256, 4, 14, 14), (384, 2, 7, 7), (512, 1, 4, 4)],
    "c3d": [(64, 16, 112, 112), (128, 16, 56, 56), (256, 8, 28, 28), (512, 4, 14, 14), (512, 2, 7, 7)],
    "r3d": [(64, 16, 56, 56), (64, 16, 56, 56), (128, 8, 28, 28), (256, 4, 14, 14), (512, 2, 7, 7)],
    "r2plus1d": [(64, 16, 56, 56), (64, 16, 56, 56), (128, 8, 28, 28), (256, 4, 14, 14), (512, 2, 7, 7)],
    "i3d": [(64, 8, 56, 56), (192, 8, 28, 28), (480, 8, 14, 14), (832, 4, 7, 7), (1024, 2, 4, 4)],
}  # fmt: skip


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def on_meta(name: str) -> nn.Module:
    with torch.device("meta"):
        return build(name)


def made(name: str) -> nn.Module:
    """Weights of a fixed seed, running statistics that are not those of the start."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build(name)
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm3d):
                norm.running_mean.uniform_(-0.5, 0.5)
                norm.running_var.uniform_(0.5, 2)
    return network


def clips(b: int = 3, t: int = 8, s: int = 32) -> torch.Tensor:
    return torch.rand(b, 3, t, s, s, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=OWN)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=OWN)
def network(request: pytest.FixtureRequest) -> nn.Module:
    """Each backbone once for all tests that only look at it, in eval mode."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "vit":  # 144 decompositions, half a minute, for a start that vit-tiny has too
            patch.setattr("muybridge.backbones.networks.vit.attract", lambda *_: None)
        return made(request.param).eval()


@pytest.fixture(params=TINY)
def tiny(request: pytest.FixtureRequest) -> nn.Module:
    return made(request.param)


def test_parameters_and_operations_are_those_of_the_catalogue(name: str):
    facts = BACKBONES[name].facts
    network = on_meta(name)
    with torch.device("meta"):
        assert parameters(Classifier(network, network.dim, 101)) == facts["params"]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        features = network(torch.zeros(1, 3, 16, 112, 112, device="meta"))
    channels = features.maps["last"].shape[1]
    original = 2 * 101 * channels
    if name == "squeezenet":  # its own classifier is a convolution over the last map
        original *= features.maps["last"][0, 0].numel()
    projection = 2 * 512 * channels if channels != network.dim and name in BENCHMARK else 0
    if name.endswith("-tiny") and channels != network.dim:
        original = 2 * 101 * network.dim
    assert round((counter.get_total_flops() - projection + original) / 1e9, 3) == facts["gflops"]


@pytest.mark.parametrize("name", BENCHMARK)
def test_the_catalogue_says_what_the_benchmark_says(name: str):
    facts = BACKBONES[name].facts
    assert (facts["params"], facts["gflops"]) == (
        BENCHMARK[name][0],
        pytest.approx(BENCHMARK[name][1], rel=1e-3),
    )


def test_groups():
    groups = {
        group: {n for n in BACKBONES if BACKBONES[n].facts["group"] == group}
        for group in ("small", "medium", "tiny")
    }
    assert groups["small"] == {"shufflenet", "mobilenet", "squeezenet"}
    assert groups["medium"] == {"c3d", "r3d", "r2plus1d", "i3d"}
    assert groups["tiny"] == set(TINY)


@pytest.mark.parametrize("name", MAPS)
def test_maps_of_the_stages_have_the_listed_shapes(name: str):
    network = on_meta(name)
    with capture(network, network.layers) as seen:
        features = network(torch.zeros(2, 3, 16, 112, 112, device="meta"))
    assert [tuple(seen[layer].shape[1:]) for layer in network.layers] == MAPS[name]
    assert features.maps["last"].shape[1:] == MAPS[name][-1]
    assert features.pooled.shape == (2, network.dim)


def test_captured_layers_are_in_order_and_the_last_one_ends_in_the_map(network: nn.Module):
    assert len(network.layers) >= 3
    with capture(network, network.layers) as seen, torch.no_grad():
        features = network(clips(b=1))
    assert tuple(seen) == network.layers
    if not hasattr(network, "tube"):  # the map of a transformer is normalised behind its last block
        torch.testing.assert_close(seen[network.layers[-1]], features.maps["last"])


def test_nothing_behind_a_captured_layer_changes_it(network: nn.Module):
    copies = {}
    hooks = [
        network.get_submodule(layer).register_forward_hook(
            lambda _, __, output, layer=layer: copies.__setitem__(layer, output.clone())
        )
        for layer in network.layers
    ]
    with capture(network, network.layers) as seen, torch.no_grad():
        network(clips(b=1))
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(seen, copies, rtol=0, atol=0)


def test_pooled_is_the_mean_of_the_last_map_or_its_projection(network: nn.Module):
    with torch.no_grad():
        features = network(clips(b=2))
    mean = torch.stack([one.flatten(1).mean(dim=1) for one in features.maps["last"]])
    projection = getattr(network, "projection", nn.Identity())
    torch.testing.assert_close(features.pooled, projection(mean), atol=1e-5, rtol=1e-4)


def test_the_full_networks_have_a_512_d_feature():
    assert {on_meta(name).dim for name in BENCHMARK} == {512}


def test_no_dropout_is_inside(name: str):
    assert not any(isinstance(module, nn.modules.dropout._DropoutNd) for module in on_meta(name).modules())


def test_a_clip_is_encoded_for_itself_in_eval_mode(tiny: nn.Module):
    together = tiny.eval()(clips()).pooled
    for i, clip in enumerate(clips()):
        torch.testing.assert_close(tiny(clip[None]).pooled[0], together[i], atol=1e-5, rtol=1e-4)


def test_the_last_map_of_a_tiny_clip_has_two_frames_and_pixels_at_least(tiny: nn.Module):
    assert min(tiny(clips()).maps["last"].shape[2:]) >= 2


def test_the_network_owns_mean_and_deviation(tiny: nn.Module):
    plain = clips()
    before = tiny.eval()(plain).pooled
    mean, std = tiny.mean.clone(), tiny.std.clone()
    tiny.mean.zero_()
    tiny.std.fill_(1)
    torch.testing.assert_close(tiny((plain - mean) / std).pooled, before, atol=1e-5, rtol=1e-4)
    assert {"mean", "std"} <= set(tiny.state_dict())


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 7, 16])
def test_every_number_of_frames_will_do(name: str, frames: int):
    network = on_meta(name).eval()
    if hasattr(network, "tube") and frames % network.tube[0]:
        pytest.skip("tokens are two frames long")
    features = network(torch.zeros(1, 3, frames, 64, 64, device="meta"))
    assert features.pooled.shape == (1, network.dim)
    assert min(features.maps["last"].shape) >= 1


def test_the_gradient_reaches_every_parameter(tiny: nn.Module):
    features = tiny.train()(clips(b=4))
    (features.pooled.square().sum() + features.maps["last"].square().sum()).backward()
    without = [name for name, p in tiny.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


def test_the_order_of_the_frames_matters(tiny: nn.Module):
    if isinstance(tiny, FrameAverage):
        pytest.skip("blind to it by design, and tested below")
    forward, backward = (tiny.double().eval()(x.double()).pooled for x in (clips(), clips().flip(2)))
    assert (forward - backward).abs().max() > 1e-8  # a network blind to the order gives the same to 1e-15


@pytest.mark.parametrize("frames", [2, 7, 8])
def test_a_frame_average_gives_the_same_bits_for_every_order(frames: int):
    network = made("frame-average-tiny").eval()
    x = clips(t=frames)
    x[:, :, -1] = x[:, :, 0]  # a frame twice
    order = torch.randperm(frames, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        first, second = network(x), network(x[:, :, order])
        frame_by_frame = torch.stack([network(x[:, :, i : i + 1]).pooled for i in range(frames)]).mean(0)
    assert torch.equal(first.pooled, second.pooled)
    torch.testing.assert_close(first.pooled, frame_by_frame, atol=1e-5, rtol=1e-4)


def test_weights_round_trip(tiny: nn.Module):
    second = build(next(n for n in TINY if list(on_meta(n).state_dict()) == list(tiny.state_dict())))
    x = clips(b=1)
    assert not torch.equal(tiny.eval()(x).pooled, second.eval()(x).pooled)
    second.load_state_dict(tiny.state_dict())
    assert torch.equal(tiny(x).pooled, second(x).pooled)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r2plus1", "Did you mean 'r2plus1d'"),
        ("torchvision:swin3d", "Did you mean 'torchvision:swin3d_t'"),
        ("torchvision:", "Known: torchvision:swin3d_t"),
        ("hf:", "Known: hf:timesformer"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, said: str):
    for refuse in (check_name, build):
        with pytest.raises(UsageError, match=said):
            refuse(name)


def test_clips_that_do_not_fit_are_refused():
    vit = on_meta("vit-tiny")
    check_clip(vit, 8, 32)
    check_clip(on_meta("r3d-tiny"), 7, 33)
    with pytest.raises(UsageError, match="--frames 7: ViT cuts clips into tubes of 2"):
        check_clip(vit, 7, 32)
    with pytest.raises(UsageError, match=r"--crop 36.*multiple of 8"):
        check_clip(vit, 8, 36)
    vit.clip_frames, vit.clip_size = 16, 224
    with pytest.raises(UsageError, match="--frames 8: ViT takes 16 only"):
        check_clip(vit, 8, 224)
    with pytest.raises(UsageError, match=r"Set --crop 224 and --size"):
        check_clip(vit, 16, 32)


def test_the_catalogue_imports_no_torch():
    code = (
        "import sys; from muybridge.backbones import BACKBONES, check_name; check_name('c3d');"
        "print([name for name in ('torch', 'torchvision', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
