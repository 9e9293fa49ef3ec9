"""--sampling uniform from training to report: the frames that networks see, what may be trained so, and what is said of it."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from frozen_helpers import TINY

import muybridge
from muybridge.config.stage_configs import FinetuneConfig, PretrainConfig, ProbeConfig
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.networks.features import Classifier
from muybridge.data.decode.video import read_all
from muybridge.data.index import divide
from muybridge.data.sources import load
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.labels.supervised import Supervised
from muybridge.report.gather.same_protocol import clip_of
from muybridge.report.tables.protocol_table import clip_words
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import Run
from muybridge.sampling.frame_numbers import Sampling
from muybridge.sampling.whole_video import Uniform
from muybridge.stages.testing.clip_protocol import of_run
from muybridge.stages.training.material import build_backbone
from muybridge.stages.training.pretext import build_objective
from muybridge.stages.training.tasks import with_auxiliaries
from muybridge.stages.training.transfer_protocol import transfer_of
from muybridge.train.checkpoint import load_weights

UNIFORM: dict[str, Any] = TINY | {"sampling": "uniform"}
AT_A_QUARTER, AT_THREE_QUARTERS = [1, 7, 13, 19], [4, 10, 16, 22]
"""Of four parts of six frames each."""


@pytest.fixture(scope="module")
def tuned(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("uniform")
    return muybridge.finetune(data=videos, out=out, fold=0, epochs=2, views=2, **UNIFORM)


def test_it_is_tested_on_one_frame_of_each_part(tuned: Run, videos: Path) -> None:
    backbone: Any = build_backbone("r2plus1d-tiny", 0)
    classifier = Classifier(backbone, backbone.dim, 2)
    classifier.load_state_dict(load_weights(tuned.path / "weights.safetensors"))
    rows = read_predictions(tuned.path / "predictions.parquet")
    _, test = divide(load((str(videos),)), 0)
    by_hand = []
    for record in test:
        frames = read_all(record.path, height=20, width=20, fit="crop")
        for view in (AT_A_QUARTER, AT_THREE_QUARTERS):
            clip = torch.from_numpy(frames[view][:, 2:18, 2:18].copy()).permute(3, 0, 1, 2)[None]
            with torch.no_grad():
                by_hand.append(classifier.eval()(clip.float() / 255)[0].numpy())
    assert len(rows) == 2 * len(test)
    np.testing.assert_allclose(rows.scores, np.stack(by_hand), atol=2e-3)


def test_it_is_trained_on_draws_of_the_same_law(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    plain = Uniform.draw
    monkeypatch.setattr(Uniform, "draw", lambda law, total, rng: seen.append(total) or plain(law, total, rng))
    muybridge.finetune(data=videos, out=tmp_path, fold=0, epochs=1, **UNIFORM)
    assert len(seen) > 12
    assert set(seen) <= {4, 24}, "videos of 24 frames, and the law's own span where its length is asked for"


def test_every_stage_after_it_cuts_the_same_clips(tuned: Run, videos: Path) -> None:
    out = tuned.path.parents[2]
    disturbed = muybridge.robustness(
        model=tuned, out=out, types=("jumbling",), severities=(1,), precision="fp32"
    )
    told = disturbed.result["protocol"]
    assert (told["frames"], told["stride"], told["sampling"], told["temporal"]) == (4, 1, "uniform", 2)
    assert muybridge.load(tuned).clip_protocol.sampling == "uniform"
    assert clip_of(tuned) == "4 uniform"
    assert clip_words(tuned.result["protocol"]["clips"]).startswith("4 uniform, 2x1 views")


def test_an_exported_folder_says_so_and_older_ones_are_dense(tuned: Run, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    muybridge.export(tuned, format="hf", out=folder)
    assert "the middle frame of each of 4 equal parts of the video" in (folder / "README.md").read_text()
    assert muybridge.load(folder).clip_protocol.sampling == "uniform"
    content = json.loads((folder / "config.json").read_text())
    del content["muybridge"]["clip"]["sampling"]
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    (older / "config.json").write_text(json.dumps(content))
    assert muybridge.load(older).clip_protocol.sampling == "dense"
    content["muybridge"]["clip"]["sampling"] = "every other"
    (older / "config.json").write_text(json.dumps(content))
    with pytest.raises(MuybridgeError, match="clip"):
        muybridge.load(older)


@pytest.mark.parametrize("task", sorted(name for name in OBJECTIVES if OBJECTIVES[name].facts["pretext"]))
def test_a_task_is_cut_so_or_refuses(task: str) -> None:
    """Whatever the catalogue holds: one plain clip is cut uniformly, any other law is refused and not ignored."""
    backbone = "vit-tiny" if OBJECTIVES[task].facts.get("tokens") else "r2plus1d-tiny"
    config = PretrainConfig(objective=task, backbone=backbone, sampling="uniform")
    primary = build_objective(config, 64)
    dense = primary.law(8, 2, 0, "shrink")
    if type(dense) is Sampling and dense.clips == 1:
        assert with_auxiliaries(config, task, primary, 64).law(8, 2, 0, "shrink") == Uniform(8)
    else:
        with pytest.raises(UsageError, match=f"--sampling uniform: {task} cuts its clips"):
            with_auxiliaries(config, task, primary, 64)


def test_auxiliary_tasks_keep_their_laws() -> None:
    config = FinetuneConfig(auxiliary=("vcop", "rotnet"), sampling="uniform")
    joint = with_auxiliaries(config, "supervised", Supervised(64, 2), 64).law(8, 2, 0, "shrink")
    assert [type(law).__name__ for law in joint.laws] == ["Uniform", "Sampling", "Sampling"]


def test_a_step_that_nobody_uses_names_no_other_protocol() -> None:
    uniform = [transfer_of(ProbeConfig(sampling="uniform", stride=stride)).hash for stride in (1, 3)]
    assert uniform[0] == uniform[1] != transfer_of(ProbeConfig(stride=1)).hash
    assert of_run(ProbeConfig(sampling="uniform", stride=0)).sampling == "uniform"
    assert dataclasses.replace(of_run(ProbeConfig()), sampling="uniform", stride=1) == of_run(
        ProbeConfig(sampling="uniform")
    )


def test_a_refusal_leaves_no_run_behind(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--sampling uniform: vcop cuts its clips"):
        muybridge.pretrain(data=videos, out=tmp_path / "out", objective="vcop", budget=48, **UNIFORM)
    assert not list(tmp_path.rglob("config.yaml"))
