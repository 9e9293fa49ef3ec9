from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from muybridge.backbones.weights.pretrained import load_pretrained
from muybridge.core.errors import MuybridgeError, UsageError


@pytest.fixture
def network() -> nn.Module:
    return nn.ModuleDict({"stem": nn.Linear(2, 3), "head": nn.Linear(3, 1)})


def saved(tensors: dict[str, torch.Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_every_weight_is_taken(network: nn.Module, suffix: str, tmp_path: Path):
    drawn = {name: torch.rand_like(value) for name, value in network.state_dict().items()}
    load_pretrained(network, saved(drawn, tmp_path / f"w{suffix}"))
    torch.testing.assert_close(dict(network.state_dict()), drawn, rtol=0, atol=0)


def test_names_that_differ_are_said_with_the_nearest(network: nn.Module, tmp_path: Path):
    tensors = {name.replace("stem", "stam"): value for name, value in network.state_dict().items()}
    before = network["head"].weight.clone()
    tensors["head.weight"] = torch.zeros(1, 3)
    with pytest.raises(UsageError) as caught:
        load_pretrained(network, saved(tensors, tmp_path / "w.pt"))
    said = str(caught.value)
    assert "Missing: 2 of 4, as 'stem.weight'; nearest in the file: 'stam.weight'" in said
    assert "Unexpected: 2 of 4, as 'stam.weight'; nearest in the network: 'stem.weight'" in said
    assert torch.equal(network["head"].weight, before)


def test_a_shape_that_differs_is_said(network: nn.Module, tmp_path: Path):
    tensors = network.state_dict() | {"head.weight": torch.zeros(5, 3)}
    with pytest.raises(UsageError, match=r"'head.weight' has shape \(5, 3\) instead of \(1, 3\)"):
        load_pretrained(network, saved(tensors, tmp_path / "w.safetensors"))


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_missing_and_damaged_files(network: nn.Module, name: str, tmp_path: Path):
    with pytest.raises(MuybridgeError, match="no such file"):
        load_pretrained(network, tmp_path / name)
    (tmp_path / name).write_bytes(b"junk" * 9)
    with pytest.raises(MuybridgeError, match="cannot be read as weights"):
        load_pretrained(network, tmp_path / name)


def test_code_is_not_run(network: nn.Module, tmp_path: Path):
    torch.save(network, tmp_path / "w.pt")
    with pytest.raises(MuybridgeError, match="without running code"):
        load_pretrained(network, tmp_path / "w.pt")


def test_other_kinds_of_file(network: nn.Module, tmp_path: Path):
    with pytest.raises(UsageError, match="wanted a file that ends in"):
        load_pretrained(network, tmp_path / "w.onnx")
    torch.save([1, 2], tmp_path / "w.pt")
    with pytest.raises(UsageError, match="no plain state dict"):
        load_pretrained(network, tmp_path / "w.pt")
