"""Transfers of public weights: ``--backbone NAME --init FILE``, of whole published networks or of their trunks."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from frozen_helpers import TINY
from safetensors.torch import save_file

import muybridge
from muybridge.backbones.networks.i3d import I3D, I3DClassifier
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.backbones.weights.pretrained import load_backbone
from muybridge.config.stage_configs import FinetuneConfig, KnnConfig
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.stages.job.resolve import resolve
from muybridge.studies.plan import plan
from muybridge.train.checkpoint import load_weights


def published(folder: Path, seed: int = 0, suffix: str = ".safetensors") -> Path:
    """Weights of a small network with a head, as a public file."""
    torch.manual_seed(seed)
    state = tiny().state_dict() | {"fc.weight": torch.zeros(400, 128), "fc.bias": torch.zeros(400)}
    path = folder / f"kinetics{seed}{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def test_the_trunk_of_a_classifier_is_the_backbone():
    torch.manual_seed(0)
    whole, trunk = I3DClassifier(7).eval(), I3D()
    clip = torch.rand(1, 3, 8, 32, 32)
    missing, extra = trunk.load_state_dict(whole.state_dict(), strict=False)
    assert (missing, {name.partition(".")[0] for name in extra}) == ([], {"logits"})
    with torch.no_grad():
        assert torch.equal(trunk.eval()(clip).maps["last"], whole.last(clip))


def test_a_file_with_a_head_and_one_without_give_the_same_backbone(tmp_path):
    path, first, second = published(tmp_path), tiny(), tiny()
    load_backbone(first, path)
    bare = tmp_path / "bare.safetensors"
    save_file(first.state_dict(), bare)
    load_backbone(second, bare)
    torch.manual_seed(0)
    for name, value in tiny().state_dict().items():
        assert torch.equal(first.state_dict()[name], value)
        assert torch.equal(second.state_dict()[name], value)


def test_networks_of_torchvision_take_their_own_files(tmp_path):
    models = pytest.importorskip("torchvision.models.video")
    from muybridge.backbones import build

    torch.manual_seed(0)
    whole, backbone = models.r3d_18(num_classes=400).eval(), build("torchvision:r3d_18").eval()
    save_file(whole.state_dict(), tmp_path / "r3d_18.safetensors")
    load_backbone(backbone, tmp_path / "r3d_18.safetensors")
    clip = torch.rand(1, 3, 4, 32, 32)
    with torch.no_grad():
        pooled = backbone(clip).pooled
        expected = whole(backbone.prepare(clip))
        assert torch.allclose(whole.fc(pooled), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state | {"stages.9.weight": torch.zeros(1)}, r"Unexpected: 1 of \d+, as 'stages.9.weight'"),
        (lambda state: {k: v for k, v in state.items() if not k.startswith("stages.0")}, r"Missing: \d+ of \d+, as 'stages.0"),
        (lambda state: state | {"fc.weight": torch.zeros(2)}, ""),
    ],
    ids=["a layer more", "a stage less", "another head"],
)  # fmt: skip
def test_only_heads_are_left_out(change, words: str, tmp_path):
    save_file(change(tiny().state_dict()), tmp_path / "other.safetensors")
    if not words:
        load_backbone(tiny(), tmp_path / "other.safetensors")
        return
    with pytest.raises(UsageError, match=rf"not the weights of Network. {words}"):
        load_backbone(tiny(), tmp_path / "other.safetensors")


def test_files_are_signed_by_what_is_in_them(videos, tmp_path):
    def job(init, kind=KnnConfig):
        return resolve(kind(data=(str(videos),), out=tmp_path, fold=0, init=str(init), **TINY))

    first = job(published(tmp_path))
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    assert job(published(copy)).signature == first.signature
    assert job(published(tmp_path, seed=1)).signature != first.signature
    assert job("random").signature != first.signature
    assert (first.facets["arm"], first.init) == ("kinetics0", tmp_path / "kinetics0.safetensors")
    assert job(published(tmp_path), FinetuneConfig).init == first.init


def test_a_folder_of_transformers_is_signed_by_what_it_holds(videos, tmp_path, monkeypatch):
    def held(folder: Path, width: int = 8, seed: int = 0) -> str:
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(f'{{"model_type": "videomae", "hidden_size": {width}}}')
        save_file({"a": torch.full((2,), float(seed))}, folder / "model.safetensors")
        return f"hf:{folder}"

    def job(backbone: str, kind: type = KnnConfig):
        return resolve(kind(data=(str(videos),), backbone=backbone, out=tmp_path / "o", fold=0))

    first = job(held(tmp_path / "one"))
    assert job(held(tmp_path / "other")).signature == first.signature, "wherever it lies"
    monkeypatch.chdir(tmp_path)
    assert job("hf:one").signature == first.signature
    assert job("hf:one").config.backbone == f"hf:{tmp_path / 'one'}"
    assert job(held(tmp_path / "one", seed=1)).signature != first.signature
    assert job(held(tmp_path / "one", width=16)).signature != first.signature
    (tmp_path / "one" / "preprocessor_config.json").write_text("{}")
    assert job("hf:one").signature != job(held(tmp_path / "other")).signature, "what it does to pixels"
    configs = [replace(job("hf:one").config, seed=seed) for seed in range(3)]

    planned = plan(config for config in configs)
    assert [cell.job.signature for cell in planned] == [resolve(config).signature for config in configs]


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_public_weights_are_what_is_frozen(suffix: str, videos, tmp_path):
    weights = published(tmp_path, suffix=suffix)
    given = muybridge.knn(data=videos, init=weights, out=tmp_path / "o", fold=0, **TINY)
    assert given.result["facets"]["arm"] == "kinetics0"
    assert str(weights) in given.result["command"]
    probed = muybridge.probe(data=videos, init=weights, out=tmp_path / "o", fold=0, **TINY)
    kept = load_weights(probed.path / "weights.safetensors")
    torch.manual_seed(0)
    for name, value in tiny().state_dict().items():
        assert torch.equal(kept[f"backbone.{name}"], value), "not even the statistics of its norms change"


@pytest.mark.parametrize(
    ("init", "error", "words"),
    [
        ("nowhere.pt", UsageError, r"--init \S*nowhere.pt: cannot be read \(No such file or directory\)"),
        ("torn.safetensors", MuybridgeError, "cannot be read as weights"),
        (
            "notes.txt",
            UsageError,
            r"wanted a folder OUT/runs/pretrain\|finetune/SIGNATURE, a file of public weights",
        ),
    ],
)
def test_files_that_are_no_weights_are_refused(init: str, error: type, words: str, videos, tmp_path):
    (tmp_path / "torn.safetensors").write_bytes(b"12345")
    (tmp_path / "notes.txt").write_text("?")
    with pytest.raises(error, match=words):
        muybridge.knn(data=videos, init=tmp_path / init, out=tmp_path / "o", fold=0, **TINY)
