"""Robustness of any model on any videos, against a loop that does one clip, one condition and one forward pass at a time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import muybridge
from muybridge.cli.show import accuracy_line
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.data.decode import video
from muybridge.measure.frame_order import kendall_tau
from muybridge.perturb.apply import perturb
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.records import find_runs

CUT = {"frames": 4, "stride": 3, "short_side": 24, "crop": 20, "views": "2x3", "protocol": "ucf101"}
ASKED = {"types": ("gaussian_noise", "jumbling", "jpeg", "mpeg2"), "severities": (1, 4)}
FAST = {"precision": "fp32", "device": "cpu"}


class Tiny(nn.Module):
    """Mean colours at four places through one layer; clips never touch each other."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.head = nn.Linear(3 * 4 * 4, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.head(nn.functional.adaptive_avg_pool3d(frames - 0.4, (4, 2, 2)).flatten(1)) * 9


@pytest.fixture(scope="module")
def measured(videos):
    return muybridge.robustness(Tiny(), videos, **CUT, **ASKED, **FAST)


def naive(path: Path, name: str, model: nn.Module, condition: tuple[str, int], data: str) -> np.ndarray:
    """Scores of the six views of a video, each read, cut, perturbed and predicted on its own."""
    total, scores = len(video.read_all(path)), []
    for start in (0, total - 10):
        pictures = video.read(
            path, [start, start + 3, start + 6, start + 9], height=24, width=24, fit="squash"
        )
        for left in (0, 2, 4):
            pixels = torch.from_numpy(pictures[:, 2:22, left : left + 20].copy()).permute(3, 0, 1, 2)[None]
            clip = Clip(pixels.contiguous(), torch.tensor([0]), (name,))
            changed = perturb(clip, *condition, dataset=data, views=[len(scores)])
            with torch.no_grad():
                scores.append(model(changed.frames.float() / 255)[0].numpy())
    return np.stack(scores)


@pytest.mark.parametrize(
    "condition", [("clean", 0), ("gaussian_noise", 4), ("jumbling", 1), ("jpeg", 4), ("mpeg2", 1)]
)
def test_every_row_is_that_of_a_naive_loop(measured, videos, condition):
    model = Tiny().eval()
    rows = measured.rows.condition(*condition)
    for name in ("left/0.mp4", "right/5.mp4"):
        own = rows.where(rows.video == name)
        assert own.view.tolist() == [0, 1, 2, 3, 4, 5]
        expected = naive(videos / name, name, model, condition, videos.name)
        np.testing.assert_allclose(own.scores, expected, rtol=0, atol=2e-5)


def test_one_row_per_clip_type_and_severity(measured, videos):
    rows = measured.rows
    conditions = set(zip(rows.perturbation.tolist(), rows.severity.tolist(), strict=True))
    assert conditions == {("clean", 0), *((name, s) for name in ASKED["types"] for s in ASKED["severities"])}
    assert len(rows) == len(conditions) * 16 * 6
    assert {tuple(row) for row in zip(rows.video.tolist(), rows.label.tolist(), strict=True)} == {
        (f"{name}/{i}.mp4", label) for label, name in enumerate(("left", "right")) for i in range(8)
    }


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_neither_batches_nor_workers_change_a_row(measured, videos, batch):
    again = muybridge.robustness(Tiny(), videos, **CUT, **ASKED, **FAST, batch=batch, workers=3)
    for name in ("video", "view", "perturbation", "severity"):
        order = np.lexsort((again.rows.view, again.rows.video, again.rows.severity, again.rows.perturbation))
        first = np.lexsort(
            (measured.rows.view, measured.rows.video, measured.rows.severity, measured.rows.perturbation)
        )
        assert (getattr(again.rows, name)[order] == getattr(measured.rows, name)[first]).all()
    np.testing.assert_allclose(again.rows.scores[order], measured.rows.scores[first], rtol=0, atol=2e-5)


def test_the_result_says_what_was_asked_and_how(measured, videos):
    result = measured.result
    assert result["profile"] == {"name": "muybridge-1", "version": 1}
    assert result["protocol"]["name"] == "ucf101, changed"
    assert (result["protocol"]["temporal"], result["protocol"]["spatial"]) == (2, 3)
    assert len(result["protocol"]["hash"]) == 12
    assert result["categories"] == {
        "gaussian_noise": "noise", "jumbling": "temporal", "jpeg": "digital", "mpeg2": "digital"
    }  # fmt: skip
    assert result["model"]["name"] == result["facets"]["arm"] == "Tiny"
    assert (result["chance"], result["seen"], result["facets"]["data"]) == (0.5, [], videos.name)
    assert result["budget"]["clips"] == 16 * 6 * 11
    assert "clean" in measured.strips


