"""An own run on other videos than it was trained on: classes by name, the difference said, an experiment of its own."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import muybridge
from muybridge.core.errors import UsageError
from muybridge.data.decode.video import read_all, write
from muybridge.runs.contents.predictions import read_predictions

SMALL = {"frames": 4, "stride": 2, "size": 20, "crop": 16, "batch": 6, "precision": "fp32"}
ASKED = {"types": ("gaussian_noise",), "severities": (1,), "precision": "fp32"}


@pytest.fixture(scope="module")
def trained(videos: Path, tmp_path_factory: pytest.TempPathFactory):
    return muybridge.finetune(data=videos, out=tmp_path_factory.mktemp("shifted"), fold=0, epochs=1, **SMALL)


def moved(videos: Path, root: Path, names: dict[str, str]) -> Path:
    """Darker copies of the videos under other class folders."""
    for old, new in names.items():
        (root / new).mkdir(parents=True)
        for path in sorted((videos / old).glob("*.mp4"))[:4]:
            write(root / new / path.name, (read_all(path) // 2).astype(np.uint8), 12.0)
    return root


def test_classes_are_matched_by_name(trained, videos: Path, tmp_path: Path):
    other = moved(videos, tmp_path / "dark", {"left": "LEFT", "right": "Right"})
    run = muybridge.robustness(model=trained, data=other, out=trained.path.parents[2], **ASKED)
    rows = read_predictions(run.path / "predictions.parquet", only="clean")
    assert sorted(set(rows.video.tolist())) == sorted(
        f"{name}/{i}.mp4" for name in ("LEFT", "Right") for i in range(4)
    )
    assert {
        (video.split("/")[0], int(label))
        for video, label in zip(rows.video.tolist(), rows.label, strict=True)
    } == {("LEFT", 0), ("Right", 1)}
    assert (
        run.result["facets"]["data"] == "dark (trained on videos0)"
        or "dark (trained on" in run.result["facets"]["data"]
    )
    assert run.result["facets"]["fold"] is None
    assert any("tested on dark" in note and "trained on" in note for note in run.result["notes"])
    assert run.result["accepted"] == {"LEFT": ["left"], "Right": ["right"]}


def test_the_same_videos_elsewhere_are_no_other_data(trained, videos: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(videos, copy)
    run = muybridge.robustness(model=trained, data=copy, out=trained.path.parents[2], **ASKED)
    assert run.result["facets"]["fold"] == 0
    assert not any("trained on" in note for note in run.result["notes"])
    assert run.result["data"]["videos"]["test"] < 16, (
        "the fold that was held out, and not what it was trained on"
    )


def test_fewer_classes_keep_the_chance_of_all(trained, videos: Path, tmp_path: Path):
    other = moved(videos, tmp_path / "one", {"right": "right"})
    run = muybridge.robustness(model=trained, data=other, out=trained.path.parents[2], **ASKED)
    assert (run.result["chance"], run.result["data"]["classes"]) == (0.5, ["left", "right"])
    assert set(read_predictions(run.path / "predictions.parquet").label.tolist()) == {1}
    assert any("1 of its 2 classes are not among these labels" in note for note in run.result["notes"])


def test_labels_that_are_no_class_are_refused(trained, videos: Path, tmp_path: Path):
    other = moved(videos, tmp_path / "up", {"left": "left", "right": "rigth"})
    with pytest.raises(UsageError, match=r"'rigth' is none of the model's 2 classes.*right"):
        muybridge.robustness(model=trained, data=other, out=trained.path.parents[2], **ASKED)


def test_a_list_with_a_label_column_of_its_own(trained, videos: Path, tmp_path: Path):
    lines = [f"{path},{path.parent.name},7" for path in sorted(videos.rglob("*.mp4"))[::3]]
    (tmp_path / "list.csv").write_text("path,side,place\n" + "\n".join(lines))
    run = muybridge.robustness(
        model=trained, data=tmp_path / "list.csv", label="side", out=trained.path.parents[2], **ASKED
    )
    assert run.result["data"]["videos"]["test"] == len(lines)


def test_the_report_keeps_it_apart(trained, videos: Path, tmp_path: Path):
    out = trained.path.parents[2]
    muybridge.robustness(model=trained, out=out, **ASKED)
    other = moved(videos, tmp_path / "dim", {"left": "left", "right": "right"})
    muybridge.robustness(model=trained, data=other, out=out, **ASKED)
    page = muybridge.report(out)
    words = page.markdown.read_text(encoding="utf-8")
    assert "dim (trained on" in words
