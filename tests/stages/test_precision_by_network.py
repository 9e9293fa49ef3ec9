"""``--precision auto``: bfloat16 only where the processor multiplies it well and the network gains by it; one answer for a run."""

from pathlib import Path

import pytest

import muybridge
from muybridge.backbones import BACKBONES, gains_by_bf16
from muybridge.cli import show
from muybridge.config.embed_config import EmbedConfig
from muybridge.config.stage_configs import PretrainConfig, ProbeConfig
from muybridge.embeddings.embed_request import request_of
from muybridge.embeddings.load_model import load_model
from muybridge.stages.job.resolve import resolve
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.train import precision

SMALL = {"data": ("builtin-motions",), "frames": 8, "crop": 32, "size": 36}


@pytest.fixture(autouse=True)
def _amx(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that multiplies bfloat16 well, whatever this one does."""
    monkeypatch.delenv(precision.VARIABLE, raising=False)
    monkeypatch.setattr(precision, "_says", lambda name: name == "_is_amx_tile_supported")


@pytest.mark.parametrize("backbone", ["r2plus1d-tiny", "shufflenet-tiny", "vit", "mobilenet"])
def test_a_network_that_does_not_gain_computes_in_float32(backbone: str, tmp_path: Path):
    wanted = {"r2plus1d-tiny": "bf16", "vit": "bf16"}.get(backbone, "fp32")
    config = PretrainConfig(out=tmp_path, objective="rotnet", backbone=backbone, **SMALL)
    assert resolve(config).config.precision == wanted
    assert (wanted == "bf16") is gains_by_bf16(backbone)


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_what_is_asked_for_is_done(asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = PretrainConfig(
        out=tmp_path, objective="rotnet", backbone="shufflenet-tiny", precision=asked, **SMALL
    )
    assert resolve(config).config.precision == asked
    monkeypatch.setenv(precision.VARIABLE, asked)
    config = PretrainConfig(out=tmp_path, objective="rotnet", backbone="shufflenet-tiny", **SMALL)
    assert resolve(config).config.precision == asked


def test_the_network_of_what_a_run_starts_from_decides(tmp_path: Path):
    """A probe names no backbone of its own; that of the planned pretraining counts."""
    begun = resolve(PretrainConfig(out=tmp_path, objective="rotnet", backbone="mobilenet-tiny", **SMALL))
    planned = {str(begun.run.path): vars(begun.config)}
    probe = resolve(ProbeConfig(out=tmp_path, init=str(begun.run.path), **SMALL), planned)
    assert (probe.config.backbone, probe.config.precision) == ("mobilenet-tiny", "fp32")


def test_a_gpu_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(precision, "pick_device", lambda device: "cuda")
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    assert precision.choose("auto", "auto", gains=False).precision == "bf16"


def test_networks_that_were_not_measured_are_taken_to_gain():
    assert gains_by_bf16("torchvision:swin3d_t")
    assert gains_by_bf16("mine:network")
    assert sum(entry.facts.get("bf16") is False for entry in BACKBONES.values()) == 9


def test_what_is_printed_before_a_run_is_read_leaves_the_format_open(tmp_path: Path):
    named = show.on_device(ProbeConfig(out=tmp_path, backbone="shufflenet-tiny"))
    begun = show.on_device(ProbeConfig(out=tmp_path, init=str(tmp_path / "runs" / "pretrain" / "1a")))
    assert (named.precision, begun.precision) == ("fp32", "auto")


@pytest.mark.parametrize(("backbone", "wanted"), [("shufflenet-tiny", "fp32"), ("r2plus1d-tiny", "bf16")])
def test_embeddings_of_a_run_go_by_its_network(
    backbone: str, wanted: str, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As its probe does, so that features and answers are of one format."""
    small = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6, "precision": "fp32"}
    run = muybridge.pretrain(
        data=videos, out=tmp_path / "out", objective="rotnet", backbone=backbone, budget=12, **small
    )
    asked = EmbedConfig(model=str(run.path), data=(str(videos),), out=str(tmp_path / "f.npz"))
    assert request_of(asked, load_model(asked), ResolveCache()).compute.precision == wanted
