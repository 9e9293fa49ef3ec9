"""What a transformers folder says of its pixels: against the processors of transformers themselves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from muybridge.backbones.outside.preprocessor import read_preprocessing
from muybridge.backbones.outside.zoo import backbone, classifier
from muybridge.core.errors import UsageError

transformers = pytest.importorskip("transformers")
SIDE = 32
CUT = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
CASES: dict[str, dict[str, Any]] = {
    "imagenet": {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
    "half": {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255},
    "nothing said": {},
    "no normalising": {"do_normalize": False},
    "no rescaling": {"do_rescale": False, "image_mean": [120.0, 110, 100], "image_std": [60.0, 61, 62]},
    "other factor": {"rescale_factor": 1 / 127.5},
    "one number": {"image_mean": 0.4, "image_std": 0.2},
}


def folder_with(path: Path, content: dict[str, Any] | None, name: str = "preprocessor_config.json") -> Path:
    config = transformers.VideoMAEConfig(
        image_size=SIDE, patch_size=8, num_frames=4, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=3,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.VideoMAEForVideoClassification(config).save_pretrained(path)
    if content is not None:
        (path / name).write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("case", CASES)
def test_logits_are_those_of_transformers_own_processor_and_model(tmp_path: Path, case: str):
    content = {"image_processor_type": "VideoMAEImageProcessor", **CUT, **CASES[case]}
    folder = folder_with(tmp_path, content)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, SIDE, SIDE, 3), dtype=np.uint8)
    process = transformers.AutoImageProcessor.from_pretrained(folder)
    fed = process([list(clip) for clip in pixels], return_tensors="pt", input_data_format="channels_last")
    theirs = transformers.AutoModelForVideoClassification.from_pretrained(folder).eval()
    ours = classifier(f"hf:{folder}").eval()
    frames = torch.from_numpy(pixels).permute(0, 4, 1, 2, 3).float() / 255
    with torch.no_grad():
        torch.testing.assert_close(ours.prepare(frames), fed["pixel_values"].float(), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(
            ours(frames), theirs(fed["pixel_values"].float()).logits, rtol=1e-3, atol=1e-3
        )
        again = backbone(f"hf:{folder}").prepare(frames)
    torch.testing.assert_close(again, fed["pixel_values"].float(), rtol=1e-4, atol=1e-4)


def test_vivit_subtracts_one_and_normalises(tmp_path: Path):
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "VivitImageProcessor"}')
    found = read_preprocessing(tmp_path, "vivit")
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    process = transformers.models.vivit.image_processing_vivit.VivitImageProcessor(do_resize=False)
    expected = process([[pixels]], return_tensors="np")["pixel_values"][0, 0]
    got = (pixels.transpose(2, 0, 1) / 255 - np.reshape(found.mean, (3, 1, 1))) / np.reshape(
        found.std, (3, 1, 1)
    )
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert (found.short_side, found.crop) == (256, 224)


def test_blue_first_is_turned_round(tmp_path: Path):
    content = {"image_processor_type": "VideoMAEImageProcessor", **CUT, "do_flip_channel_order": True}
    frames = torch.rand(1, 3, 4, SIDE, SIDE)
    turned = classifier(f"hf:{folder_with(tmp_path / 'bgr', content)}").prepare(frames)
    straight = classifier(
        f"hf:{folder_with(tmp_path / 'rgb', {**content, 'do_flip_channel_order': False})}"
    ).prepare(frames)
    assert not torch.equal(turned, straight)
    torch.testing.assert_close(turned, straight.flip(2))


def test_a_video_processor_makes_its_short_side_of_its_crop(tmp_path: Path):
    content = {
        "video_processor_type": "VJEPA2VideoProcessor",
        "crop_size": 64,
        "size": {"shortest_edge": 999},
    }
    (tmp_path / "video_preprocessor_config.json").write_text(json.dumps(content))
    found = read_preprocessing(tmp_path, "vjepa2")
    own = transformers.models.vjepa2.video_processing_vjepa2.VJEPA2VideoProcessor(crop_size=64)
    assert (found.short_side, found.crop) == (own.size["shortest_edge"], own.crop_size["height"])
    assert found.mean == pytest.approx(own.image_mean)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"size": {"height": 32, "width": 32}}, "squeezes"), ({"do_resize": False}, "do_resize"), ({"do_pad": True}, "do_pad"),
        ({"crop_size": {"height": 32, "width": 16}}, "crop_size"), ({"image_mean": [0.5]}, "image_mean"),
        ({"image_std": [0, 1, 1]}, "above 0"),
        ({"rescale_factor": "x"}, "rescale_factor"), ({"size": {"shortest_edge": 16}}, "does not fit"),
        ({"auto_map": {"AutoImageProcessor": "own.Processor"}}, "auto_map"), ({"image_processor_type": "Own"}, "'Own'"),
        ({"crop_size": 16}, "takes 32"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(tmp_path: Path, said: dict[str, Any], why: str):
    content = {"image_processor_type": "VideoMAEImageProcessor", **CUT, **said}
    with pytest.raises(UsageError, match=why):
        classifier(f"hf:{folder_with(tmp_path, content)}")


def test_weights_without_a_head_are_no_classifier(tmp_path: Path):
    folder = folder_with(tmp_path, None)
    whole = transformers.VideoMAEForVideoClassification.from_pretrained(folder)
    whole.videomae.save_pretrained(folder)
    with pytest.raises(UsageError, match=r"classifier.bias.*stay random"):
        classifier(f"hf:{folder}")
    backbone(f"hf:{folder}")
