"""Networks of other packages: refused by name and by their tensors, with a way out that works."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

import muybridge
from muybridge.backbones import check_name
from muybridge.backbones.weights import elsewhere
from muybridge.cli.models.weights import WEIGHTS
from muybridge.config.stage_configs import RobustnessConfig
from muybridge.core.errors import UsageError
from muybridge.runs.stages import STAGES
from muybridge.stages.job.origins import find_inputs
from muybridge.stages.testing.models import load


@pytest.mark.parametrize("name", [*elsewhere.ONE_PATHWAY, *elsewhere.TWO_PATHWAYS, *elsewhere.FAMILIES])
def test_every_name_is_refused_by_name_wherever_it_is_given(name: str, tmp_path: Path):
    for given in (name, name.upper(), name.replace("_", "-")):
        with pytest.raises(UsageError, match=r"is not built here[.].*--model (module|pytorchvideo[.]).*FILE"):
            check_name(given)
    with pytest.raises(UsageError, match=f"--model {name}: {name} .*is not built here"):
        find_inputs(RobustnessConfig(model=str(tmp_path / name)), STAGES["robustness"].inputs)
    with pytest.raises(UsageError, match=f"--model torchvision:{name}: {name} .*is not built here"):
        load(RobustnessConfig(model=f"torchvision:{name}", weights="w.pt"))
    with pytest.raises(UsageError, match=f"weights convert {name}: {name} "):
        WEIGHTS.run(["convert", name, "w.pyth"])


def test_mvit_of_pytorchvideo_leads_to_its_map():
    with pytest.raises(UsageError, match=r"weights convert mvit FILE.*torchvision:mvit_v1_b"):
        WEIGHTS.run(["convert", "mvit_base_16x4", "w.pyth"])


def test_own_names_are_none_of_them():
    for name in ("r2plus1d", "i3d", "r3d", "slow_r18", "torchvision:r3d_18", "x3d_new", ""):
        assert elsewhere.by_name(name) == ""
    assert (
        elsewhere.by_tensors(["blocks.0.attn.qkv.weight", "layer1.0.conv1.0.weight", "stem.0.weight"]) == ""
    )


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        ("blocks.0.multipathway_blocks.0.conv.weight", "SlowFast of PyTorchVideo.*slowfast_r50"),
        ("module.s1.pathway1_stem.conv.weight", "SlowFast of its authors"),
        ("s1.pathway0_stem.conv_xy.weight", "a ResNet or X3D of SlowFast's authors"),
        ("backbone.fast_path.conv1.conv.weight", "SlowFast of mmaction2"),
        ("blocks.1.res_blocks.0.branch1_conv.weight", "a ResNet or X3D of PyTorchVideo.*hub:slow_r50"),
        ("backbone.layer1.0.conv1.conv.weight", "a ResNet of mmaction2"),
    ],
)
@pytest.mark.parametrize("kind", ["videomae", "mvit"])
def test_a_checkpoint_is_known_by_its_tensors(tensor: str, words: str, kind: str, tmp_path: Path):
    torch.save({"model_state": {tensor: torch.zeros(1), "head.bias": torch.zeros(1)}}, tmp_path / "w.pyth")
    with pytest.raises(UsageError, match=f"By their names these are weights of {words}"):
        WEIGHTS.run(["convert", kind, str(tmp_path / "w.pyth")])


def test_the_way_out_works_as_written(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A hub of the same shape: a function that builds without weights, and a file with them under model_state."""

    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.proj = nn.Conv3d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.proj(self.conv(x).mean((2, 3, 4)))

    def slow_r50(pretrained: bool = False, progress: bool = True, **kwargs: object) -> nn.Module:
        assert not pretrained
        return Slow()

    hub = ModuleType("hub_of_others")
    hub.slow_r50 = slow_r50  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hub_of_others", hub)
    torch.manual_seed(1)
    network = Slow().eval()
    torch.save({"model_state": network.state_dict()}, tmp_path / "w.pyth")
    values = {
        "types": ("gaussian_noise",), "severities": (1,), "frames": 4, "stride": 1, "short_side": 16, "crop": 16, "views": "1x1",
    }  # fmt: skip
    words = {"mean": (0.45,), "std": (0.225,)}
    ours = muybridge.robustness(
        "hub_of_others:slow_r50",
        videos,
        out=tmp_path / "a",
        weights=str(tmp_path / "w.pyth"),
        **values,
        **words,
    )
    mine = muybridge.robustness(network, videos, out=tmp_path / "b", **values, **words)
    assert ours.result["numbers"] == mine.result["numbers"]


def test_the_hub_builds_every_network_that_is_named():
    hub = pytest.importorskip("pytorchvideo.models.hub")
    for name in (*elsewhere.ONE_PATHWAY, *elsewhere.TWO_PATHWAYS, *elsewhere.TRANSFORMERS):
        assert callable(getattr(hub, name))
