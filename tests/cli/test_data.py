"""`muybridge data`: what a person types and reads."""

import csv
import json
from pathlib import Path

import pytest

from muybridge.cli.main import main
from muybridge.data.decode import video
from muybridge.data.sets.builtin_render import render


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    for number in range(8):
        name = root / "ab"[number % 2] / f"{number}.mp4"
        name.parent.mkdir(exist_ok=True)
        video.write(name, render(0, "train", number)[0], 12)
    (root / "a" / "broken.mp4").write_text("text")
    return root


def test_the_doctor_says_what_is_wrong(
    videos: Path, capsys: pytest.CaptureFixture[str], monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    assert main(["data", "doctor", str(videos), "--workers", "1"]) == 1
    said = capsys.readouterr().out
    assert "9 videos, 192 frames, 2 classes" in said
    assert "found: broken 1" in said
    assert "a/broken.mp4" in said
    assert main(["data", "doctor", str(videos), "--workers", "1", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in content["findings"]] == ["broken"]
    assert content["frames"] == 192


def test_a_sound_set_ends_with_zero(
    videos: Path, capsys: pytest.CaptureFixture[str], monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    assert main(["data", "doctor", str(videos / "b"), "--workers", "1"]) == 0
    assert "found: nothing" in capsys.readouterr().out


def test_prepare_builds_the_cache(
    videos: Path, capsys: pytest.CaptureFixture[str], monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path))
    assert main(["data", "prepare", str(videos / "b"), "--size", "24", "--workers", "1"]) == 0
    assert "4 videos are ready at 24 pixels" in capsys.readouterr().out
    assert list((tmp_path / "frames").glob("*/frames.u8"))


def test_subsets_are_balanced_and_nested(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = []
    for number in (2, 4, 9):
        out = tmp_path / f"{number}.csv"
        assert main(["data", "subset", str(videos), "--number", str(number), "--out", str(out)]) == 0
        rows = list(csv.DictReader(out.read_text().splitlines()))
        chosen.append({row["path"] for row in rows})
        labels = [row["label"] for row in rows]
        assert abs(labels.count("a") - labels.count("b")) <= (number == 9)
    assert [len(c) for c in chosen] == [2, 4, 9]
    assert chosen[0] < chosen[1] < chosen[2]
    assert main(["data", "subset", str(videos), "--per-class", "1", "--out", str(tmp_path / "x.csv")]) == 0
    assert "2 videos, 1 of each of 2 classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["doctr", "x"], "Did you mean 'doctor'"),
        (["doctor"], "required: data"),
        (["doctor", "nowhere"], "no such folder"),
        (["subset", "VIDEOS", "--out", "x.csv"], "--number N or --per-class N"),
        (["subset", "VIDEOS", "--number", "10", "--out", "x.csv"], "wanted 1 to 9"),
        (["preview", "VIDEOS"], "--out"),
        (["prepare", "VIDEOS", "--size", "0"], "at least 1"),
    ],
)
def test_bad_input_is_said_in_a_line(
    videos: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *(str(videos) if word == "VIDEOS" else word for word in words)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
