"""Test videos that were in the pretraining are named, and can be kept out of it."""

from dataclasses import replace
from pathlib import Path

import pytest

import muybridge
from muybridge.data.index import divide
from muybridge.data.sources import load
from muybridge.stages.config import PretrainConfig, ProbeConfig
from muybridge.stages.job import Job, resolve
from muybridge.stages.pretrain import training_videos
from muybridge.studies.config import QuickstartConfig
from muybridge.studies.plan import plan
from muybridge.studies.quickstart import cells

SMALL = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 12, "precision": "fp32"}


@pytest.mark.parametrize("fold", [None, 0, 2])
def test_a_held_out_fold_is_not_learnt_from(fold: int | None, videos: Path, tmp_path: Path):
    job = resolve(PretrainConfig(data=(str(videos),), out=tmp_path, held_out_fold=fold, **SMALL))
    learnt = {record.id for record in training_videos(job)}
    if fold is None:
        assert len(learnt) == 16
        return
    train, test = divide(load((str(videos),)), fold)
    assert learnt == {record.id for record in train}
    assert not learnt & {record.id for record in test}


def planned(videos: Path, out: Path, **changes: object) -> list[Job]:
    config = QuickstartConfig(
        data=(str(videos),), out=out, budget=24, epochs=1, size=20, crop=16, tasks=("rotnet",)
    )
    return [cell.job for cell in plan(cells(replace(config, **changes)))]


def test_the_quickstart_pretrains_once_a_fold_without_it(videos: Path, tmp_path: Path):
    jobs = planned(videos, tmp_path)
    pretrained = {job.signature: job.config for job in jobs if job.stage == "pretrain"}
    folds = {config.held_out_fold for config in pretrained.values()}
    assert len(folds) == len(pretrained) > 1
    for job in jobs:
        if job.stage in ("probe", "finetune") and "init" in job.inputs:
            assert pretrained[job.inputs["init"].signature].held_out_fold == job.config.fold
            assert not job.transductive


def test_on_request_it_pretrains_on_everything_and_says_so(videos: Path, tmp_path: Path):
    jobs = planned(videos, tmp_path, transductive=True)
    assert sum(job.stage == "pretrain" for job in jobs) == 1
    told = {job.transductive for job in jobs if job.stage in ("probe", "finetune") and "init" in job.inputs}
    assert told == {True}


def test_what_is_transductive_stands_in_result_and_findings(videos: Path, tmp_path: Path):
    everything = muybridge.pretrain(data=videos, out=tmp_path / "all", objective="rotnet", budget=24, **SMALL)
    run = muybridge.probe(data=videos, out=tmp_path / "all", init=everything, fold=1, **SMALL)
    assert run.result["transductive"] is True
    assert any(note.startswith("transductive:") for note in run.result["notes"])
    assert "Transductive on" in muybridge.report(tmp_path / "all").markdown.read_text(encoding="utf-8")
    apart = muybridge.pretrain(
        data=videos, out=tmp_path / "apart", objective="rotnet", budget=24, held_out_fold=1, **SMALL
    )
    run = muybridge.probe(data=videos, out=tmp_path / "apart", init=apart, fold=1, **SMALL)
    assert run.result["transductive"] is False
    assert "Transductive on" not in muybridge.report(tmp_path / "apart").markdown.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("held_out", "fold", "seen"), [(1, 1, False), (1, 0, True), (0, None, False), (None, None, True)]
)
def test_another_fold_than_was_held_out_is_transductive(held_out, fold, seen, videos: Path, tmp_path: Path):
    asked = PretrainConfig(data=(str(videos),), out=tmp_path, held_out_fold=held_out, **SMALL)
    job = resolve(asked)
    init = str(job.run.path)
    probe = ProbeConfig(data=(str(videos),), out=tmp_path, init=init, fold=fold, **SMALL)
    assert resolve(probe, {init: vars(job.config)}).transductive is seen


def test_other_data_are_not(videos: Path, tmp_path: Path):
    job = resolve(PretrainConfig(data=("builtin-motions@24",), out=tmp_path, **SMALL))
    init = str(job.run.path)
    probe = ProbeConfig(data=(str(videos),), out=tmp_path, init=init, fold=0, **SMALL)
    assert not resolve(probe, {init: vars(job.config)}).transductive