def test_the_identity_cell_has_the_bits_of_the_clean_one_and_lossless_coding_changes_nothing(measured):
    assert measured.result["identity"] == {
        "equal": True,
        "rows": 96,
        "accuracy": pytest.approx(0.5, abs=0.5),
        "flips": 0.0,
    }
    lossless = measured.result["lossless"]
    assert lossless["rows"] == 96
    assert lossless["flips"] <= 0.05


def test_a_model_that_answers_by_chance_fails_the_identity_control(videos):
    torch.manual_seed(0)
    found = muybridge.robustness(
        lambda frames: torch.rand(len(frames), 2), videos, **CUT, types=["jpeg"], severities=[1], **FAST
    )
    assert not found.result["identity"]["equal"]
    assert any("identity cell differs" in note for note in found.result["notes"])


def test_tau_is_that_of_the_orders_the_model_was_shown(videos):
    """A model that returns the order it saw: each frame of these clips has its own brightness."""
    seen: list[np.ndarray] = []

    def spy(frames: torch.Tensor) -> torch.Tensor:
        seen.append(frames.mean((1, 3, 4)).argsort(stable=True).argsort().numpy())
        return frames.mean((2, 3, 4))[:, :2]

    found = muybridge.robustness(
        spy, rising(videos), **CUT | {"views": "1x1"}, types=["jumbling"], severities=[5], batch=1, **FAST
    )
    orders = np.concatenate(seen[2::3])
    told = found.result["order"]["jumbling"]["5"]
    assert told["distinct"] == 4
    assert told["tau"] == pytest.approx(
        kendall_tau(orders[: len(found.rows.condition("clean", 0))]).mean(), abs=1e-6
    )


def rising(videos: Path) -> Path:
    """Clips whose frames get brighter."""
    root = videos.parent / "rising"
    for i in range(6):
        path = root / "ab"[i % 2] / f"{i}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = np.linspace(20, 220, 12 + i, dtype=np.uint8)[:, None, None, None]
        video.write(path, np.broadcast_to(shade, (12 + i, 24, 24, 3)), 12.0)
    return root


def test_scores_are_the_plain_means_with_intervals(measured):
    scores = measured.scores(replicates=500)
    rows = measured.rows
    for condition, accuracy in scores.cells.items():
        assert accuracy == video_accuracy(rows.condition(*condition))
    types = [np.mean([scores.cells[name, s] for s in (1, 4)]) for name in ASKED["types"]]
    assert scores.perturbed.value == pytest.approx(np.mean(types))
    assert scores.relative.value == pytest.approx(np.mean(types) / scores.clean.value)
    assert scores.perturbed.low <= scores.perturbed.value <= scores.perturbed.high
    assert scores.left_out == ()


def video_accuracy(rows: Predictions) -> float:
    answers = [
        rows.scores[rows.video == v].astype(np.float64).mean(0).argmax() for v in np.unique(rows.video)
    ]
    return float(
        np.mean(
            [a == rows.label[rows.video == v][0] for a, v in zip(answers, np.unique(rows.video), strict=True)]
        )
    )


def test_scores_that_are_no_numbers_count_as_wrong_and_are_noted(videos):
    def holes(frames: torch.Tensor) -> torch.Tensor:
        scores = frames.mean((2, 3, 4))[:, :2].clone()
        scores[:, 0] = torch.where(frames.std((1, 2, 3, 4)) > 0.25, torch.nan, scores[:, 0])
        return scores

    found = muybridge.robustness(holes, videos, **CUT, types=["gaussian_noise"], severities=[1, 5], **FAST)
    missing = np.isnan(found.rows.scores).any(1)
    assert missing.any()
    assert not found.rows.correct[missing].any()
    assert f"{missing.sum()} rows have scores that are not numbers" in " ".join(found.result["notes"])


