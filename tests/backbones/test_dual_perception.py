"""Perception Encoder's pair of video and text, small and random, against the library's own forward."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from muybridge.backbones.text.dual import ZeroShot
from muybridge.backbones.text.dual_encoders import dual_encoder
from muybridge.core.errors import UsageError
from tiny_pairs import make

KINDS = ("pe_video", "pe_audio_video")
PROMPTS = ["a photo of riding bike", "a video of apply eye makeup", "brush hair", "playing guitar"]
NAMES = ("bike", "makeup", "hair", "guitar")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pytest.importorskip("timm", reason="needs timm")
    return {kind: make(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}


def clips(frames: int = 5, number: int = 3) -> torch.Tensor:
    return torch.rand(number, 3, frames, 16, 16, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("frames", [1, 5, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_librarys_forward(kind: str, frames: int, folders: dict[str, Path]):
    model = dual_encoder(str(folders[kind]))
    bare: Any = model.model
    pictures = model.prepare(clips(frames)).contiguous()
    own = bare(pixel_values_videos=pictures, **model.loaded.encoded(PROMPTS)).logits_video_text
    torch.testing.assert_close(ZeroShot(model, NAMES, [PROMPTS])(clips(frames)), own, atol=1e-5, rtol=1e-5)
    assert own.std() > 1e-3


def test_with_sound_the_whole_model_gives_the_same_scores_of_video_and_text(folders: dict[str, Path]):
    model = dual_encoder(str(folders["pe_audio_video"]))
    whole: Any = model.loaded.model
    frames = clips(number=len(PROMPTS))  # the library wants as many clips as texts here
    pictures = model.prepare(frames).contiguous()
    sound = torch.randn(len(PROMPTS), 1, 64, generator=torch.Generator().manual_seed(0))
    own = whole(input_values=sound, pixel_values_videos=pictures, **model.loaded.encoded(PROMPTS))
    torch.testing.assert_close(
        ZeroShot(model, NAMES, [PROMPTS])(frames), own.logits_video_text, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_frames_reaches_the_score(kind: str, folders: dict[str, Path]):
    model = dual_encoder(str(folders[kind]))
    judge = ZeroShot(model, NAMES, [PROMPTS])
    assert not model.order_free
    assert (judge(clips()) - judge(clips().flip(2))).abs().max() > 1e-5
    assert (model.clip_frames, model.clip_size) == (None, 16)


def test_templates_are_averaged_with_their_lengths(folders: dict[str, Path]):
    model = dual_encoder(str(folders["pe_video"]))
    templates = [PROMPTS, [f"the {name}" for name in PROMPTS]]
    rows = torch.stack([model.text(prompts) for prompts in templates])
    video = model.video(clips())
    whole, single = ZeroShot(model, NAMES, templates, "mean-first").both(clips())
    torch.testing.assert_close(whole, single.mean(dim=1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        single, model.scale * torch.einsum("bd,tkd->btk", video, rows) + model.bias, atol=1e-5, rtol=1e-5
    )
    first = ZeroShot(model, NAMES, templates)(clips())
    direction = F.normalize(F.normalize(rows, dim=-1).mean(0), dim=-1) * rows.norm(dim=-1).mean(0)[:, None]
    torch.testing.assert_close(first, model.scale * video @ direction.T + model.bias, atol=1e-5, rtol=1e-5)


def test_leftovers_are_refused(folders: dict[str, Path], tmp_path: Path):
    from safetensors.torch import load_file, save_file

    folder = make(tmp_path, "pe_video")
    state = load_file(folder / "model.safetensors")
    state.pop("video_head.proj.weight")
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"missing keys .*video_head\.proj\.weight"):
        dual_encoder(str(folder))


def test_without_timm_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    from tiny_pairs import config, tokenizer

    config("pe_video").save_pretrained(tmp_path)
    tokenizer(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setattr(transformers.utils.import_utils, "is_timm_available", lambda: False)
    monkeypatch.setitem(
        transformers.utils.import_utils.BACKENDS_MAPPING,
        "timm",
        (lambda: False, "needs timm: pip install timm"),
    )
    with pytest.raises(UsageError, match="pip install timm"):
        dual_encoder(str(tmp_path))
