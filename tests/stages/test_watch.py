import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import muybridge
from muybridge.augment.chain import augment
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.config.stage_configs import PretrainConfig
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.measure.features.feature_health import feature_std, rankme
from muybridge.objectives.objective import Learner, Objective, Outcome
from muybridge.objectives.pretext.rotnet import RotNet
from muybridge.sampling.frame_numbers import Sampling
from muybridge.stages import pretrain
from muybridge.stages.job.job import Job
from muybridge.stages.job.resolve import resolve
from muybridge.stages.training import training
from muybridge.stages.training.health import Changed, controls, undisturbed, watch_every, watch_of, watched
from muybridge.stages.training.material import Material, prepare
from muybridge.train.loop import Recipe, fit
from muybridge.train.precision import choose
from muybridge.weighting.fixed import Fixed

SMALL: dict[str, Any] = {
    "frames": 4,
    "stride": 1,
    "size": 20,
    "crop": 16,
    "batch": 8,
    "device": "cpu",
    "precision": "fp32",
}
CPU = choose("cpu", "fp32")


@pytest.fixture
def job(videos: Path, tmp_path: Path) -> Job:
    return resolve(PretrainConfig(**SMALL, data=(str(videos),), objective="rotnet", out=tmp_path / "out"))


def material_of(job: Job) -> Material:
    return prepare(job, {"train": pretrain.training_videos(job)}, job.config, Sampling(4))


def with_split(job: Job) -> Job:
    """The same videos, every second one held out."""
    records = [replace(r, split=("train", "test")[i % 2]) for i, r in enumerate(job.dataset.records)]
    return replace(job, dataset=replace(job.dataset, records=records))


@pytest.mark.parametrize("objective", ["rotnet", "vcop"])
def test_training_is_the_same_bit_for_bit_with_and_without_looks(
    objective: str, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = {**SMALL, "data": str(videos), "objective": objective, "budget": 160}
    monkeypatch.setattr(training, "watch_every", lambda *numbers: 1)
    seen = muybridge.pretrain(**words, out=tmp_path / "seen")
    monkeypatch.setattr(training, "fit", lambda *a, **k: fit(*a, **(k | {"watch": None})))
    unseen = muybridge.pretrain(**words, out=tmp_path / "unseen")
    assert (seen.path / "weights.safetensors").read_bytes() == (
        unseen.path / "weights.safetensors"
    ).read_bytes()
    looks = [row for row in seen.metrics if "health" in row]
    assert len(looks) == seen.result["budget"]["steps"]
    assert [row for row in seen.metrics if "health" not in row] == unseen.metrics


def test_a_run_tells_its_health(videos: Path, tmp_path: Path):
    run = muybridge.pretrain(**SMALL, data=str(videos), objective="rotnet", budget=160, out=tmp_path)
    health = run.result["health"]
    assert {"effective_rank", "feature_std", "most_rank", "controls"} == set(health), (
        "no split, so no neighbours"
    )
    assert health["most_rank"] == 16
    assert 1 <= health["effective_rank"] <= 16.01
    assert {"normal", "still", "shuffled"} < set(health["controls"])
    assert (
        health["effective_rank"]
        == next(r for r in reversed(run.metrics) if "health" in r)["health"]["effective_rank"]
    )
    assert "loss" in run.metrics[-1], "readers of the last row find a row of the training curve"


def backbone(seed: int = 0) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return tiny((4, 4, 6, 8))


def test_a_look_measures_the_features_in_evaluation_mode_and_leaves_no_trace(job: Job):
    network = backbone().train()
    network.stages[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [part.training for part in network.modules()]
    watch = watch_of(with_split(job), network, material_of(job), CPU)
    torch.manual_seed(5)
    told = watch()
    assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(5)))
    assert [part.training for part in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    network.eval()
    clips = list(watch.view.clips(watch.material, "watched"))
    found = torch.cat([network(clip.frames.float() / 255).pooled.detach() for clip in clips]).numpy()
    assert told["effective_rank"] == pytest.approx(rankme(found), rel=1e-4)
    assert told["feature_std"] == pytest.approx(feature_std(found), rel=1e-4)
    assert set(told) == {"effective_rank", "feature_std", "knn"}
    assert watch.rank == 8


def test_modes_come_back_after_an_error():
    network = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2).eval())

    def look() -> None:
        with undisturbed(network):
            assert not any(part.training for part in network.modules())
            assert not torch.is_grad_enabled()
            raise KeyError

    with pytest.raises(KeyError):
        look()
    assert [part.training for part in network.modules()] == [True, True, False]
    assert torch.is_grad_enabled()


def test_values_that_are_no_number_are_left_out(job: Job):
    network = backbone()
    nn.init.constant_(network.stages[0][0].weight, float("nan"))
    assert watch_of(job, network, material_of(job), CPU)() == {}


def test_labels_are_those_of_training_or_validation_videos_and_controls_have_none(job: Job):
    material = material_of(job)
    alone = watched(job, material).parts
    assert {r.label for part in alone.values() for r in part} == {-1}
    assert len(alone["watched"]) == len(alone["controls"]) == 16
    parts = watched(with_split(job), material).parts
    assert {r.label for r in parts["watched"]} == {0, 1}
    assert {(r.split, r.label) for r in parts["controls"]} == {("test", -1)}
    training = {r.id for r in material.parts["train"]}
    assert {r.id for r in parts["watched"]} <= training


