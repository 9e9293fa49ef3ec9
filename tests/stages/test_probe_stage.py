"""probe end to end on small real files: validation inside the training videos, the whole grid on record."""

from dataclasses import replace

import numpy as np
import pytest
from frozen_helpers import TINY, parts_of

import muybridge
from muybridge.config.stage_configs import ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Classifier
from muybridge.data.index import divide
from muybridge.measure.features.linear import DECAYS
from muybridge.runs.contents.predictions import read_predictions
from muybridge.stages.job.resolve import resolve
from muybridge.stages.probe import validation_folds
from muybridge.stages.training.material import build_backbone
from muybridge.train.checkpoint import load_weights


@pytest.fixture(scope="module")
def probed(videos, tmp_path_factory):
    return muybridge.probe(data=videos, out=tmp_path_factory.mktemp("probe"), fold=0, views=2, **TINY)


def test_the_choice_is_on_record(probed, videos):
    told = probed.result["selection"]
    _, train, _ = parts_of(videos)
    assert [one["decay"] for one in told["grid"]] == list(DECAYS)
    assert told["held_out"] == 2 * len(train), "every clip of every training video was held out once"
    best = max(told["grid"], key=lambda one: (one["accuracy"], -one["loss"]))
    assert told["weight_decay"] == best["decay"]
    assert "all training clips" in told["refitted"]


def test_the_result_says_what_it_is_to_be_compared_with(probed, videos):
    result = probed.result
    _, train, test = parts_of(videos)
    assert result["protocol"]["kind"] == "probe"
    assert result["protocol"]["clips"]["temporal"] == 2
    assert result["facets"]["protocol"] == "linear probe"
    labels = [record.label for record in train]
    label = int(np.bincount(labels).argmax())
    assert result["majority"]["class"] == ("left", "right")[label]
    assert result["majority"]["value"] == pytest.approx(np.mean([record.label == label for record in test]))
    counts = result["majority"]["groups"].values()
    assert sum(right for right, _ in counts) / sum(n for _, n in counts) == pytest.approx(
        result["majority"]["value"]
    )


def test_what_was_saved_answers_as_it_did(probed, videos):
    """The linear layer, read back, on features computed anew."""
    backbone = build_backbone("r2plus1d-tiny", 0)
    classifier = Classifier(backbone, backbone.dim, 2)
    classifier.load_state_dict(load_weights(probed.path / "weights.safetensors"))
    measured = muybridge.robustness(
        model=probed,
        data=videos,
        out=probed.path.parents[2],
        types=("gaussian_noise",),
        severities=(1,),
        precision="fp32",
    )
    clean = read_predictions(measured.path / "predictions.parquet", only="clean")
    rows = read_predictions(probed.path / "predictions.parquet")
    assert (clean.video == rows.video).all()
    assert (clean.scores == rows.scores).all()
    assert rows.view.tolist() == [0, 1] * (len(rows) // 2)


def test_validation_never_parts_a_group(videos, tmp_path):
    _, train, _ = parts_of(videos)
    job = resolve(ProbeConfig(data=(str(videos),), out=tmp_path, **TINY))
    grouped = [replace(record, group=f"subject {i // 3}") for i, record in enumerate(train)]
    folds = validation_folds(job, grouped)
    by_group: dict[str, set[int]] = {}
    for record in grouped:
        by_group.setdefault(record.group, set()).add(folds[record.id])
    assert all(len(found) == 1 for found in by_group.values())
    assert len(set(folds.values())) == len(by_group)
    single = [replace(record, group="one") for record in train]
    assert set(validation_folds(job, single).values()) == {0}


def test_videos_without_groups_are_spread_by_their_names_alone(videos, tmp_path):
    job = resolve(ProbeConfig(data=(str(videos),), out=tmp_path, **TINY))
    train, _ = divide(job.dataset, 0)
    folds = validation_folds(job, train)
    assert validation_folds(job, train[::-1]) == folds
    assert len(set(folds.values())) == 5
    for label in (0, 1):
        sizes = np.bincount([folds[r.id] for r in train if r.label == label], minlength=5)
        assert sizes.max() - sizes.min() <= 1


def few(videos, tmp_path, left: int, right: int) -> str:
    """A list with some training videos of each class, and two test videos of each."""
    lines = ["path,label,split"]
    for name, number in (("left", left), ("right", right)):
        lines += [f"{videos / name / f'{i}.mp4'},{name},train" for i in range(number)]
        lines += [f"{videos / name / f'{i}.mp4'},{name},test" for i in (6, 7)]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    return str(tmp_path / "list.csv")


def test_one_training_video_per_class_takes_a_fixed_decay_and_says_so(videos, tmp_path):
    run = muybridge.probe(data=few(videos, tmp_path, 1, 1), out=tmp_path / "o", **TINY)
    assert (run.result["selection"]["grid"], run.result["selection"]["weight_decay"]) == ([], 0.1)
    assert any("no training clip could be held out" in note for note in run.result["notes"])


def test_a_class_with_one_training_video_is_noted(videos, tmp_path):
    run = muybridge.probe(data=few(videos, tmp_path, 6, 1), out=tmp_path / "o", **TINY)
    assert run.result["selection"]["held_out"] == 6
    assert any(note.startswith("class 'right': one training video") for note in run.result["notes"])


def test_one_class_in_training_is_refused(videos, tmp_path):
    with pytest.raises(UsageError, match="training clips are of one class"):
        muybridge.probe(data=few(videos, tmp_path, 6, 0), out=tmp_path / "o", **TINY)


def test_no_test_videos_are_refused(videos, tmp_path):
    path = tmp_path / "list.csv"
    rows = [
        f"{videos / name / f'{i}.mp4'},{name},{split}"
        for name in ("left", "right")
        for i, split in ((0, "train"), (1, "train"))
    ]
    path.write_text("\n".join(["path,label,split", *rows, f"{videos / 'left' / '2.mp4'},,val"]))
    with pytest.raises(UsageError, match="4 training and 0 test videos; wanted some of each"):
        muybridge.probe(data=path, out=tmp_path / "o", **TINY)


def test_three_crops_are_tested_the_same_way_again(videos, tmp_path):
    probed = muybridge.probe(data=videos, out=tmp_path, fold=0, crops=3, **TINY)
    rows = read_predictions(probed.path / "predictions.parquet")
    assert rows.view.tolist() == [0, 1, 2] * (len(rows) // 3)
    assert probed.result["protocol"]["clips"]["spatial"] == 3
    again = muybridge.robustness(
        model=probed, out=tmp_path, types=("gaussian_noise",), severities=(1,), precision="fp32"
    )
    clean = read_predictions(again.path / "predictions.parquet", only="clean")
    assert (clean.scores == rows.scores).all()
