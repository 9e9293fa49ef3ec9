"""Folders for FiftyOne: every number against the rows of the runs; the layout was read once by hand with FiftyOne 1.22.1."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported_runs import pretrained, probed

import muybridge
from muybridge.core.errors import UsageError
from muybridge.export.fiftyone_files import condition_name, confidences
from muybridge.measure.accuracy import video_level
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.records import Run

Call = Callable[..., tuple[int, str, str]]
CLASSES = ("left", "right")


@pytest.fixture(scope="module")
def out(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A probe and its robustness."""
    folder = tmp_path_factory.mktemp("out")
    muybridge.robustness(
        probed(videos, folder).path, types=["jumbling", "gaussian_noise"], severities=[1, 5], out=folder
    )
    return folder


@pytest.fixture(scope="module")
def tested(out: Path) -> Run:
    (path,) = (out / "runs" / "robustness").iterdir()
    return Run(path)


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    assert sorted(one.name for one in folder.iterdir()) == ["metadata.json", "samples.json"]
    told = json.loads((folder / "metadata.json").read_text())
    return told, json.loads((folder / "samples.json").read_text())["samples"]


def test_samples_are_the_rows_of_the_run(tested: Run, videos: Path, tmp_path: Path):
    made = muybridge.export(tested, "fiftyone", tmp_path / "fo")
    _, samples = read(made.path)
    rows = video_level(read_predictions(tested.path / "predictions.parquet"))
    assert {one["video_id"] for one in samples} == set(rows.video.tolist())
    assert len({one["_id"]["$oid"] for one in samples}) == len(samples)
    for sample in samples:
        assert Path(sample["filepath"]).is_file()
        assert Path(sample["filepath"]).parent.name == sample["ground_truth"]["label"]
        own = rows.where(rows.video == sample["video_id"])
        answers = {}
        for place in range(len(own)):
            name = condition_name(str(own.perturbation[place]), int(own.severity[place]))
            scores = own.scores[place].astype(np.float64)
            shares = np.exp(scores) / np.exp(scores).sum()
            answers[name] = CLASSES[int(scores.argmax())]
            assert sample[name]["label"] == answers[name]
            assert sample[name]["confidence"] == pytest.approx(shares.max(), rel=1e-5)
            assert sample[name]["_cls"] == "Classification"
        flips = [name for name, answer in answers.items() if answer != answers["clean"]]
        assert sorted(sample["flips"]) == sorted(flips)
        assert sample["flip_count"] == len(flips)
        assert sample["correct"] is (answers["clean"] == sample["ground_truth"]["label"])
    assert made.title == f"{len(samples)} videos with the answers of 1 run, 8 fields"


def test_every_field_of_the_samples_is_declared(tested: Run, tmp_path: Path):
    told, samples = read(muybridge.export(tested, "fiftyone", tmp_path / "fo").path)
    declared = {one["db_field"]: one for one in told["sample_fields"]}
    assert {name for sample in samples for name in sample} <= declared.keys()
    assert declared["jumbling_5"]["embedded_doc_type"] == "fiftyone.core.labels.Classification"
    assert declared["flips"]["ftype"] == "fiftyone.core.fields.ListField"
    assert (told["media_type"], told["version"]) == ("video", "1.4.0")
    assert told["info"]["muybridge"]["runs"][tested.signature]["stage"] == "robustness"


def test_a_folder_of_results_holds_every_run_with_answers(out: Path, tested: Run, tmp_path: Path):
    told, samples = read(muybridge.export(out, "fiftyone", tmp_path / "fo").path)
    runs = told["info"]["muybridge"]["runs"]
    assert {one["stage"] for one in runs.values()} == {"probe", "robustness"}
    names = {one["name"] for one in told["sample_fields"]}
    for name, run in runs.items():
        assert f"{name}_clean" in names
        assert name == f"{run['stage']}_{run['signature'][:6]}"
    assert all(sum(key.endswith("_clean") for key in sample) == 2 for sample in samples)


def test_the_same_run_gives_the_same_bytes(tested: Run, tmp_path: Path):
    one, other = (muybridge.export(tested, "fiftyone", tmp_path / name / "fo").path for name in "ab")
    for name in ("metadata.json", "samples.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_videos_that_could_not_be_decoded_have_no_answer():
    rows = Predictions(
        *(np.array([word]) for word in ("a", "a")), np.array([0]), np.array([0]), np.array(["clean"]), np.array([0]),
        np.full((1, 2), np.nan, np.float32),
    )  # fmt: skip
    assert rows.predicted.tolist() == [-1]
    assert np.isnan(confidences(rows)).all()


def test_what_cannot_be_shown_is_refused(out: Path, videos: Path, run: Call, tmp_path: Path):
    begun = pretrained(videos, tmp_path / "out")
    cases = (
        (begun.path, "a run of pretrain has no answers about test videos"),
        (tmp_path / "out", "no finished run there has answers"),
        (tmp_path, "wanted a run, OUT/runs/STAGE/SIGNATURE, or a folder of results"),
    )
    for word, words in cases:
        code, _, said = run("export", word, "--format", "fiftyone", "--out", tmp_path / "fo")
        assert (code, words in said) == (2, True), said
    lost = tmp_path / "videos"
    shutil.copytree(videos, lost)
    probe = muybridge.probe(
        data=str(lost), fold=0, backbone="c3d-tiny", out=tmp_path / "out", frames=4, stride=1, batch=8
    )
    shutil.rmtree(lost)
    with pytest.raises(UsageError, match="its videos cannot be found, and FiftyOne shows videos"):
        muybridge.export(probe, "fiftyone", tmp_path / "fo")
    assert not (tmp_path / "fo").exists()


def test_only_what_it_wrote_is_replaced(tested: Run, tmp_path: Path):
    folder = muybridge.export(tested, "fiftyone", tmp_path / "fo").path
    with pytest.raises(UsageError, match="is there"):
        muybridge.export(tested, "fiftyone", folder)
    muybridge.export(tested, "fiftyone", folder, overwrite=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="which --overwrite does not delete"):
        muybridge.export(tested, "fiftyone", folder, overwrite=True)
