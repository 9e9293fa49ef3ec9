"""Weights of others on their way through the verbs: what was taken is printed, kept, and signed."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import muybridge
from muybridge.backbones import build
from muybridge.cli.main import main
from muybridge.core.errors import UsageError

FAST = {"frames": 4, "stride": 1, "size": 36, "crop": 32, "workers": 1, "backbone": "r3d-tiny", "fold": 0}


def written(path: Path, name: str = "r3d-tiny", seed: int = 0) -> dict[str, Any]:
    torch.manual_seed(seed)
    state = build(name).state_dict()
    torch.save({"state_dict": {f"module.encoder.{n}": v for n, v in state.items()}, "epoch": 3}, path)
    return state


def test_a_nested_checkpoint_is_a_start_for_features(videos, tmp_path, capsys):
    state = written(tmp_path / "w.pth.tar")
    torch.save(state, tmp_path / "plain.pt")
    runs = [
        muybridge.knn(data=str(videos), init=str(tmp_path / name), out=tmp_path / "out", **FAST)
        for name in ("w.pth.tar", "plain.pt")
    ]
    one, other = (run.result for run in runs)
    assert one["checkpoint"]["prefix"] == "module.encoder."
    assert one["checkpoint"]["taken"] == len(state)
    assert one["notes"][0].startswith("w.pth.tar: took")
    assert not any("took" in note for note in other["notes"])
    assert one["numbers"] == other["numbers"]


def test_the_key_is_signed_and_goes_with_a_file(videos, tmp_path):
    state = written(tmp_path / "x.pt")
    noise = {name: torch.rand_like(v) if v.is_floating_point() else v for name, v in state.items()}
    torch.save({"model": state, "model_ema": noise}, tmp_path / "w.pt")
    runs = [
        muybridge.knn(
            data=str(videos), init=str(tmp_path / "w.pt"), weights_key=key, out=tmp_path / "out", **FAST
        )
        for key in ("model", "model_ema")
    ]
    assert runs[0].signature != runs[1].signature
    with pytest.raises(UsageError, match="--weights-key: goes with a file"):
        muybridge.knn(data=str(videos), weights_key="model", out=tmp_path / "out", **FAST)


def test_a_model_under_test_says_what_was_taken(videos, tmp_path, capsys):
    pytest.importorskip("torchvision")
    from torchvision.models.video import r3d_18

    torch.manual_seed(0)
    state = r3d_18(num_classes=2).state_dict()
    torch.save(
        {"model_state": {f"module.{n}": v.half() for n, v in state.items()}, "cfg": "x"}, tmp_path / "w.pyth"
    )
    words = ["robustness", "--model", "torchvision:r3d_18", "--weights", str(tmp_path / "w.pyth"), "--data", str(videos), "--types",
             "gaussian_noise", "--severities", "1", "--views", "1x1", "--frames", "4", "--stride", "1", "--crop", "16", "--short-side",
             "16", "--limit", "2", "--workers", "1", "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(words) == 0
    said = capsys.readouterr().out
    assert (
        "took 122 tensors under 'model_state', 'module.' taken off their names; made float32 of float16"
        in said
    )
    assert "keys beside (cfg)" in said


def test_a_network_of_ones_own_takes_a_checkpoint(videos, tmp_path):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lin = nn.Linear(3, 2)

        def forward(self, x):
            return self.lin(x.mean((2, 3, 4)))

    import sys
    from types import SimpleNamespace

    sys.modules["mine"] = SimpleNamespace(__name__="mine", Net=Net)
    torch.save({"ema": Net().state_dict(), "model": Net().state_dict()}, tmp_path / "w.ckpt")
    asked = {"types": ("gaussian_noise",), "severities": (1,), "views": "1x1", "frames": 4, "stride": 1, "crop": 16, "short_side": 16,
             "limit": 2, "workers": 1, "weights": str(tmp_path / "w.ckpt"), "out": tmp_path / "out"}  # fmt: skip
    try:
        with pytest.raises(UsageError, match="several sets of weights"):
            muybridge.robustness("mine:Net", videos, **asked)
        run = muybridge.robustness("mine:Net", videos, **asked, weights_key="ema")
    finally:
        del sys.modules["mine"]
    assert run.result["checkpoint"]["key"] == "ema"
