"""Presets: the values of the sources, and that every one of them runs."""

from pathlib import Path
from typing import Any

import pytest
import torch

import muybridge
from muybridge.augment.chain import augment, spell
from muybridge.augment.geometry import centre_crop
from muybridge.cli.stage_verbs import parse_config as parse
from muybridge.config.presets import PRESETS
from muybridge.config.stage_configs import FinetuneConfig, ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.stages.job.base import preset
from muybridge.stages.training.training import schedule_of

FINETUNE = ("benchmark", "benchmark-small", "vcop", "rspnet", "severe")
TABLE = {
    "benchmark": (16, 112, "sgd", 1e-3, 5e-4, 8, 100),
    "benchmark-small": (16, 112, "sgd", 0.01, 5e-4, 8, 100),
    "vcop": (16, 112, "sgd", 1e-3, 5e-4, 8, 150),
    "rspnet": (16, 112, "sgd", 0.1, 1e-4, 8, 30),
    "severe": (32, 112, "adamw", 1e-4, 0.0, 32, 16),
}
"""Frames, crop, optimiser, learning rate, decay, batch and epochs (configurations and papers of each)."""


@pytest.mark.parametrize("name", FINETUNE)
def test_values_are_those_of_the_sources(name: str):
    one = preset(FinetuneConfig, name)
    found = (one.frames, one.crop, one.optimiser, one.lr, one.weight_decay, one.batch, one.epochs)
    assert found == TABLE[name]
    assert (one.views, one.warmup) == (10, 0.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vcop", dict.fromkeys(range(1, 151), 1.0)),
        ("benchmark", dict.fromkeys(range(1, 101), 1.0)),
        ("severe", {e: 0.3 ** sum(e > last for last in (6, 10, 14)) for e in range(1, 17)}),
    ],
)
def test_the_learning_rate_of_every_epoch(name: str, expected: dict[int, float]):
    one, per_epoch = preset(FinetuneConfig, name), 7
    schedule, steps = schedule_of(one), per_epoch * one.epochs
    for epoch, factor in expected.items():
        for step in ((epoch - 1) * per_epoch, epoch * per_epoch - 1):
            assert schedule(step, steps, one.warmup) == pytest.approx(factor), epoch


def test_tiny_trains_as_before():
    one = preset(FinetuneConfig, "tiny")
    assert (one.validation, one.keep, one.schedule, one.augment) == (0.0, "last", "cosine", ("crop",))
    factors = [schedule_of(one)(step, 100, one.warmup) for step in range(100)]
    assert factors[19] == max(factors) == 1.0
    assert factors[0] == 0.05
    assert factors[-1] < 0.01


def test_benchmark_trains_on_the_window_that_is_tested():
    one = preset(FinetuneConfig, "benchmark")
    rng = torch.Generator().manual_seed(0)
    frames = torch.randint(256, (2, 3, 2, one.size, one.size), generator=rng, dtype=torch.uint8)
    assert torch.equal(augment(frames, one.augment, one.crop, rng), centre_crop(frames, one.crop))
    wide = torch.randint(256, (1, 3, 1, 256, 342), generator=rng, dtype=torch.uint8)
    assert augment(wide, one.augment, one.crop, rng).shape[-2:] == (112, 112)


def test_chains_of_the_sources():
    (crop, flip) = spell(preset(FinetuneConfig, "rspnet").augment)
    assert (crop.area, crop.aspect, flip.p) == ((0.25, 1), (3 / 4, 4 / 3), 0.5)
    (crop, flip, jitter) = spell(preset(FinetuneConfig, "severe").augment)
    assert (crop.area, flip.p) == ((0.08, 1), 0.5)
    assert (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) == (0.4, 0.4, 0.4, 0.2)


def test_unknown_and_unfitting_presets_are_refused():
    with pytest.raises(UsageError, match=r"--preset bechmark: unknown\. Did you mean 'benchmark'"):
        preset(FinetuneConfig, "bechmark")
    with pytest.raises(
        UsageError, match="--preset vcop: has no values for neighbours; it has them for finetune"
    ):
        preset(muybridge.config.stage_configs.NeighboursConfig, "vcop")
    assert preset(ProbeConfig, "benchmark").crop == 112


@pytest.mark.parametrize("name", FINETUNE)
def test_every_preset_runs(name: str, videos: Path, tmp_path: Path):
    small: dict[str, Any] = {
        "backbone": "r2plus1d-tiny",
        "size": 20,
        "crop": 18,
        "views": 2,
        "fold": 1,
        "limit": 12,
        "epochs": 2,
    }
    run = muybridge.finetune(preset=name, data=videos, out=tmp_path, **small)
    one = preset(FinetuneConfig, name)
    assert ("weights" in run.result) == bool(one.validation)
    other = {"last": "best-validation", "best-validation": "last"}[one.keep]
    assert (run.path / f"predictions-{other}.parquet").exists() == bool(one.validation)
    lrs = {row["lr"] for row in run.metrics if "lr" in row}
    assert max(lrs) == pytest.approx(one.lr)
    assert (len(lrs) == 1) == (one.schedule == "steps")
    assert run.result["config"]["clip_norm"] == 1e9


def test_the_backbone_of_a_preset_gives_way_to_that_of_the_run(videos: Path, tmp_path: Path):
    small: dict[str, Any] = {
        "data": videos,
        "out": tmp_path,
        "frames": 4,
        "stride": 1,
        "size": 20,
        "crop": 18,
    }
    run = muybridge.pretrain(**small, backbone="shufflenet-tiny", objective="rotnet", budget=16, batch=8)
    probed = muybridge.probe(preset="benchmark", **small, init=run, views=1, fold=0, folds=2)
    assert probed.result["config"]["backbone"] == "shufflenet-tiny"
    with pytest.raises(UsageError, match=r"--backbone c3d: the run of --init has shufflenet-tiny"):
        muybridge.probe(preset="benchmark", **small, init=run, backbone="c3d", fold=0)
    config = parse(ProbeConfig, "muybridge probe", ["--preset", "severe", "--init", str(run.path)])
    assert (config.backbone, config.frames) == (ProbeConfig().backbone, 32)
    for init in ("random", "weights.safetensors"):
        assert parse(ProbeConfig, "", ["--preset", "severe", "--init", init]).backbone == "r2plus1d"


def test_every_stage_of_a_preset_has_known_fields():
    from muybridge.config import stage_configs as configs

    kinds = {
        kind.stage: kind
        for kind in vars(configs).values()
        if getattr(kind, "stage", None) and hasattr(kind, "out")
    }
    for name, stages in PRESETS.items():
        for stage in stages:
            preset(kinds[stage], name)
