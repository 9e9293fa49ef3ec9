"""Published architectures of torchvision and transformers go through the robustness verb; their packages are optional."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import muybridge
from muybridge.core.errors import UsageError
from muybridge.data.decode import video
from muybridge.data.sets.builtin_render import render

NAMES = ("left", "right", "up")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    for number, label in enumerate(NAMES[:2] * 2):
        (root / label).mkdir(exist_ok=True)
        video.write(
            root / label / f"{number}.mp4",
            np.kron(render(0, "train", number)[0], np.ones((1, 2, 2, 1), np.uint8)),
            12,
        )
    (root / "classes.txt").write_text("\n".join(NAMES))
    return root


def measured(model: str, videos: Path, out: Path, **options: Any) -> dict[str, Any]:
    run = muybridge.robustness(
        model, str(videos), classes=str(videos / "classes.txt"), types=("jumbling", "jpeg"), severities=(1, 5), out=out,
        stride=1, workers=1, views="1x1", **{"short_side": 72} | options,
    )  # fmt: skip
    content = json.loads((run.path / "result.json").read_text())
    assert len(run.rows) == 4 * 5
    assert run.rows.scores.shape[1] == len(NAMES)
    assert content["identity"]["equal"]
    return content


def test_torchvision(videos: Path, tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    state = torchvision.models.video.r3d_18(num_classes=len(NAMES)).state_dict()
    torch.save(state, tmp_path / "r3d.pt")
    result = measured(
        "torchvision:r3d_18", videos, tmp_path / "out", weights=str(tmp_path / "r3d.pt"), frames=8, crop=64
    )
    assert result["model"]["classes"] == len(NAMES)
    assert (result["protocol"]["frames"], result["protocol"]["crop"]) == (8, 64)


def test_transformers_from_a_folder(videos: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.VideoMAEConfig(
        image_size=32, patch_size=8, num_frames=8, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        num_labels=len(NAMES), id2label=dict(enumerate(NAMES)), label2id={name: i for i, name in enumerate(NAMES)},
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.VideoMAEForVideoClassification(config).save_pretrained(tmp_path / "model")
    result = measured(f"hf:{tmp_path / 'model'}", videos, tmp_path / "out")
    assert (result["protocol"]["frames"], result["protocol"]["crop"]) == (8, 32)
    assert result["model"]["preprocessing"]["mean"] == pytest.approx([0.485, 0.456, 0.406])
    said = {"image_processor_type": "VideoMAEImageProcessor", "size": {"shortest_edge": 40}, "crop_size": 32}
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps(said))
    other = measured(f"hf:{tmp_path / 'model'}", videos, tmp_path / "out", short_side=None)
    assert other["signature"] != result["signature"]
    assert other["protocol"]["short_side"] == 40
    assert other["model"]["preprocessing"]["mean"] == [0.5] * 3


def test_random_weights_are_not_measured(videos: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(UsageError, match="drawn at random"):
        muybridge.robustness("hf:videomae", str(videos), classes=str(videos / "classes.txt"), out=tmp_path)
