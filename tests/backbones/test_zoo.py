"""Networks of other packages; those of torchvision and transformers skip where the packages are missing."""

import copy
import json
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.backbones import BACKBONES, build, check_clip
from muybridge.backbones.networks.vit import tiny as vit
from muybridge.backbones.outside import wrapped
from muybridge.backbones.outside.wrapped import as_features, as_logits
from muybridge.backbones.outside.zoo import classifier
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Classifier, Features, capture

ZOO = [name for name in BACKBONES if ":" in name]
MODELS = [name for name in ZOO if name.startswith("torchvision:")]
CONFIGS = {
    "timesformer": {"num_frames": 8, "image_size": 32, "patch_size": 8},
    "vivit": {"num_frames": 8, "image_size": 32, "tubelet_size": [2, 8, 8]},
    "videomae": {"num_frames": 8, "image_size": 32, "patch_size": 8, "use_mean_pooling": False},
    "vjepa2": {"frames_per_clip": 8, "crop_size": 32, "patch_size": 8, "pred_hidden_size": 48, "pred_num_attention_heads": 2},
}  # fmt: skip
SMALL = {
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 96,
    "num_labels": 7,
}


def clips(b: int = 2) -> torch.Tensor:
    return torch.rand(b, 3, 8, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=CONFIGS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pytest.importorskip("transformers")
    config = {"model_type": request.param, **SMALL, **CONFIGS[request.param]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An importable module of somebody else."""
    module = SimpleNamespace(
        __name__="somebody",
        make=lambda: nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 5)),
    )
    monkeypatch.setitem(sys.modules, "somebody", module)
    return module


@pytest.mark.parametrize("name", ZOO)
def test_parameters_and_operations_are_those_of_the_catalogue(name: str):
    pytest.importorskip("torchvision" if name in MODELS else "transformers")
    facts = BACKBONES[name].facts
    with torch.device("meta"):
        network = build(name)
        assert sum(p.numel() for p in Classifier(network, network.dim, 101).parameters()) == facts["params"]
    t, h, w = map(int, facts.get("clip", "16x112x112").split("x"))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, 3, t, h, w, device="meta"))
    assert (counter.get_total_flops() + 2 * 101 * network.dim) / 1e9 == pytest.approx(
        facts["gflops"], rel=1e-3
    )
    check_clip(network, t, h)


@pytest.mark.parametrize(
    "name", [name for name in MODELS if "mvit" not in name and name[-2:] not in ("_s", "_b")]
)
def test_torchvision_networks_give_a_map_whose_mean_is_their_feature(name: str):
    pytest.importorskip("torchvision")
    network = build(name).eval()
    with torch.no_grad(), capture(network, network.layers) as seen:
        features = network(torch.rand(2, 3, 16, 64, 64))
    assert tuple(seen) == network.layers
    assert features.pooled.shape == (2, network.dim)
    torch.testing.assert_close(
        features.maps["last"].mean(dim=(2, 3, 4)), features.pooled, atol=1e-4, rtol=1e-3
    )


@pytest.mark.parametrize("name", ["torchvision:swin3d_t", "torchvision:r3d_18"])
def test_features_are_what_the_head_of_torchvision_sees(name: str):
    models = pytest.importorskip("torchvision.models.video")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        own = build(name).eval()
        torch.manual_seed(0)
        other = getattr(models, name.partition(":")[2])().eval()
    x = torch.rand(1, 3, 8, 64, 64)
    head = other.get_submodule(own.facts.head[-1])
    with torch.no_grad():
        torch.testing.assert_close(head(own(x).pooled), other((x - own.prepare.mean) / own.prepare.std))


def test_transformers_give_features_and_a_grid(folder: Path):
    network = build(f"hf:{folder}").eval()
    assert (network.dim, len(network.layers)) == (48, 3)
    with capture(network, network.layers) as seen, torch.no_grad():
        features = network(clips())
    assert all(output.shape[-1] == 48 for output in seen.values())
    assert features.pooled.shape == (2, 48)
    assert features.maps["last"].shape == (2, 48, *network.grid(8, 32))


def test_places_of_the_grid_are_places_of_the_clip(folder: Path):
    """Tubes embedded without attention: what changes in one corner changes the map there and nowhere else."""
    network = build(f"hf:{folder}").eval()
    for layer in network.layers:
        network.get_submodule(layer).forward = (
            (lambda x, *_, **__: (x,))
            if "vjepa2" in str(network.model.config.model_type)
            else (lambda x, *_, **__: x)
        )
    if network.kind.time_last:
        for layer in network.layers:
            network.get_submodule(layer).forward = lambda x, *_, **__: (x,)
    changed = clips()
    changed[:, :, 6:, 8:16, 24:] += 0.5
    with torch.no_grad():
        moved = (network(clips()).maps["last"] != network(changed).maps["last"]).any(dim=1)[0]
    t = network.grid(8, 32)[0]
    assert moved.nonzero().tolist() == [[time, 1, 3] for time in range(t * 6 // 8, t)]


def test_every_parameter_of_a_transformer_learns(folder: Path):
    network = build(f"hf:{folder}").train()
    features = network(clips())
    (features.pooled.square().sum() + features.maps["last"].square().sum()).backward()
    assert not [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]


def test_clips_of_another_size_are_refused_before_the_network_sees_them(folder: Path):
    network = build(f"hf:{folder}")
    check_clip(network, 8, 32)
    with pytest.raises(UsageError, match="--crop 40"):
        check_clip(network, 8, 40)
    with pytest.raises(UsageError, match="--frames 7"):
        check_clip(network, 7, 32)


def test_hidden_tubes_have_no_influence(folder: Path):
    network = build(f"hf:{folder}").eval()
    visible = torch.zeros(2, 64, dtype=torch.bool)
    visible[:, :16] = True
    if not network.masks:
        with pytest.raises(UsageError, match="cannot encode visible tubes alone"):
            network.tokens(clips(), visible)
        return
    changed = clips()
    changed[:, :, 2:] = 0
    with torch.no_grad():
        tokens = network.tokens(clips(), visible)
        torch.testing.assert_close(network.tokens(changed, visible), tokens)
    assert network.tube == (2, 8, 8)
    assert tokens.shape == (2, 16, 48)


def test_weights_of_a_folder_are_taken(folder: Path):
    network = build(f"hf:{folder}").eval()
    if not hasattr(network.model, "save_pretrained"):
        pytest.skip("the encoder alone cannot be saved")
    network.model.save_pretrained(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = build(f"hf:{folder}").eval()
    with torch.no_grad():
        torch.testing.assert_close(again(clips()).pooled, network(clips()).pooled)


def test_a_transformer_with_its_head(folder: Path):
    whole = classifier(f"hf:{folder}").eval()
    assert (whole.outputs, whole.classes) == (7, None)
    with torch.no_grad():
        assert whole(clips()).shape == (2, 7)


def test_what_is_not_here_is_not_downloaded(tmp_path: Path):
    pytest.importorskip("transformers")
    with pytest.raises(UsageError, match=r"hf download nobody/nothing --local-dir"):
        build("hf:nobody/nothing")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UsageError, match=r"'bert' is not known here.*videomae"):
        build(f"hf:{tmp_path}")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "videomae", **SMALL}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(UsageError, match="are a pickle"):
        build(f"hf:{tmp_path}")


def test_a_torchvision_network_with_its_head(tmp_path: Path):
    pytest.importorskip("torchvision")
    whole = classifier("torchvision:r3d_18").eval()
    assert (whole.outputs, len(whole.classes), whole.classes[0]) == (400, 400, "abseiling")
    torch.save(whole.model.state_dict(), tmp_path / "w.pt")
    other = classifier("torchvision:r3d_18", tmp_path / "w.pt").eval()
    with torch.no_grad():
        torch.testing.assert_close(other(clips()), whole(clips()))
    with pytest.raises(UsageError, match="not the weights of VideoResNet"):
        classifier("torchvision:mc3_18", tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("name", "package"), [("torchvision:r3d_18", "torchvision"), ("hf:videomae", "transformers")]
)
def test_a_missing_package_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch):
    def missing(_: str) -> None:
        raise ImportError("gone")

    monkeypatch.setattr(wrapped, "import_module", missing)
    with pytest.raises(UsageError, match=rf"needs {package}.*pip install 'muybridge\[zoo\]'"):
        build(name)


def test_any_function_will_do(outside: SimpleNamespace):
    network = build("somebody:make")
    assert (network.dim, network.layers) == (5, ("model.0", "model.1", "model.2"))
    assert network(clips()).pooled.shape == (2, 5)
    assert classifier("somebody:make").outputs == 5


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: 3, "returned a int"),
        (lambda: nn.Linear(2, 2), "failed on a clip of 3x16x112x112"),
        (lambda: nn.Flatten(0), r"put out a tensor of shape \(602112,\)"),
    ],
)
def test_what_is_no_backbone_is_refused(outside: SimpleNamespace, made, said: str):
    outside.make = made
    with pytest.raises(UsageError, match=said):
        build("somebody:make")


def test_a_function_that_is_not_there():
    with pytest.raises(UsageError, match="on PYTHONPATH"):
        build("no_such_module:make")
    with pytest.raises(UsageError, match="no classifier 'r3d'"):
        classifier("r3d")


def test_every_kind_of_output_becomes_features():
    vector, tokens, grid = torch.rand(2, 4), torch.rand(2, 6, 4), torch.rand(2, 4, 2, 3, 3)
    assert as_features("x", made := Features(vector)) is made
    for output in (vector, {"pooled": vector}, {"pooler_output": vector, "last_hidden_state": tokens}):
        torch.testing.assert_close(as_features("x", output).pooled, vector)
    torch.testing.assert_close(as_features("x", {"last_hidden_state": tokens}).pooled, tokens.mean(dim=1))
    torch.testing.assert_close(as_features("x", grid).pooled, grid.flatten(2).mean(dim=2))
    assert as_features("x", grid).maps["last"] is grid
    with pytest.raises(UsageError, match="x put out a mapping with a"):
        as_features("x", {"a": 1})


def test_every_kind_of_output_becomes_logits():
    scores = torch.rand(2, 4)
    for output in (scores, {"logits": scores}, SimpleNamespace(logits=scores)):
        assert as_logits("x", output) is scores
    with pytest.raises(UsageError, match="x put out a tensor of shape"):
        as_logits("x", torch.rand(2))


def test_a_network_from_outside_hands_on_its_tokens(outside: SimpleNamespace):
    outside.make = lambda: vit(dim=24, depth=1, heads=2)
    network = copy.deepcopy(build("somebody:make"))
    with torch.no_grad():
        network.model.embed.weight.zero_()
    visible = torch.zeros(2, 64, dtype=torch.bool)
    visible[:, 3:9] = True
    assert network.tube == (2, 8, 8)
    assert network.grid(8, 32) == (4, 4, 4)
    assert torch.equal(network.tokens(clips(), visible), network.model.tokens(clips(), visible))


def test_a_network_without_tokens_has_none(outside: SimpleNamespace):
    assert not hasattr(build("somebody:make"), "tokens")
