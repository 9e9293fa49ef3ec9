"""Doctor, cache and preview on real clips: planted copies are found, genuine clips are not called copies of each other."""

import csv
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import av
import make_videos as make
import numpy as np
import pytest
from PIL import Image

from muybridge.cli.main import main
from muybridge.data.decode import video

ROOT = Path(os.environ.get("MUYBRIDGE_REAL_DATA", ""))
pytestmark = pytest.mark.skipif(
    not (ROOT / "clips.csv").is_file(),
    reason="real clips are not here: set MUYBRIDGE_REAL_DATA to a folder with adl_clips.csv and clips.csv",
)
SOME = (
    "wave/",
    "archery/",
    "soccer_juggling/",
    "wall_pushups/",
    "baseball_pitch/",
    "s1_adl",
    "s2_fall",
    "s4_fall",
)
AVI = "soccer_juggling/v_SoccerJuggling_g23_c01.avi"
CUT = 0.6
Rows = Sequence[tuple[Path, str, str]]


def genuine() -> list[tuple[Path, str, str]]:
    """Path, class and a split that keeps the four subjects and the public clips apart: each side has half of them."""
    found = []
    for name in ("adl_clips", "clips"):
        with (ROOT / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            held = row["subject"] in "34" if name == "adl_clips" else row["dataset"] in ("UCF101", "HMDB51")
            found.append((ROOT / name / row["path"], row["cls"], "test" if held else "train"))
    return found


def planted(folder: Path, rows: Rows) -> list[tuple[Path, str, str]]:
    """A copy, a re-encoded, a mirrored and a trimmed twin on the other side of the split, and a file that breaks off."""
    sources = [row for row in rows if row[2] == "test" and row[0].suffix == ".avi"][:4]
    names = [folder / f"{how}.mp4" for how in ("encoded", "mirrored", "trimmed")]
    shutil.copy(sources[0][0], folder / "copied.avi")
    size = {"height": 112, "width": 144, "fit": "squash"}
    pixels = [video.read_all(path, **size) for path, _, _ in sources[1:]]
    video.write(names[0], pixels[0], 30, crf=30)
    video.write(names[1], np.ascontiguousarray(pixels[1][:, :, ::-1]), 25, crf=26)
    video.write(names[2], pixels[2][13:-9], 30, crf=26)
    content = (ROOT / "clips" / AVI).read_bytes()
    (folder / "truncated.avi").write_bytes(content[: int(CUT * len(content))])
    paths = [folder / "copied.avi", *names, folder / "truncated.avi"]
    return [(path, "planted", "train") for path in paths]


def listed(folder: Path, rows: Rows) -> Path:
    path = folder / "list.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return path


def doctor(capsys: pytest.CaptureFixture[str], path: Path) -> list[dict[str, str]]:
    code = main(["data", "doctor", str(path), "--workers", "2", "--json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert code == int(any(row["kind"] in ("broken", "leak") for row in found))
    return found


def whole_frames(path: Path, size: int) -> int:
    """Frames of an AVI whose packets lie within the first bytes; for streams in which every packet is a frame."""
    with av.open(str(path)) as container:
        return sum(p.size > 0 and p.pos + 8 + p.size <= size for p in container.demux(video=0))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_planted_twins_and_a_truncated_file_are_found_and_nothing_else(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row for row in genuine() if any(part in str(row[0]) for part in SOME)]
    assert len(rows) > 20
    found = doctor(capsys, listed(tmp_path, [*rows, *planted(tmp_path, rows)]))
    leaks = {row["detail"].split()[2].rsplit("/", 1)[-1] for row in found if row["kind"] == "leak"}
    assert leaks == {"copied.avi", "encoded.mp4", "mirrored.mp4", "trimmed.mp4", "truncated.avi"}
    how = {
        row["detail"].split(" ")[2].rsplit("/", 1)[-1]: row["detail"]
        for row in found
        if row["kind"] == "leak"
    }
    assert "the same file" in how["copied.avi"]
    assert "mirrored" in how["mirrored.mp4"]
    assert "from frame 13 on" in how["trimmed.mp4"]
    (broken,) = [row for row in found if row["kind"] == "broken"]
    frames = whole_frames(ROOT / "clips" / AVI, (tmp_path / "truncated.avi").stat().st_size)
    assert broken["video"].endswith("truncated.avi")
    assert broken["detail"].startswith(f"frame {frames}: ")
    assert broken["detail"].endswith(f"{frames} frames can be read")


def test_prepare_and_preview(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in genuine() if "wave/" in str(row[0]) or "s1_" in str(row[0])]
    path = listed(tmp_path, [*rows, (tmp_path / "gone.avi", "gone", "train")])
    (tmp_path / "gone.avi").write_bytes((ROOT / "clips" / AVI).read_bytes()[:90_000])
    assert main(["data", "prepare", str(path), "--size", "32", "--workers", "1"]) == 2
    assert "gone.avi" in capsys.readouterr().err
    assert main(["data", "prepare", str(path), "--size", "32", "--workers", "1", "--allow-broken"]) == 0
    index = json.loads(next(cache.glob("frames/*/index.json")).read_text())
    assert len(index["videos"]) == len(rows) + 1
    assert sum(bool(entry["error"]) for entry in index["videos"].values()) == 1
    assert main(["data", "preview", str(path), "--out", str(tmp_path / "sheet.png"), "--number", "12"]) == 0
    assert f"{len(rows) + 1} videos" in capsys.readouterr().out.splitlines()[-1]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000


@pytest.mark.slow
def test_genuine_clips_are_no_leaks(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """True look-alikes are windows of one recording in which a person sits still, and one clip that was cut from another."""
    found = doctor(capsys, listed(tmp_path, genuine()))
    assert {row["kind"] for row in found} == {"alike", "rate"}
    for row in found:
        if row["kind"] == "alike":
            one, other = (Path(name).stem for name in (row["video"], row["detail"].split(" ")[2]))
            assert one.rsplit("_", 1)[0] == other.rsplit("_", 1)[0]


@pytest.mark.slow
def test_every_clip_reads_as_a_plain_decode() -> None:
    files = [path for path, _, _ in genuine()]
    assert len(files) == 69
    for path in files:
        truth = make.sequential(path)
        wanted = np.random.default_rng(len(truth)).integers(0, len(truth), 6)
        assert video.probe(path).frames == len(truth), path
        for image, frame in zip(video.read(path, wanted), wanted, strict=True):
            np.testing.assert_array_equal(image, truth[frame], err_msg=f"{path} {frame}")
