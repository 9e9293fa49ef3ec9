"""Runs of every kind with weights, made once, and code of a user's own."""

from pathlib import Path

import pytest

import muybridge
from muybridge.runs.records import Run


@pytest.fixture(scope="session")
def trained(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A pretrain, a finetune and a probe run in float32, as `load` computes; two views, the probe with three crops."""
    out = tmp_path_factory.mktemp("embeddings")
    small = {
        "data": str(videos),
        "frames": 4,
        "stride": 2,
        "size": 28,
        "crop": 24,
        "precision": "fp32",
        "out": out,
    }
    pretrain = muybridge.pretrain(objective="rotnet", budget=48, batch=16, **small)
    return {
        "pretrain": pretrain,
        "finetune": muybridge.finetune(epochs=1, fold=0, views=2, **small),
        "probe": muybridge.probe(init=pretrain, fold=0, views=2, crops=3, **small),
    }


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """``module:function`` of a module on the path: colours and the rise of the red one; fed as it is."""
    (tmp_path / "code_of_mine.py").write_text(
        "import torch\n"
        "class Means(torch.nn.Module):\n"
        "    clip_frames, clip_size, layers = 4, 24, ('twice',)\n"
        "    def __init__(self):\n"
        "        super().__init__(); self.twice = torch.nn.Identity(); self.scale = torch.nn.Parameter(torch.ones(3))\n"
        "    def forward(self, x):\n"
        "        return self.twice(2 * x).mean((2, 3, 4)) * self.scale\n"
        "def build():\n    return Means()\n"
        "def plain():\n    return lambda x: x.mean((2, 3, 4))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "code_of_mine", raising=False)
    return "code_of_mine:build"
