"""Checkpoints as training programs write them: the weights of a seeded network come back, what else there was is said."""

import argparse
import collections
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from muybridge.backbones.weights.checkpoint_fit import Taken
from muybridge.backbones.weights.pretrained import load_backbone, load_pretrained
from muybridge.core.errors import MuybridgeError, UsageError


def network(seed: int, outputs: int = 5) -> nn.Module:
    torch.manual_seed(seed)
    return nn.ModuleDict(
        {
            "stem": nn.Conv3d(3, 4, 1),
            "norm": nn.BatchNorm3d(4),
            "layer": nn.Linear(4, 6),
            "fc": nn.Linear(6, outputs),
        }
    )


def body(seed: int) -> nn.Module:
    found = network(seed)
    del found["fc"]
    return found


STATE = network(1).state_dict()
OTHER = network(2).state_dict()


def fronted(front: str, state: dict[str, Any] = STATE) -> dict[str, Any]:
    return {front + name: value for name, value in state.items()}


OPTIMISER = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}
MMACTION = {f"backbone.{name}": value for name, value in STATE.items() if not name.startswith("fc.")} | {
    "cls_head.fc_cls.weight": STATE["fc.weight"],
    "cls_head.fc_cls.bias": STATE["fc.bias"],
}
FORMS: dict[str, Any] = {
    "plain.pt": STATE,
    "module.pth": fronted("module."),
    "lightning.ckpt": {"state_dict": fronted("model."), "epoch": 3, "optimizer_states": [OPTIMISER], "hyper_parameters": {"lr": 1}},
    "nested.pth.tar": {"state_dict": STATE, "epoch": 3, "arch": "x", "optimizer": OPTIMISER, "best_acc1": torch.tensor(3.0)},
    "slowfast.pyth": {"model_state": STATE, "epoch": 1, "cfg": "yaml", "optimizer_state": OPTIMISER},
    "args.pth": {"model": STATE, "optimizer": OPTIMISER, "args": argparse.Namespace(lr=0.1), "scaler": {"scale": 2.0}},
    "numpy.pth": {"model": STATE, "best": np.float64(0.5), "more": collections.defaultdict(list)},
    "path.pth": {"module": fronted("module.backbone."), "where": Path("x")},
    "deep.bin": {"a": {"b": {"state_dict": fronted("encoder.")}}},
    "params.pt": {name: nn.Parameter(v) if v.is_floating_point() else v for name, v in STATE.items()},
    "no_counts.pt": {name: value for name, value in STATE.items() if "num_batches" not in name},
    "two_parts.pt": fronted("backbone.") | {"projector.0.weight": torch.zeros(2, 2), "queue": torch.zeros(3)},
    "mmaction.pth": {"meta": {"version": "1"}, "state_dict": MMACTION},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_weights_come_back(tmp_path: Path, form: str):
    torch.save(FORMS[form], tmp_path / form)
    one = network(0)
    taken = load_pretrained(one, tmp_path / form)
    for name, value in one.state_dict().items():
        assert torch.equal(value, STATE[name]) or name.endswith("num_batches_tracked"), name
    assert (taken.note() == "") is (form in ("plain.pt", "params.pt"))


def test_a_backbone_leaves_the_head_and_says_so(tmp_path: Path):
    torch.save({"state_dict": fronted("module."), "epoch": 1}, tmp_path / "w.pth.tar")
    one = body(0)
    taken = load_backbone(one, tmp_path / "w.pth.tar")
    assert torch.equal(one["layer"].weight, STATE["layer.weight"])
    assert (taken.key, taken.prefix) == ("state_dict", "module.")
    assert taken.facts()["left"]["that the network has no part for"] == {
        "number": 2,
        "first": ["fc.weight", "fc.bias"],
    }
    assert "'module.' taken off their names" in taken.note()
    assert "epoch" in taken.note()


def test_half_precision_becomes_what_the_network_has(tmp_path: Path):
    torch.save({name: value.half() for name, value in STATE.items()}, tmp_path / "w.pt")
    one = network(0)
    taken = load_pretrained(one, tmp_path / "w.pt")
    assert one["layer"].weight.dtype is torch.float32
    torch.testing.assert_close(one["layer"].weight, STATE["layer.weight"], rtol=1e-3, atol=1e-3)
    assert "made float32 of float16" in taken.note()


def test_a_wrapped_network_takes_bare_names(tmp_path: Path):
    torch.save(STATE, tmp_path / "w.pt")
    one = nn.ModuleDict({"module": network(0)})
    assert load_pretrained(one, tmp_path / "w.pt").prefix == "+module."
    assert torch.equal(one["module"]["fc"].weight, STATE["fc.weight"])


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ({"model": OTHER, "model_ema": STATE}, {"key": "model_ema"}),
        ({"student": {"state_dict": OTHER}, "teacher": {"state_dict": STATE}}, {"key": "teacher.state_dict"}),
        (fronted("encoder_q.", OTHER) | fronted("encoder_k."), {"prefix": "encoder_k"}),
        ({"x": fronted("student.", OTHER) | fronted("teacher.")}, {"key": "x", "prefix": "teacher."}),
    ],
    ids=["ema", "nested", "prefix", "both"],
)
def test_two_that_fit_alike_are_refused_until_one_is_named(
    tmp_path: Path, content: Any, options: dict[str, str]
):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(UsageError, match=r"several sets .*--weights-key .*--weights-prefix"):
        load_pretrained(network(0), tmp_path / "w.pt")
    one = network(0)
    load_pretrained(one, tmp_path / "w.pt", **options)
    assert torch.equal(one["fc"].weight, STATE["fc.weight"])


