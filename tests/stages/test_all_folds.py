"""--fold all: every group is tested once, by a network that never saw it, and there is one result over all videos."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import muybridge
from muybridge.cli.main import main
from muybridge.config.stage_configs import KnnConfig, ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.data.index import assign_folds
from muybridge.data.sources import load
from muybridge.measure.intervals import accuracy_interval
from muybridge.report.gather.collect import collect
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import Run, find_runs
from muybridge.stages.job.resolve import resolve
from muybridge.studies.plan import plan

SMALL: dict[str, Any] = {
    "frames": 4,
    "stride": 1,
    "size": 20,
    "crop": 16,
    "batch": 12,
    "precision": "fp32",
    "folds": 4,
}
PRETRAIN = {name: value for name, value in SMALL.items() if name != "folds"} | {"held_out_folds": 4}


@pytest.fixture(scope="module")
def pooled(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """One result of each verb over all folds."""
    out = tmp_path_factory.mktemp("folds")
    run = {
        name: getattr(muybridge, name)(data=videos, out=out, fold="all", **SMALL)
        for name in ("probe", "knn", "retrieval")
    }
    return run | {
        "finetune": muybridge.finetune(
            data=videos, out=out, fold="all", epochs=1, validation=0.25, **SMALL | {"batch": 4}
        )
    }


def folds_of(run: Run) -> list[Run]:
    return [Run(run.path.parent / one["signature"]) for one in run.result["folds"]]


@pytest.mark.parametrize("verb", ["probe", "knn", "finetune"])
def test_every_video_is_answered_once_by_the_network_that_did_not_see_its_group(verb, pooled, videos: Path):
    dataset, run = load((str(videos),)), pooled[verb]
    rows = read_predictions(run.path / "predictions.parquet")
    assert sorted(rows.video.tolist()) == sorted(record.id for record in dataset.records)
    assignment = assign_folds(dataset, 4)
    of = {record.id: assignment[record.group] for record in dataset.records}
    given = {(video, score.tobytes()) for video, score in zip(rows.video.tolist(), rows.scores, strict=True)}
    for fold, part in enumerate(folds_of(run)):
        own = read_predictions(part.path / "predictions.parquet")
        assert {of[video] for video in own.video.tolist()} == {fold}
        assert {
            (video, score.tobytes()) for video, score in zip(own.video.tolist(), own.scores, strict=True)
        } <= given
    assert run.result["numbers"]["accuracy"] == pytest.approx(float(np.mean(rows.correct)))
    assert run.result["data"]["videos"] == {"test": len(dataset)}
    assert accuracy_interval([rows]).groups == len(set(assignment))


def test_other_weights_of_fine_tuning_are_joined_too(pooled: dict[str, Run]):
    files = {path.name for path in pooled["finetune"].path.glob("*.parquet")}
    assert files == {"predictions.parquet", "predictions-best-validation.parquet"}


@pytest.mark.parametrize(("verb", "field"), [("knn", "knn"), ("retrieval", "recall")])
def test_counts_of_neighbours_are_those_of_the_folds(verb: str, field: str, pooled: dict[str, Run]):
    told, parts = pooled[verb].result, [one.result for one in folds_of(pooled[verb])]
    assert told[field]
    for row in told[field]:
        same = [
            next(r for r in part[field] if r["k"] == row["k"] and r.get("vote") == row.get("vote"))
            for part in parts
        ]
        right = sum(pair[0] for one in same for pair in one["groups"].values())
        asked = sum(pair[1] for one in same for pair in one["groups"].values())
        assert row["accuracy" if verb == "knn" else "value"] == pytest.approx(right / asked)
        assert len(row["groups"]) == sum(len(one["groups"]) for one in same)
    assert told.get("majority", {}).get("groups", {}).keys() == {
        name for part in parts for name in part.get("majority", {}).get("groups", {})
    }


def test_the_report_counts_no_video_twice(pooled: dict[str, Run], videos: Path):
    found = collect(pooled["probe"].path.parents[2])
    for one in found.of("probe", "knn", "finetune", "retrieval"):
        assert [run.result["facets"]["fold"] for run in one.runs] == [0, 1, 2, 3]


def test_the_joined_result_stands_where_a_fold_was_deleted(tmp_path: Path, videos: Path):
    run = muybridge.knn(data=videos, out=tmp_path, fold="all", **SMALL)
    assert (
        main(["runs", "rm", folds_of(run)[0].signature, "--out", str(tmp_path), "--yes"]) == 2
    )  # it rests on it
    assert main(["runs", "rm", folds_of(run)[0].signature, "--out", str(tmp_path), "--yes", "--force"]) == 0
    assert [one.signature for one in collect(tmp_path).runs] == [run.signature]


def test_python_and_command_line_make_the_same_run(pooled, videos: Path, tmp_path: Path, capsys):
    words = [
        word for name, value in SMALL.items() for word in (f"--{name}", str(value)) if name != "precision"
    ]
    command = [
        "knn",
        "--data",
        str(videos),
        "--out",
        str(tmp_path),
        "--fold",
        "all",
        "--precision",
        "fp32",
        *words,
    ]
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.count("to do") == 5
    assert main(command) == 0
    said = capsys.readouterr().out
    assert f"all 4 folds: {pooled['knn'].result['numbers']['accuracy']:.1%}" in said
    assert str(tmp_path / "runs" / "knn" / pooled["knn"].signature) in said


def test_a_fold_that_was_run_alone_is_not_run_again(pooled: dict[str, Run], videos: Path):
    out = pooled["knn"].path.parents[2]
    alone = muybridge.knn(data=videos, out=out, fold=2, **SMALL)
    assert alone.signature == pooled["knn"].result["folds"][2]["signature"]


def test_each_fold_starts_from_the_pretraining_without_it(videos: Path, tmp_path: Path):
    values: dict[str, Any] = {
        "data": videos,
        "out": tmp_path,
        "objective": "rotnet",
        "budget": 24,
        **PRETRAIN,
    }
    runs = [muybridge.pretrain(held_out_fold=fold, **values) for fold in (0, 1, 2)]
    config = KnnConfig(data=(str(videos),), out=tmp_path, init=str(runs[1].path), fold="all", **SMALL)
    with pytest.raises(UsageError, match=r"no run beside it left out fold 3. Make it: muybridge pretrain"):
        resolve(config)
    runs.append(muybridge.pretrain(held_out_fold=3, **values))
    job = resolve(config)
    assert [Path(part.init) for part in job.parts.values()] == [run.path for run in runs]
    assert not job.transductive
    assert job.facets["arm"] == "rotnet"
    with pytest.raises(UsageError, match=r"left out one of 4 folds, and 2 are tested[.] Give --folds 4"):
        resolve(KnnConfig(**vars(config) | {"folds": 2}))


def test_one_pretraining_on_everything_is_transductive_in_every_fold(videos: Path, tmp_path: Path):
    run = muybridge.pretrain(
        data=videos,
        out=tmp_path,
        objective="rotnet",
        budget=24,
        **{k: v for k, v in PRETRAIN.items() if k != "held_out_folds"},
    )
    told = muybridge.knn(data=videos, out=tmp_path, init=run, fold="all", **SMALL).result
    assert told["transductive"] is True
    assert any(note.startswith("transductive:") for note in told["notes"])


def test_what_has_no_joined_result_is_refused(pooled: dict[str, Run], videos: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="--model: joins the answers of all folds"):
        muybridge.robustness(str(pooled["probe"].path), out=tmp_path, types=("gaussian_noise",))
    with pytest.raises(UsageError, match="--teachers: joins the answers of all folds"):
        muybridge.distill([pooled["probe"].path], data=videos, out=tmp_path, **{**SMALL, "batch": 4}, fold=0)
    with pytest.raises(UsageError, match="--fold all: diversity"):
        muybridge.diversity(data=videos, out=tmp_path, fold="all", auxiliary=("rotnet",), **SMALL)
    with pytest.raises(UsageError, match="a study names its folds"):
        plan(one for one in [ProbeConfig(data=(str(videos),), out=tmp_path, fold="all", **SMALL)])
    with pytest.raises(UsageError, match="fold: 'some'; wanted int or 'all'"):
        muybridge.probe(data=videos, out=tmp_path, fold="some")


def test_best_ranks_arms_and_not_folds(pooled: dict[str, Run], videos: Path, tmp_path: Path, capsys):
    for seed in (0, 1):
        for fold in range(4):
            muybridge.probe(data=videos, out=tmp_path, fold=fold, seed=seed, **SMALL)
    muybridge.knn(data=videos, out=tmp_path, fold="all", **SMALL)
    assert main(["runs", "best", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "(2 seeds, 4 folds: " in said
    assert said.count("probe/") + said.count("knn/") == 2
    rows = [
        read_predictions(run.path / "predictions.parquet")
        for run in find_runs(tmp_path)
        if run.stage == "probe"
    ]
    mean = np.mean([np.concatenate([one.correct for one in rows]).mean()])
    assert f"{mean:.1%}".replace("%", " %") in said


@pytest.mark.slow
def test_killed_in_a_later_fold_the_same_command_goes_on(videos: Path, tmp_path: Path):
    words = "--fold all --folds 4 --frames 4 --stride 1 --size 20 --crop 16 --batch 4 --precision fp32 --epochs 40"
    command = [sys.executable, "-m", "muybridge", "finetune", "--data", str(videos), *words.split(), "--out"]
    process = subprocess.Popen([*command, str(tmp_path / "a")], stderr=subprocess.DEVNULL)
    folder, deadline = tmp_path / "a" / "runs" / "finetune", time.monotonic() + 300
    while len(list(folder.glob("*/result.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("*/result.json")}
    assert 2 <= len(kept) < 5
    for name in ("a", "b"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    done = [
        next(run for run in find_runs(tmp_path / name) if run.result["facets"]["fold"] == "all")
        for name in ("a", "b")
    ]
    assert done[0].signature == done[1].signature
    assert len({(run.path / "predictions.parquet").read_bytes() for run in done}) == 1
