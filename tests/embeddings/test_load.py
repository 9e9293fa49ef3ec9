"""``muybridge.load``: what it gives answers as the run did, for every kind of model; what it cannot load is refused in words."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import muybridge
from muybridge.core.errors import MuybridgeError, UsageError, VideoError
from muybridge.core.plain_data import write_json
from muybridge.data.decode import video
from muybridge.perturb.apply import CLEAN
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import Run
from muybridge.runs.seal import seal
from muybridge.sampling.frame_numbers import Sampling
from muybridge.stages.training.material import build_backbone

NAMES = ("left", "right", "up")


def differences(run: Run, model: nn.Module, videos: Path) -> float:
    """Largest difference between the scores of a run and those of a loaded model, over the largest score."""
    rows = read_predictions(run.path / "predictions.parquet")
    rows = rows.condition(CLEAN, 0)
    found = []
    for name in sorted(set(rows.video)):
        with torch.no_grad():
            scores = model(model.read(videos / name)).numpy()
        wanted = rows.scores[rows.video == name]
        assert scores.shape == wanted.shape
        assert (scores.argmax(1) == wanted.argmax(1)).all()
        found.append(np.abs(scores - wanted).max() / np.abs(rows.scores).max())
    assert len(found) > 1
    return max(found)


@pytest.mark.parametrize("stage", ["finetune", "probe"])
def test_a_run_answers_as_it_did(stage: str, trained: dict[str, Run], videos: Path) -> None:
    model = muybridge.load(trained[stage])
    assert not model.training
    assert model.classes == ("left", "right")
    assert model.clip_protocol.views == (2 if stage == "finetune" else 6)
    assert (
        differences(trained[stage], model, videos) < 1e-4
    )  # batches of another size are summed in another order
    rows = read_predictions(trained[stage].path / "predictions.parquet")
    together = torch.cat([model.read(videos / name) for name in dict.fromkeys(rows.video)])
    with torch.no_grad():
        assert np.array_equal(model(together).numpy(), rows.scores)  # the batch of the run, the same bits


def test_a_pretrained_network_gives_its_features(trained: dict[str, Run], videos: Path) -> None:
    run = trained["pretrain"]
    model = muybridge.load(run)
    path = videos / "left" / "3.mp4"
    numbers = Sampling(4, 2).views(24, 1)
    pixels = video.read(path, numbers, height=28, width=28)[:, :, 2:26, 2:26]
    clips = torch.from_numpy(pixels).permute(0, 4, 1, 2, 3)
    assert torch.equal(model.read(path), clips)
    with torch.no_grad():
        wanted = build_backbone("r2plus1d-tiny", 0, run).eval()(clips.float() / 255).pooled
        assert torch.allclose(model(clips), wanted, atol=1e-5)
        assert torch.equal(model.features(clips), model(clips))
    assert model.classes is None
    assert (model.mean, model.std) == ((0.45,) * 3, (0.225,) * 3)
    early = muybridge.load(run.path / "weights-50.safetensors")
    assert not torch.allclose(early(clips), model(clips), atol=1e-3)


def test_clips_of_a_run_can_be_cut_otherwise(trained: dict[str, Run], videos: Path) -> None:
    model = muybridge.load(trained["finetune"], views="3x1", frames=6)
    assert model.read(videos / "left" / "0.mp4").shape == (3, 3, 6, 24, 24)
    with pytest.raises(UsageError, match=r"--fps: goes with models that are no run.*--views"):
        muybridge.load(trained["finetune"], fps=12)


def test_gradients_flow_and_floats_are_taken(trained: dict[str, Run], videos: Path) -> None:
    model = muybridge.load(trained["finetune"])
    clips = model.read(videos / "left" / "0.mp4")
    assert torch.allclose(model(clips), model(clips.float() / 255))
    model.train()
    model(clips).sum().backward()
    assert all(one.grad is not None for one in model.backbone.parameters())
    with pytest.raises(UsageError, match="uint8 or float in 0 to 1"):
        model(clips[0])


def test_torchvision_answers_as_robustness_says(videos: Path, tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    torch.save(torchvision.models.video.mc3_18(num_classes=2).state_dict(), tmp_path / "mc3.pt")
    clips = {"frames": 4, "stride": 2, "short_side": 40, "crop": 32, "views": "1x3"}
    weights = str(tmp_path / "mc3.pt")
    run = muybridge.robustness(
        "torchvision:mc3_18", videos, weights=weights, types=[CLEAN], severities=[1], limit=2, workers=1, out=tmp_path / "out", **clips
    )  # fmt: skip
    model = muybridge.load("torchvision:mc3_18", weights=weights, **clips)
    assert differences(run, model, videos) < 1e-5
    assert model.mean == pytest.approx((0.43216, 0.394666, 0.37645))
    with pytest.raises(UsageError, match="head=False"):
        model.features(model.read(videos / "left" / "0.mp4"))
    without = muybridge.load(f"torchvision:mc3_18={weights}", head=False, **clips)
    shown = without.read(videos / "left" / "0.mp4")
    with torch.no_grad():
        assert torch.allclose(model.network.model.fc(without(shown)), model(shown), atol=1e-5)


def test_transformers_answer_as_robustness_says(videos: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.VideoMAEConfig(
        image_size=32, patch_size=8, num_frames=8, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        num_labels=len(NAMES), id2label=dict(enumerate(NAMES)), label2id={name: i for i, name in enumerate(NAMES)},
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.VideoMAEForVideoClassification(config).save_pretrained(tmp_path / "model")
    said = {
        "image_processor_type": "VideoMAEImageProcessor",
        "size": {"shortest_edge": 36},
        "crop_size": 32,
        "image_mean": [0.1, 0.2, 0.3],
    }
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps(said))
    run = muybridge.robustness(
        f"hf:{tmp_path / 'model'}", videos, types=[CLEAN], severities=[1], limit=2, stride=1, views="1x1", workers=1, out=tmp_path / "out"
    )  # fmt: skip
    model = muybridge.load(f"hf:{tmp_path / 'model'}", stride=1, views="1x1")
    assert differences(run, model, videos) < 1e-5
    assert model.classes == NAMES
    assert (model.clip_protocol.short_side, model.clip_protocol.crop) == (36, 32)
    assert model.mean == pytest.approx((0.1, 0.2, 0.3))
    without = muybridge.load(f"hf:{tmp_path / 'model'}", head=False, stride=1, views="1x1")
    shown = without.read(videos / "left" / "0.mp4")
    assert without(shown).shape == (1, 32)
    assert torch.equal(shown, model.read(videos / "left" / "0.mp4"))


def test_code_of_the_user(own_code: str, videos: Path) -> None:
    model = muybridge.load(own_code, mean=[128], std=[64], range="0-255", views="1x1")
    clips = model.read(videos / "left" / "0.mp4")
    assert clips.shape == (1, 3, 4, 24, 24)
    wanted = 2 * (clips.float() - 128).mean((2, 3, 4)) / 64
    with torch.no_grad():
        assert torch.allclose(model(clips), wanted, atol=1e-4)
        assert torch.allclose(
            muybridge.load("code_of_mine:plain", crop=24)(clips),
            clips.float().mean((2, 3, 4)) / 255,
            atol=1e-5,
        )
    assert model.mean == pytest.approx((128 / 255,) * 3)
    assert muybridge.load(own_code).mean is None


def test_code_that_a_run_names_wants_consent(own_code: str, videos: Path, tmp_path: Path) -> None:
    run = muybridge.finetune(
        data=videos, backbone=own_code, epochs=1, fold=0, frames=4, stride=1, size=28, crop=24, out=tmp_path / "out"
    )  # fmt: skip
    with pytest.raises(UsageError, match=f"--trust-code {own_code}"):
        muybridge.load(run)
    assert differences(run, muybridge.load(run, trust_code=own_code), videos) < 1e-5


def test_a_run_of_an_older_version(trained: dict[str, Run], videos: Path, tmp_path: Path) -> None:
    """It has none of the fields that came later, neither in its config nor in its result."""
    run = trained["finetune"]
    old = Run(tmp_path / "runs" / "finetune" / run.signature)
    shutil.copytree(run.path, old.path)
    later = (
        "crops",
        "stream",
        "trust_code",
        "allow_links",
        "weights_key",
        "weights_prefix",
        "threads",
        "prereg",
    )
    config = yaml.safe_load((old.path / "config.yaml").read_text())
    (old.path / "config.yaml").write_text(yaml.safe_dump({k: v for k, v in config.items() if k not in later}))
    content = json.loads((old.path / "result.json").read_text())
    content["config"] = {k: v for k, v in content["config"].items() if k not in later}
    for name in ("files", "sha256", "summary", "protocol"):
        content.pop(name, None)
    (old.path / "result.json").unlink()
    write_json(old.path / "result.json", seal(old.path, content))
    assert differences(old, muybridge.load(old), videos) < 1e-5


def test_what_cannot_be_loaded_is_said(trained: dict[str, Run], videos: Path, tmp_path: Path) -> None:
    for word, said in (
        ("", "wanted a folder OUT/runs"),
        (str(tmp_path / "runs" / "finetune" / ("0" * 16)), "no config.yaml|wanted a folder"),
        ("r2plus1d-tny", "Did you mean 'r2plus1d-tiny'"),
        ("torchvision:r3d_18", "--weights"),
        ("i3d", "--weights"),
        ("no_such_module:build", "cannot be imported"),
    ):
        with pytest.raises(UsageError, match=said):
            muybridge.load(word)
    with pytest.raises(UsageError, match="names no weights"):
        muybridge.load("hf:videomae", head=False)
    robust = muybridge.robustness(trained["finetune"], types=[CLEAN], severities=[1], out=tmp_path / "out")
    with pytest.raises(
        UsageError, match=r"has no weights of its own. Give the run or network of its --model"
    ):
        muybridge.load(robust)
    unfinished = tmp_path / "runs" / "finetune" / trained["finetune"].signature
    shutil.copytree(trained["finetune"].path, unfinished)
    (unfinished / "result.json").unlink()
    with pytest.raises(MuybridgeError, match="Run its command"):
        muybridge.load(unfinished)
    with pytest.raises(VideoError):
        muybridge.load(trained["finetune"]).read(trained["finetune"].path / "config.yaml")


def test_an_untrained_backbone(videos: Path) -> None:
    model = muybridge.load("r3d-tiny", seed=3)
    assert model.origin.untrained
    clips = model.read(videos / "left" / "0.mp4")
    assert torch.equal(model(clips), muybridge.load("r3d-tiny", seed=3)(clips))
    assert not torch.equal(model(clips), muybridge.load("r3d-tiny")(clips))


def test_the_tower_of_a_dual_encoder_is_shown_the_clips_of_its_zeroshot_run(tmp_path: Path):
    pytest.importorskip("transformers")
    from muybridge.backbones.text.dual_encoders import dual_encoder
    from muybridge.stages.texts.text_scored import clip_of
    from tiny_pairs import make

    folder = make(tmp_path / "clip", "clip")
    said = {"size": {"shortest_edge": 24}, "crop_size": 16, "do_center_crop": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    found, wanted = muybridge.load(f"hf:{folder}").clip_protocol, clip_of(dual_encoder(str(folder)))
    assert (found.short_side, found.crop) == (wanted["short_side"], wanted["crop"]) == (24, 16)


@pytest.mark.parametrize("stage", ["finetune", "pretrain"])
@pytest.mark.parametrize("word", ["{}", "hf:{}"])
def test_an_exported_folder_is_the_network_of_its_run(
    word: str, stage: str, tmp_path: Path, trained: dict[str, Run]
) -> None:
    folder = tmp_path / "exported"
    muybridge.export(trained[stage], format="hf", out=folder)
    own, copied = muybridge.load(trained[stage]), muybridge.load(word.format(folder))
    kept, told = own.clip_protocol, copied.clip_protocol
    assert (told.frames, told.stride, told.sampling) == (kept.frames, kept.stride, kept.sampling)
    assert (told.crop, told.short_side) == (kept.crop, kept.short_side)
    assert copied.classes == own.classes
    clips = torch.rand(2, 3, kept.frames, kept.crop, kept.crop)
    with torch.no_grad():
        torch.testing.assert_close(copied(clips), own(clips), rtol=0, atol=1e-5)
        torch.testing.assert_close(
            copied.backbone(clips).pooled, own.backbone(clips).pooled, rtol=0, atol=1e-5
        )
    with pytest.raises(UsageError, match="weights of its own"):
        muybridge.load(word.format(folder), weights="w.pt")
