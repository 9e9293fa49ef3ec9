"""Models that a user gives, of torchvision and of a local folder, under one claim about their falls: nothing is fetched."""

from pathlib import Path

import pytest
import torch

import muybridge
from muybridge.report.claims.user_claims import claims_of
from muybridge.report.claims.verdicts import judge
from muybridge.report.gather.collect import collect
from muybridge.report.sections.study.claims_section import world
from muybridge.runs.contents.study_file import read_study

CLIPS = (
    "data: [{videos}], classes: {classes}, frames: 8, stride: 1, short_side: 36, crop: 32, views: 1x1, "
    "types: [gaussian_noise, jpeg], severities: [1, 3]"
)
STUDY = """
title: Do R3D and TimeSformer fall as far as is said?
cells:
  - robustness: {{name: r3d, model: "torchvision:r3d_18", weights: {weights}, {clips}}}
  - robustness: {{name: timesformer, model: "hf:{folder}", {clips}}}
claims:
  - say: Under noise and compression R3D falls further than TimeSformer, by 30 and by 5 points.
    drops: {{of: noise+digital, unit: points, models: {{"torchvision:r3d_18": 30, "hf:{folder}": 5}}, within: 5}}
"""


def test_two_given_models_are_claimed_about_in_points(videos: Path, tmp_path: Path):
    torchvision, transformers = pytest.importorskip("torchvision"), pytest.importorskip("transformers")
    names = ["left", "right"]
    (tmp_path / "classes.txt").write_text("\n".join(names))
    torch.manual_seed(0)
    torch.save(torchvision.models.video.r3d_18(num_classes=2).state_dict(), tmp_path / "r3d.pt")
    config = transformers.TimesformerConfig(
        image_size=32, patch_size=8, num_frames=8, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        num_labels=2, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)},
    )  # fmt: skip
    transformers.TimesformerForVideoClassification(config).save_pretrained(tmp_path / "timesformer")
    clips = CLIPS.format(videos=videos, classes=tmp_path / "classes.txt")
    folders = {"weights": tmp_path / "r3d.pt", "folder": tmp_path / "timesformer"}
    (tmp_path / "study.yaml").write_text(STUDY.format(clips=clips, **folders))
    out = tmp_path / "out"
    muybridge.study(tmp_path / "study.yaml", out=out, workers=1, device="cpu")
    said = {"torchvision:r3d_18": 0.30, f"hf:{tmp_path / 'timesformer'}": 0.05}
    gathered = collect(out)
    assert {name for one in gathered.of("robustness") for name in one.arms} == set(said)
    (judged,) = judge(claims_of(read_study(out)), world(gathered))
    assert not judged.missing
    assert len(judged.runs) == 2
    assert [line.words.split(",")[-1].strip() for line in judged.evidence[:2]] == ["within 5"] * 2
    assert all("points of accuracy" in line.words for line in judged.evidence)
    for line, (name, value) in zip(judged.evidence[:2], said.items(), strict=True):
        rows = next(
            gathered.rows[one.signature] for one in gathered.runs if one.result["facets"]["arm"] == name
        )
        clean = rows.under(("clean", 0)).correct.mean()
        falls = [
            clean - rows.under((kind, s)).correct.mean()
            for kind in ("gaussian_noise", "jpeg")
            for s in (1, 3)
        ]
        assert line.interval is not None
        assert line.interval.value == pytest.approx(sum(falls) / 4 - value, abs=1e-9)
