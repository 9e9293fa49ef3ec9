from pathlib import Path

import pytest
import torch
from small import learner, recipe, train
from torch import nn

from muybridge.config.stage_configs import PretrainConfig, ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.stages.job.resolve import resolve
from muybridge.train.precision import Compute, check_training, choose, has_bf16, pick_device

CPU = torch.device("cpu")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_named_precision_is_taken(precision: str):
    assert choose("cpu", precision) == Compute(CPU, precision)


@pytest.mark.parametrize("able", [True, False])
def test_auto_takes_bf16_where_the_hardware_has_it(able: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("muybridge.train.precision.has_bf16", lambda device: able)
    assert choose("cpu", "auto").precision == ("bf16" if able else "fp32")


def test_bf16_of_this_machine_is_what_its_processor_says():
    flags = Path("/proc/cpuinfo")
    if not flags.exists():
        pytest.skip("no /proc/cpuinfo")
    assert has_bf16(CPU) == ("amx_tile" in flags.read_text().split())
    assert not has_bf16(torch.device("meta"))


KINDS = {"avx2": (False, False, True), "avx512_bf16": (True, False, False), "amx": (True, True, True)}


@pytest.mark.parametrize("kind", KINDS)
def test_training_in_bf16_is_refused_where_its_gradients_are_wrong(kind: str, monkeypatch, tmp_path, videos):
    """``benchmarks/bf16_gradients.py`` shows them."""
    half, tiles, sound = KINDS[kind]
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: half)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)
    check_training(choose("cpu", "fp32"))
    assert choose("cpu", "auto").precision == ("bf16" if tiles else "fp32")
    asked = PretrainConfig(data=(str(videos),), out=tmp_path / "out", objective="rotnet", precision="bf16")
    if sound:
        check_training(choose("cpu", "bf16"))
        assert resolve(asked).config.precision == "bf16"
        return
    with pytest.raises(UsageError, match="Train with --precision fp32"):
        resolve(asked)
    with pytest.raises(UsageError, match="Train with --precision fp32"):
        train(learner(), tmp_path, recipe(), precision="bf16")
    assert not (tmp_path / "state").exists()
    assert (
        resolve(ProbeConfig(data=(str(videos),), out=tmp_path, fold=0, precision="bf16")).config.precision
        == "bf16"
    )


@pytest.mark.parametrize("precision", ["fp16", "", "BF16"])
def test_other_precisions_are_refused(precision: str):
    with pytest.raises(UsageError, match="wanted auto, fp32 or bf16"):
        choose("cpu", precision)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu:x"])
def test_devices_that_are_not_there_are_refused_by_name(device: str):
    with pytest.raises(UsageError, match=f"--device {device}: not usable here .* Wanted auto, cpu"):
        choose(device)


def test_auto_takes_the_processor_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose("auto", "fp32").device == CPU


@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_every_process_of_a_machine_takes_its_own_gpu(asked: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", lambda *size, device: None)
    assert pick_device(asked) == "cuda:0"
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert pick_device(asked) == "cuda:3"
    assert pick_device("cuda:1") == "cuda:1"


def test_autocast_multiplies_in_the_chosen_format():
    layer, x = nn.Linear(2, 2), torch.ones(1, 2)
    with choose("cpu", "bf16").autocast():
        assert layer(x).dtype == torch.bfloat16
    with choose("cpu", "fp32").autocast():
        assert layer(x).dtype == torch.float32


def test_placing_orders_the_memory_and_keeps_every_value():
    module = learner()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert choose("cpu", "fp32").place(module) is module
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name
    for p in module.parameters():
        assert p.ndim != 5 or p.is_contiguous(memory_format=torch.channels_last_3d)


def test_networks_with_flat_convolutions_can_be_placed():
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv3d(3, 4, 3), nn.Linear(2, 2))
    assert choose("cpu", "fp32").place(flat)[0](torch.ones(1, 3, 4, 4)).shape == (1, 4, 2, 2)