def test_the_same_tensors_twice_are_no_question(tmp_path: Path):
    torch.save({"model": STATE, "state_dict": STATE}, tmp_path / "w.pt")
    load_pretrained(network(0), tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"key": "ema"}, r"--weights-key ema: .* It has 'model'"),
        ({"prefix": "x"}, "--weights-prefix x: .*no tensors"),
    ],
)
def test_what_is_named_has_to_be_there(tmp_path: Path, options: dict[str, str], why: str):
    torch.save({"model": STATE}, tmp_path / "w.pt")
    with pytest.raises(UsageError, match=why):
        load_pretrained(network(0), tmp_path / "w.pt", **options)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({name: value for name, value in STATE.items() if name != "layer.bias"}, "Missing: 1 of .*'layer.bias'"),
        (STATE | {"layer.2.weight": torch.zeros(1)}, "Unexpected: 1 of .*'layer.2.weight'"),
        (STATE | {"layer.weight": torch.zeros(6, 3)}, "has shape"),
        (network(0, outputs=7).state_dict(), "has shape"),
        ({name: value for name, value in STATE.items() if not name.startswith("fc.")}, "'fc.weight'"),
    ],
    ids=["lacks", "deeper", "shape", "another head", "no head"],
)  # fmt: skip
def test_another_network_is_refused(tmp_path: Path, state: dict[str, Any], why: str):
    torch.save({"state_dict": state}, tmp_path / "w.pt")
    with pytest.raises(UsageError, match=why):
        load_pretrained(network(0), tmp_path / "w.pt")


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, (self.where,)

    def __init__(self, where: str) -> None:
        self.where = where


def test_code_beside_the_weights_is_not_run(tmp_path: Path):
    torch.save({"model": STATE, "args": Evil(str(tmp_path / "made"))}, tmp_path / "w.pth")
    with pytest.raises(MuybridgeError, match=r"without running code.*mkdir"):
        load_pretrained(network(0), tmp_path / "w.pth")
    assert not (tmp_path / "made").exists()


def test_settings_are_read_as_nothing(tmp_path: Path):
    from muybridge.backbones.weights.checkpoint_file import Left, read_content

    torch.save({"args": argparse.Namespace(secret="x"), "model": STATE}, tmp_path / "w.pth")
    content = read_content(tmp_path / "w.pth")
    assert type(content["args"]) is Left
    assert not vars(content["args"])


def test_a_file_with_no_weights_says_what_it_holds(tmp_path: Path):
    torch.save({"epoch": 1, "optimizer": OPTIMISER}, tmp_path / "w.pt")
    with pytest.raises(UsageError, match=r"no plain state dict.* It holds epoch, optimizer"):
        load_pretrained(network(0), tmp_path / "w.pt")


def test_notes_are_short():
    names = tuple(f"a.{i}" for i in range(9))
    assert Taken("w", "", "", {}, names).note().endswith("kept 9 of the network (a.0, a.1, a.2, ...)")


def test_videomae_as_transformers_writes_it_is_taken_whatever_that_calls_its_biases(tmp_path):
    """Files have ``q_bias`` and ``v_bias``, as all public ones do; the network of version 5 has ``query.bias`` and ``value.bias``."""
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification, VideoMAEModel

    config = VideoMAEConfig(image_size=32, patch_size=16, num_frames=4, hidden_size=16, num_hidden_layers=2,
                            num_attention_heads=2, intermediate_size=32, num_labels=3)  # fmt: skip
    network, other = VideoMAEForVideoClassification(config), VideoMAEForVideoClassification(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    network.save_pretrained(tmp_path)
    taken = load_pretrained(other, tmp_path / "model.safetensors")
    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), other.state_dict().values(), strict=True)
    )
    old = {
        name.replace("query.bias", "q_bias").replace("value.bias", "v_bias"): t
        for name, t in network.state_dict().items()
    }
    torch.save({"state_dict": old}, tmp_path / "old.pth")
    backbone = VideoMAEModel(config)
    taken = load_backbone(backbone, tmp_path / "old.pth")
    assert "*.q_bias as *.query.bias" in taken.renamed
    assert torch.equal(
        backbone.encoder.layer[1].attention.attention.query.bias,
        network.videomae.encoder.layer[1].attention.attention.query.bias,
    )
