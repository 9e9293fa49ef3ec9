"""Frozen features of the public I3D on real clips, one subject left out at a time; skips where ``MUYBRIDGE_REAL_DATA`` has none of them."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from muybridge.measure.counts import joined, share
from muybridge.measure.intervals import accuracy_interval, difference
from muybridge.runs.contents.predictions import Predictions, concatenate, read_predictions
from muybridge.runs.records import Run, find_runs

ROOT = Path(os.environ.get("MUYBRIDGE_REAL_DATA", ""))
WEIGHTS, LIST = ROOT / "weights" / "i3d_rgb_kinetics400.pt", ROOT / "adl_clips.csv"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (WEIGHTS.is_file() and LIST.is_file()),
        reason="real clips and weights are not here: set MUYBRIDGE_REAL_DATA to a folder with adl_clips.csv and weights/",
    ),
]
CLIPS = ("--frames", 16, "--stride", 2, "--size", 256, "--crop", 224)
SUBJECTS = ("1", "2", "3", "4")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, list[Run]]:
    """All folds of every protocol, by stage."""
    from muybridge.cli.main import main

    out = tmp_path_factory.mktemp("i3d") / "out"
    words = (
        "--backbone",
        "i3d",
        "--init",
        WEIGHTS,
        "--data",
        LIST,
        "--group",
        "subject",
        *CLIPS,
        "--out",
        out,
    )
    for fold in range(4):
        for verb in (("knn",), ("probe",), ("retrieval", "--views", 1)):
            assert main([str(word) for word in (*verb, *words, "--fold", fold)]) == 0
    found = find_runs(out)
    return {stage: [run for run in found if run.stage == stage] for stage in ("knn", "probe", "retrieval")}


def rows_of(found: list[Run]) -> Predictions:
    return concatenate([read_predictions(run.path / "predictions.parquet") for run in found])


def always(run: Run) -> Predictions:
    """The answers of the most frequent training class."""
    own = rows_of([run])
    label = run.result["data"]["classes"].index(run.result["majority"]["class"])
    return replace(own, scores=np.tile(np.eye(4, dtype=np.float32)[label], (len(own), 1)))


@pytest.mark.parametrize("stage", ["knn", "probe"])
def test_every_clip_is_answered_once_without_its_subject(stage: str, runs):
    rows = rows_of(runs[stage])
    assert (len(rows), len(set(rows.video.tolist()))) == (49, 49)
    assert sorted(set(rows.group.tolist())) == list(SUBJECTS)
    assert all(len(set(rows_of([run]).group.tolist())) == 1 for run in runs[stage])


@pytest.mark.parametrize(("stage", "least"), [("knn", 0.4), ("probe", 0.6)])
def test_features_tell_more_than_the_most_frequent_class(stage: str, least: float, runs):
    """Above the majority class on the same clips, the interval clustered by subject."""
    rows = rows_of(runs[stage])
    baseline = concatenate([always(run) for run in runs[stage]])
    told = joined([run.result["majority"]["groups"] for run in runs[stage]])
    assert share(told).value == pytest.approx(accuracy_interval([baseline]).value)
    above = difference([rows], [baseline]).interval
    assert accuracy_interval([rows]).value > least
    assert above.low > 0
    assert above.groups == 4


def test_retrieval_finds_the_same_action_of_other_people(runs):
    counts = [run.result for run in runs["retrieval"]]
    assert sum(told["queries"] for told in counts) == 49
    assert {told["queries"] + told["gallery"] for told in counts} == {49}
    first = share(joined([told["recall"][0]["groups"] for told in counts]))
    precision = share(joined([told["average_precision"]["groups"] for told in counts]))
    assert (first.groups, precision.groups) == (4, 4)
    assert first.value > 0.4
    assert precision.value > 0.3, "a random order gives about a quarter"


def test_nearest_neighbour_and_recall_at_one_are_the_same_number(runs):
    by_fold = {run.result["facets"]["fold"]: run.result for run in runs["knn"]}
    for run in runs["retrieval"]:
        (nearest,) = (
            one
            for one in by_fold[run.result["facets"]["fold"]]["knn"]
            if (one["k"], one["vote"]) == (1, "majority")
        )
        assert nearest["accuracy"] == pytest.approx(run.result["recall"][0]["value"])