def test_a_broken_video_counts_as_wrong_under_every_condition(videos, tmp_path):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(videos, data)
    whole = (videos / "left" / "0.mp4").read_bytes()
    (data / "left" / "text.mp4").write_text("no video")
    (data / "right" / "torn.mp4").write_bytes(torn(whole))
    with pytest.raises(UsageError, match="--allow-broken"):
        muybridge.robustness(Tiny(), data, out=tmp_path / "out", **CUT, **ASKED, **FAST)
    found = muybridge.robustness(
        Tiny(), data, out=tmp_path / "out", allow_broken=True, **CUT, **ASKED, **FAST
    )
    rows = found.rows.where(np.isin(found.rows.video, ["left/text.mp4", "right/torn.mp4"]))
    assert len(rows) == 2 * 9
    assert np.isnan(rows.scores).all()
    assert {Path(one["path"]).name for one in found.result["data"]["broken"]} == {"text.mp4", "torn.mp4"}
    assert not any("not numbers" in note for note in found.result["notes"])
    assert found.result["identity"]["equal"]
    assert accuracy_line(found).endswith("; 2 broken videos count as wrong")


def torn(whole: bytes) -> bytes:
    """A file whose packets are all there while the pictures of its middle are not."""
    start = whole.index(b"mdat") + len(whole) // 3
    return whole[:start] + bytes(len(whole) // 4) + whole[start + len(whole) // 4 :]


def test_the_wrong_number_of_classes_is_refused(videos):
    with pytest.raises(UsageError, match=r"returned \(1, 5\) for 1 clips; wanted \(1, 2\).*--classes"):
        muybridge.robustness(Tiny(5), videos, batch=1, **CUT, **ASKED, **FAST)


def test_labels_are_found_among_the_classes_of_the_model(videos):
    found = muybridge.robustness(
        Tiny(3), videos, class_names=["up", "RIGHT", "left"], types=["jpeg"], severities=[1], **CUT, **FAST
    )
    assert dict(zip(found.rows.video.tolist(), found.rows.label.tolist(), strict=True))["right/0.mp4"] == 1
    assert found.result["chance"] == pytest.approx(1 / 3)
    assert found.result["accepted"] == {"left": ["left"], "right": ["RIGHT"]}
    with pytest.raises(UsageError, match="label 'left' is none of the model's 2 classes"):
        muybridge.robustness(Tiny(), videos, class_names=["up", "right"], **CUT, **ASKED, **FAST)


def test_lists_choose_rows_and_labels_by_column(run, videos, tmp_path):
    (tmp_path / "some_model.py").write_text(
        "from test_robustness_api import Tiny\ndef made():\n    return Tiny(3)\n"
    )
    (tmp_path / "names.txt").write_text("up\nright\nleft\n")
    lines = [
        f"{path},{path.parent.name if i else ''},{'seen' if i % 2 else 'told'}"
        for i, path in enumerate(sorted(videos.glob("*/*.mp4")))
    ]
    (tmp_path / "list.csv").write_text("\n".join(["path,answer,source", *lines]))
    env = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(tmp_path), str(Path(__file__).parent)])}
    words = [sys.executable, "-m", "muybridge", "robustness", "--model", "some_model:made", "--classes", tmp_path / "names.txt",
             "--data", tmp_path / "list.csv", "--label", "answer", "--where", "source!=seen", "--types", "jpeg", "--severities", 1,
             "--frames", 4, "--stride", 3, "--short-side", 24, "--crop", 20, "--views", "1x1", "--out", tmp_path / "out"]  # fmt: skip
    done = subprocess.run([str(word) for word in words], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "1 videos without a label are left out" in done.stdout
    made = find_runs(tmp_path / "out")[0]
    rows = read_predictions(made.path / "predictions.parquet", only="clean")
    assert len(rows) == 7
    assert sorted(set(rows.label.tolist())) == [1, 2]
    assert made.result["facets"]["arm"] == "some_model:made"


def test_results_of_equal_weights_are_found_again_and_others_are_not(videos, tmp_path):
    calls = []

    def counted(module, inputs):
        calls.append(len(inputs[0]))

    cut = {**CUT, **FAST, "types": ["jpeg"], "severities": [1], "out": tmp_path / "out"}
    first = muybridge.robustness(Tiny(), videos, **cut)
    again = Tiny()
    again.register_forward_pre_hook(counted)
    assert muybridge.robustness(again, videos, **cut).path == first.path
    assert not calls
    with torch.no_grad():
        again.head.bias += 1
    assert muybridge.robustness(again, videos, **cut).path != first.path
    assert calls


def test_a_result_without_out_goes_with_its_object(videos):
    found = muybridge.robustness(Tiny(), videos, types=["jpeg"], severities=[1], **CUT, **FAST)
    path = found.path
    assert path.is_dir()
    del found
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severities": [0]}, "--severities 0: wanted numbers from 1 to 5"),
        ({"severities": [6]}, "--severities 6"),
        ({"types": ["gaussian_nose"]}, "gaussian_noise"),
        ({"types": ["jpeg", "jpeg"]}, "jpeg stands there twice"),
        ({"types": ["rain"]}, "mini-kinetics-c has it"),
        ({"profile": "muybridge"}, "muybridge-1"),
        ({"frames": 1, "types": ["reversal"]}, "needs clips of at least 2, these have 1"),
        ({"views": "2x2"}, "1 or 3 spatial"),
        ({"where": ["a=b"]}, "a folder has no column"),
    ],
)
def test_impossible_wishes_are_refused_before_a_frame_is_decoded(videos, change, said, monkeypatch):
    monkeypatch.setattr("muybridge.data.clips.Views.read", lambda one: pytest.fail("decoded"))
    with pytest.raises(UsageError, match=said):
        muybridge.robustness(Tiny(), videos, **CUT | ASKED | FAST | change)


