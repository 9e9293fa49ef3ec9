"""Test videos that were in the pretraining are named, and can be kept out of it."""

from dataclasses import replace
from pathlib import Path

import pytest

import muybridge
from muybridge.config.stage_configs import PretrainConfig, ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.data.index import divide
from muybridge.data.sources import load
from muybridge.stages.job.job import Job
from muybridge.stages.job.resolve import resolve
from muybridge.stages.pretrain import training_videos
from muybridge.studies.plan import plan
from muybridge.studies.shipped.quickstart import cells
from muybridge.studies.study_configs import QuickstartConfig

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


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"held_out_folds": 3}, "--held-out-folds: goes with --held-out-fold"),
        ({"held_out_fold": 99}, "fold 99 does not exist"),
        ({"held_out_fold": 0, "held_out_folds": 1}, "cannot make 1 folds"),
    ],
)
def test_folds_that_do_not_exist_are_refused(values: dict, words: str, videos: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=words):
        muybridge.pretrain(data=videos, out=tmp_path, objective="rotnet", budget=24, **SMALL, **values)


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


def listed(videos: Path, path: Path, column: str = "who") -> Path:
    """A list of the videos with four groups."""
    lines = [
        f"{one},{one.parent.name},{number % 4}" for number, one in enumerate(sorted(videos.rglob("*.mp4")))
    ]
    path.write_text(f"path,label,{column}\n" + "\n".join(lines))
    return path


def asked_of(data: Path, out: Path, pretrained: dict, tested: dict) -> bool:
    """Whether a probe is transductive."""
    job = resolve(PretrainConfig(data=(str(data),), out=out, **pretrained, **SMALL))
    init = str(job.run.path)
    return resolve(
        ProbeConfig(data=(str(data),), out=out, init=init, **tested, **SMALL), {init: vars(job.config)}
    ).transductive


def test_folds_by_other_groups_are_other_folds(videos: Path, tmp_path: Path):
    """The number of the fold is the same, its videos are not."""
    data = listed(videos, tmp_path / "list.csv")
    few = {"held_out_fold": 0, "held_out_folds": 8}  # two videos; four are tested
    assert asked_of(data, tmp_path, few, {"fold": 0, "group": "who"})
    assert not asked_of(data, tmp_path, {"held_out_fold": 0, "group": "who"}, {"fold": 0, "group": "who"})
    assert not asked_of(data, tmp_path, {"held_out_fold": 0, "held_out_folds": 2}, {"fold": 0, "folds": 2})
    assert asked_of(data, tmp_path, few, {"fold": 0, "folds": 4})


def test_a_fold_held_out_of_data_with_a_split_shows_what_the_split_tests(videos: Path, tmp_path: Path):
    for number, one in enumerate(sorted(videos.rglob("*.mp4"))):
        place = tmp_path / "set" / ("test" if number % 4 == 0 else "train") / one.parent.name / one.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(one)
    small = {"allow_links": True}
    assert not asked_of(tmp_path / "set", tmp_path, small, small)
    assert asked_of(tmp_path / "set", tmp_path, small | {"held_out_fold": 0}, small)
    assert asked_of(tmp_path / "set", tmp_path, small, small | {"fold": 0})
    assert not asked_of(tmp_path / "set", tmp_path, small | {"held_out_fold": 0}, small | {"fold": 0})


def test_a_column_that_was_renamed_since_stops_nothing(videos: Path, tmp_path: Path):
    data = listed(videos, tmp_path / "list.csv")
    job = resolve(PretrainConfig(data=(str(data),), out=tmp_path, group="who", **SMALL))
    init, told = str(job.run.path), vars(job.config)
    listed(videos, data, "person")
    assert resolve(
        ProbeConfig(data=(str(data),), out=tmp_path, init=init, group="person", fold=0, **SMALL), {init: told}
    ).transductive


def test_an_at_sign_in_a_folder_is_a_letter(videos: Path, tmp_path: Path):
    one, other = tmp_path / "me@one", tmp_path / "me@other"
    one.symlink_to(videos)
    other.mkdir()
    for path in videos.rglob("*.mp4"):
        (other / path.parent.name).mkdir(exist_ok=True)
        (other / path.parent.name / path.name).write_bytes(path.read_bytes())
    job = resolve(PretrainConfig(data=(str(one),), out=tmp_path, **SMALL))
    init = str(job.run.path)
    probe = ProbeConfig(data=(str(other),), out=tmp_path, init=init, fold=0, **SMALL)
    assert not resolve(probe, {init: vars(job.config)}).transductive


def test_every_seed_of_a_study_says_it(videos: Path, tmp_path: Path):
    jobs = planned(videos, tmp_path, transductive=True, seeds=3)
    told = [job.transductive for job in jobs if job.stage in ("probe", "finetune") and "init" in job.inputs]
    assert told == [True] * len(told)
    assert {job.config.seed for job in jobs} >= {0, 1, 2}
