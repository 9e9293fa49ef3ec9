"""The whole chain on real videos; skips where ``MUYBRIDGE_REAL_DATA`` names no folder with them."""

import os
from pathlib import Path

import numpy as np
import pytest

from muybridge.core.plain_data import read_json
from muybridge.runs.contents.predictions import concatenate, read_predictions
from muybridge.runs.records import find_runs

ROOT = os.environ.get("MUYBRIDGE_REAL_DATA", "")
pytestmark = pytest.mark.skipif(
    not ROOT or not Path(ROOT, "adl_clips.csv").is_file(),
    reason="real clips are not here: set MUYBRIDGE_REAL_DATA to a folder with adl_clips.csv and clips.csv",
)
SMALL = ("--budget", 288, "--epochs", 2, "--size", 40, "--crop", 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from muybridge.cli.main import main

    out = tmp_path_factory.mktemp("real") / "out"
    adl, clips = Path(ROOT, "adl_clips.csv"), Path(ROOT, "clips.csv")
    words = (
        "quickstart",
        "--data",
        adl,
        "--group",
        "subject",
        "--pretrain-data",
        adl,
        clips,
        "--out",
        out,
        *SMALL,
    )
    assert main([str(word) for word in words]) == 0
    return out


def of_stage(folder, stage):
    return [run for run in find_runs(folder) if run.stage == stage]


def test_all_69_clips_are_decoded_and_pretrained_on(folder):
    runs = of_stage(folder, "pretrain")
    assert {run.result["facets"]["arm"] for run in runs} == {"rotnet", "vcop"}
    for run in runs:
        assert run.result["data"]["videos"] == {"train": 69}
        assert run.result["data"]["broken"] == []


def test_both_tasks_spent_one_budget(folder):
    spent = [run.result["budget"] for run in of_stage(folder, "pretrain")]
    assert len({(one["clips"], one["steps"], one["frames"]) for one in spent}) == 1


def test_every_clip_is_tested_once_by_a_model_that_never_saw_its_subject(folder):
    for arm in ("random", "rotnet", "vcop"):
        runs = [run for run in of_stage(folder, "probe") if run.result["facets"]["arm"] == arm]
        assert sorted(run.result["facets"]["fold"] for run in runs) == [0, 1, 2, 3]
        folds = [read_predictions(run.path / "predictions.parquet") for run in runs]
        subjects = [set(rows.group.tolist()) for rows in folds]
        assert all(len(one) == 1 for one in subjects)
        everything = concatenate(folds)
        assert len(np.unique(everything.video)) == len(everything) == 49


def test_neighbours_are_of_other_subjects(folder):
    for run in of_stage(folder, "neighbours"):
        queries = run.result["neighbours"]["queries"]
        assert len(queries) == 49
        for query in queries:
            own = query["video"].split("/")[1][:2]
            assert all(found["video"].split("/")[1][:2] != own for found in query["nearest"])
        assert {query["video"] for query in queries} <= set(run.strips)


def test_the_report_says_that_four_subjects_are_few(folder):
    report = (folder / "report.md").read_text()
    assert "only 4 source groups" in report
    assert not read_json(folder / "study.json")["failed"]