SCRIPT = """
import sys, time, torch, muybridge
from test_robustness_api import ASKED, CUT, FAST, Tiny

class Slow(Tiny):
    def forward(self, frames):
        time.sleep(float(sys.argv[3]))
        return super().forward(frames)

torch.set_num_threads(1)
import muybridge.stages.testing.parts as parts
parts.SECONDS = 0.0
muybridge.robustness(Slow(), sys.argv[1], name="slow", out=sys.argv[2], batch=6, **CUT, **ASKED, **FAST)
"""


def start(videos: Path, out: Path, pause: float) -> subprocess.Popen[bytes]:
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
        "OMP_NUM_THREADS": "1",
    }
    words = [sys.executable, "-c", SCRIPT, str(videos), str(out), str(pause)]
    with (out.parent / "log").open("ab") as log:  # what a crash says
        return subprocess.Popen(words, env=env, stdout=log, stderr=log)


def test_kill_9_in_the_middle_and_the_same_command_gives_the_same_bits(videos, tmp_path):
    assert start(videos, tmp_path / "whole", 0).wait(300) == 0, (tmp_path / "log").read_text()
    expected = find_runs(tmp_path / "whole")[0]
    out = tmp_path / "killed"
    for already in (2, 9):
        process = start(videos, out, 0.02)
        deadline = time.monotonic() + 200
        while len(list(out.glob("runs/*/*/state/rows-*.parquet"))) < already and time.monotonic() < deadline:
            assert process.poll() is None, "it must be killed while it works"
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not find_runs(out)
    kept = len(list(out.glob("runs/*/*/state/rows-*.parquet")))
    assert kept >= 9
    assert start(videos, out, 0).wait(300) == 0, (tmp_path / "log").read_text()
    found = find_runs(out)[0]
    assert found.signature == expected.signature
    for name in ("predictions.parquet", "controls.parquet", "strips.npz"):
        assert (found.path / name).read_bytes() == (expected.path / name).read_bytes()
    assert not (found.path / "state").exists()


def test_a_model_can_be_measured_on_clean_clips_alone(measured, videos, tmp_path):
    clean = muybridge.robustness(Tiny(), videos, **CUT, types=("clean",), **FAST, name="tiny", out=tmp_path)
    rows = clean.rows
    assert set(rows.perturbation.tolist()) == {"clean"}
    np.testing.assert_array_equal(rows.scores, measured.rows.condition("clean", 0).scores)
    line = accuracy_line(clean)
    assert "clean" in line
    assert "mean over" not in line
    assert "hardest" not in line
    report = muybridge.report(tmp_path)
    assert "tiny" in report.markdown.read_text(encoding="utf-8")
    both = muybridge.robustness(Tiny(), videos, **CUT, types=("clean", "jumbling"), severities=(1,), **FAST)
    assert set(both.rows.perturbation.tolist()) == {"clean", "jumbling"}
    assert len(both.rows) == 2 * len(rows)
