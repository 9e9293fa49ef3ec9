"""Every pretext task on every backbone: one step on the embedded data and on the real clips, or the reason why not.

The quick part takes the tiny networks; ``slow`` takes those of full size on small clips, transformers' and torchvision's networks, and the
command line.
"""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from muybridge.augment.chain import augment
from muybridge.backbones import BACKBONES, build, check_clip
from muybridge.config.stage_configs import PretrainConfig
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.data.sets.builtin_render import render
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.objective import Learner
from muybridge.stages.training.options import complete, options
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed

TASKS = [
    name for name, entry in OBJECTIVES.items() if entry.facts["pretext"] and not entry.facts.get("captions")
]  # test_video_text has its own
FULL = ["c3d", "r3d", "r2plus1d", "shufflenet", "mobilenet", "squeezenet"]
TINY = [name for name, entry in BACKBONES.items() if entry.facts["group"] == "tiny"]
VIDEOS = 4
FEWER = {"tdl": ("queue=4",), "rspnet": ("queue=4",)}


@lru_cache
def videos() -> np.ndarray:
    return np.stack([render(0, "train", i)[0] for i in range(VIDEOS)])


def clip_of(law: Any, step: int) -> Clip:
    draws = [law.draw(videos().shape[1], seeding.rng(0, step, i)) for i in range(VIDEOS)]
    frames = np.stack([video[draw.frames] for video, draw in zip(videos(), draws, strict=True)])
    drawn = {name: torch.tensor([draw.facts[name] for draw in draws]) for name in draws[0].facts}
    pixels = torch.from_numpy(frames).permute(0, 4, 1, 2, 3).contiguous()
    return Clip(pixels, torch.full((VIDEOS,), -1), tuple(map(str, range(VIDEOS))), drawn)


def one_step(task: str, backbone: Any, config: PretrainConfig, folder: Path) -> dict[str, Any]:
    """The only row of the training curve after a step as the stage makes it."""
    check_clip(backbone, config.frames, config.crop)
    objective = OBJECTIVES[task].load()(backbone.dim, **options(config))
    law = objective.law(config.frames, config.stride, config.gap, config.short)
    objective.needs(VIDEOS, VIDEOS)
    learner = Learner(backbone, objective, config.frames, config.crop)
    chains = [config.augment, config.augment2 or config.augment]
    fit(
        learner, Fixed(), lambda start, stop: (clip_of(law, step) for step in range(start, stop)),
        lambda frames, rng, view=0: augment(frames, chains[view], config.crop, rng),
        Recipe(1, lr=1e-3, weight_decay=0.0), choose("cpu", "fp32"), seed=0, folder=folder,
    )  # fmt: skip
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(np.isfinite(value.numpy()).all() for value in learner.state_dict().values())
    return json.loads(lines[-1])


def learns(task: str, name: str, folder: Path, frames: int = 8, crop: int = 32) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = build(name)
        config = PretrainConfig(
            objective=task,
            backbone=name,
            frames=frames,
            crop=crop,
            stride=1,
            objective_options=FEWER.get(task, ()),
        )
        before = {key: value.clone() for key, value in backbone.named_parameters()}
        row = one_step(task, backbone, complete(config), folder)
    assert np.isfinite(row["loss"])
    assert row["grad_norm"] > 0
    assert any((before[key] != value).any() for key, value in backbone.named_parameters())


def refuses(task: str, name: str, folder: Path, **clips: int) -> None:
    with pytest.raises(UsageError, match=r"masked: the backbone \(.*\) has no tokens") as refusal:
        learns(task, name, folder, **clips)
    assert "vit-tiny" in str(refusal.value)


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("task", TASKS)
def test_a_tiny_backbone_takes_a_step_of_every_task(task: str, name: str, tmp_path: Path) -> None:
    fits = task != "masked" or name == "vit-tiny"
    (learns if fits else refuses)(task, name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("task", TASKS)
def test_a_full_size_backbone_takes_a_step_of_every_task(task: str, name: str, tmp_path: Path) -> None:
    (refuses if task == "masked" else learns)(task, name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_swin_takes_a_step_of_every_task(task: str, tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    (refuses if task == "masked" else learns)(task, "torchvision:swin3d_t", tmp_path)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Config folders of two small transformers of 8 frames of 32 pixels."""
    transformers = pytest.importorskip("transformers")
    sizes = {
        "num_frames": 8, "image_size": 32, "patch_size": 8, "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    }  # fmt: skip
    root = tmp_path_factory.mktemp("configs")
    for kind in ("timesformer", "videomae"):
        transformers.AutoConfig.for_model(kind, **sizes).save_pretrained(root / kind)
    return {kind: f"hf:{root / kind}" for kind in ("timesformer", "videomae")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["timesformer", "videomae"])
@pytest.mark.parametrize("task", TASKS)
def test_a_transformer_from_a_local_config_takes_a_step_of_every_task(
    task: str, kind: str, folders: dict[str, str], tmp_path: Path
) -> None:
    fits = task != "masked" or kind == "videomae"
    (learns if fits else refuses)(task, folders[kind], tmp_path)


@pytest.mark.slow
def test_a_transformer_refuses_clips_of_another_size(folders: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--frames 4: .*timesformer takes 8 only\. Set --frames 8"):
        learns("rotnet", folders["timesformer"], tmp_path, frames=4)
    with pytest.raises(UsageError, match=r"--crop 24: .*videomae takes 32 only"):
        learns("masked", folders["videomae"], tmp_path, crop=24)


PAIRS = [
    ("rotnet", "c3d"), ("vcop", "shufflenet"), ("prp", "squeezenet"), ("speed", "mobilenet"), ("arrow-of-time", "r3d"),
    ("cvrl", "r2plus1d"), ("tdl", "shufflenet-tiny"), ("rspnet", "r2plus1d-tiny"), ("masked", "vit-tiny"),
]  # fmt: skip
REAL = os.environ.get("MUYBRIDGE_REAL_DATA", "")


@pytest.mark.slow
@pytest.mark.parametrize("data", ["builtin-motions", "adl_clips.csv"])
@pytest.mark.parametrize(("task", "name"), PAIRS)
def test_pretrain_takes_every_task_and_backbone_on_embedded_and_real_videos(
    task: str, name: str, data: str, run: Any, tmp_path: Path
) -> None:
    if data.endswith(".csv"):
        if not REAL or not Path(REAL, data).is_file():
            pytest.skip("real clips are not here: set MUYBRIDGE_REAL_DATA to a folder with adl_clips.csv")
        data = str(Path(REAL, data))
    words = (
        "--objective",
        task,
        "--backbone",
        name,
        "--data",
        data,
        "--stride",
        1,
        "--limit",
        8,
        "--batch",
        12,
    )
    chosen = ("--objective-options", "queue=8") if task in FEWER else ()
    code, _, errors = run(
        "pretrain", *words, *chosen, "--budget", 1, "--budget-unit", "steps", "--out", tmp_path / "out"
    )
    assert code == 0, errors
    (weights,) = (tmp_path / "out").glob("runs/pretrain/*/weights.safetensors")
    assert weights.stat().st_size > 0