def test_validation_videos_are_looked_at_where_there_are_some(job: Job):
    split = with_split(job)
    records = tuple(replace(r, split="val" if r.split == "test" else r.split) for r in split.dataset.records)
    parts = watched(replace(split, dataset=replace(split.dataset, records=records)), material_of(job)).parts
    assert {r.split for r in parts["watched"]} == {"val"}
    assert {r.label for r in parts["watched"]} == {0, 1}


def test_a_trial_has_decoded_no_held_out_video(job: Job):
    material = material_of(job)
    elsewhere = replace(
        material, places={r.id: i for i, r in enumerate(material.parts["train"]) if i % 2 == 0}
    )
    few = watched(with_split(job), replace(elsewhere, parts={"train": material.parts["train"][:3]}))
    assert few.parts["controls"] == few.parts["watched"]


@pytest.mark.parametrize(
    ("steps", "clips", "videos", "looks"),
    [(833, 40_000, 256, 10), (500, 24_000, 256, 7), (10, 80, 16, 1), (5, 10**7, 16, 5)],
)
def test_looks_are_rare_enough_and_at_most_ten(steps: int, clips: int, videos: int, looks: int):
    every = watch_every(steps, clips, videos)
    assert math.ceil(steps / every) == looks
    forward_passes = looks * videos
    assert looks == 1 or forward_passes <= 3 * 0.025 * clips


def test_controls_keep_the_places_of_the_clips():
    law = Sampling(5, 2, clips=3, gap=1)
    for seed in range(20):
        drawn, still, shuffled = (
            one.draw(60, seeding.rng(seed)).frames.reshape(3, 5)
            for one in (law, Changed(law, "still"), Changed(law, "shuffled"))
        )
        assert (still == drawn[:, :1]).all()
        assert (np.sort(shuffled, axis=1) == drawn).all()
    assert (shuffled != drawn).any()
    changed = Changed(law, "still")
    assert (changed.clips, changed.short, changed.span) == (law.clips, law.short, law.span)
    assert [changed.fits(total) for total in (law.span - 1, law.span)] == [False, True]


def cropped(size: int, frames: torch.Tensor, rng: torch.Generator, view: int = 0) -> torch.Tensor:
    return augment(frames, ("crop",), size, rng)


class Motion(Objective):
    """Answers right where the first two frames differ."""

    clips, chance = 1, 0.5

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__()
        self.name, self.drawn = name, []

    def views(self, clip: Clip, augment: Any, rng: torch.Generator) -> dict[str, torch.Tensor]:
        self.drawn.append(int(torch.randint(10**9, (), generator=rng)))
        return {"clip": augment(clip.frames, rng).float()}

    def outcome(self, encode: Any, views: Any) -> Outcome:
        assert not self.training
        moves = (views["clip"][:, :, 0] != views["clip"][:, :, 1]).flatten(1).any(1).float().mean()
        return Outcome({}, {"other": moves - 3, "accuracy": 1 - moves, self.name: moves} if self.name else {})


def test_controls_ask_the_task_about_untouched_still_and_shuffled_clips(job: Job):
    watch = watch_of(job, backbone(), material_of(job), CPU)
    change = partial(cropped, 16)
    task = Motion()
    told = controls(Learner(backbone(), task), watch.loader(Sampling(4), 8, 3), change, CPU)
    assert told == {
        "normal": 1,
        "still": 0,
        "shuffled": 1,
        "chance": 0.5,
        "answers": 128,
        "monitor": "accuracy",
    }
    assert task.drawn[:16] == task.drawn[16:32] == task.drawn[32:], "the same views but for the frames"
    own = controls(
        Learner(backbone(), Motion("speed_accuracy")), watch.loader(Sampling(4), 8, 3), change, CPU
    )
    assert own["monitor"] == "speed_accuracy"
    assert own["still"] == 0
    assert controls(Learner(backbone(), Motion("")), watch.loader(Sampling(4), 8, 3), change, CPU) == {}


def looked(folder: Path, stop: int | None, heard: list[Any]) -> None:
    """Seven steps on noise with a look every three."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = Learner(backbone(), RotNet(8))

    def watch() -> dict[str, float]:
        return {"effective_rank": float(sum(p.detach().abs().sum() for p in learner.parameters()))}

    def batches(start: int, last: int):
        for step in range(start, last):
            frames = torch.randint(
                0, 256, (4, 3, 2, 18, 18), generator=seeding.generator(0, step), dtype=torch.uint8
            )
            yield Clip(frames, torch.zeros(4, dtype=torch.int64), tuple("abcd"))

    fit(
        learner, Fixed(), batches, partial(cropped, 16), Recipe(7, 1e-2, 0.1, log_every=2), CPU,
        seed=0, folder=folder, watch=watch, watch_every=3, stop_after=stop,
        report=lambda step, steps, values: heard.append((step, values.get("effective_rank"))),
    )  # fmt: skip


def test_looks_are_rows_of_their_own_and_survive_a_stop(tmp_path: Path):
    whole, parts = [], []
    looked(tmp_path / "whole", None, whole)
    for stop in (4, None):
        looked(tmp_path / "parts", stop, parts)
    rows = [
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    ]
    assert rows[0] == rows[1]
    looks = {row["step"]: row["health"]["effective_rank"] for row in rows[0] if "health" in row}
    assert list(looks) == [3, 6, 7]
    assert len(set(looks.values())) == 3
    assert whole == [(1, None), (2, None), *((i, looks[3]) for i in (3, 4, 5)), (6, looks[6]), (7, looks[7])]
