"""The doctor finds what was planted, decodes nothing twice and says the same in any number of processes."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from muybridge.core.errors import UsageError
from muybridge.data.decode import video
from muybridge.data.doctor import examine, lookalikes
from muybridge.data.doctor.examine import survey
from muybridge.data.doctor.preview import sheet
from muybridge.data.lists import folder
from muybridge.data.sets.builtin_render import render


def clip(number: int) -> np.ndarray:
    return np.kron(render(0, "train", number)[0], np.ones((1, 2, 2, 1), np.uint8))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten clean videos and one of every ill."""
    root = tmp_path_factory.mktemp("planted")
    for split, label, numbers in (
        ("train", "a", (0, 1, 2)),
        ("train", "b", (3, 4, 5)),
        ("test", "a", (6, 7)),
        ("test", "b", (8, 9)),
    ):
        (root / split / label).mkdir(parents=True)
        for number in numbers:
            video.write(root / split / label / f"{number}.mp4", clip(number), 12)
    shutil.copy(root / "train/a/0.mp4", root / "train/b/copied.mp4")
    video.write(root / "test/b/encoded.mp4", clip(1), 12, crf=32)
    video.write(root / "train/b/mirrored.mp4", np.ascontiguousarray(clip(2)[:, :, ::-1]), 12)
    video.write(root / "test/a/trimmed.mp4", clip(3)[4:20], 12)
    video.write(root / "train/a/short.mp4", clip(20)[:5], 12)
    video.write(root / "train/a/fast.mp4", clip(21), 30)
    whole = root / "train/a/cut.avi"
    video.write(whole, clip(22), 12, codec="mpeg4", options={"qscale": "4"})
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    (root / "train/a/text.mp4").write_text("not a video")
    return root


def found(root: Path, cache: Path, **options: int) -> dict[str, set[str]]:
    result: dict[str, set[str]] = {}
    for finding in survey(folder.read(root), root=cache, **options).findings:
        result.setdefault(finding.kind, set()).add(Path(finding.video).name)
    return result


def test_everything_planted_is_found_and_nothing_else(planted: Path, tmp_path: Path) -> None:
    assert found(planted, tmp_path) == {
        "copy": {"copied.mp4"},
        "leak": {"encoded.mp4", "trimmed.mp4"},
        "alike": {"mirrored.mp4"},
        "short": {"short.mp4"},
        "rate": {"fast.mp4"},
        "broken": {"text.mp4", "cut.avi"},
    }


def test_a_truncated_file_is_reported_with_its_frame(tmp_path: Path) -> None:
    (tmp_path / "set/a").mkdir(parents=True)
    path = tmp_path / "set/a/cut.mp4"
    video.write(path, clip(0), 12)
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3 :] = b""
    path.write_bytes(bytes(content))
    (finding,) = survey(folder.read(tmp_path / "set"), root=tmp_path / "cache").findings
    assert finding.kind == "broken"
    assert "frame" in finding.detail
    assert int(finding.detail.split("; ")[-1].split()[0]) < 24


def test_a_second_look_decodes_nothing(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = survey(folder.read(planted), root=tmp_path)
    monkeypatch.setattr(examine.video, "watch", lambda *_, **__: pytest.fail("decoded again"))
    monkeypatch.setattr(lookalikes, "compare", lambda *_, **__: pytest.fail("compared again"))
    assert survey(folder.read(planted), root=tmp_path) == first
    os.utime(planted / "train/a/0.mp4")
    assert survey(folder.read(planted), root=tmp_path) == first


def test_a_look_that_was_killed_goes_on(planted: Path, tmp_path: Path) -> None:
    """Killed while the sixth video is looked at: the next look decodes the others only."""
    dying = """
import os, signal, sys
from pathlib import Path
from muybridge.data.doctor import examine, looks
from muybridge.data.lists import folder
whole, seen = looks.look, []
def look(job):
    seen.append(job)
    if len(seen) > 5:
        os.kill(os.getpid(), signal.SIGKILL)
    whole(job)
looks.look = look
examine.survey(folder.read(Path(sys.argv[1])), root=Path(sys.argv[2]))
"""
    words = [sys.executable, "-c", dying, str(planted), str(tmp_path / "parts")]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    assert len(list((tmp_path / "parts").rglob("*.npz"))) == 5
    told: list[tuple[str, int, int]] = []
    data = folder.read(planted)
    again = survey(data, root=tmp_path / "parts", progress=lambda *now: told.append(now))
    assert [done for task, done, _ in told if task == "look at videos"] == list(range(5, len(data)))
    assert again == survey(data, root=tmp_path / "whole")


def test_two_processes_find_the_same(planted: Path, tmp_path: Path) -> None:
    assert found(planted, tmp_path / "1") == found(planted, tmp_path / "2", workers=2)


def test_missing_and_extra_files_are_told(tmp_path: Path) -> None:
    for name in ("1.mp4", "extra.mp4"):
        video.write(tmp_path / name, clip(0 if name == "1.mp4" else 1), 12)
    (tmp_path / "list.csv").write_text("path,label\n1.mp4,a\ngone.mp4,b\n")
    findings = survey(folder.read(tmp_path / "list.csv"), root=tmp_path / "cache").findings
    assert {(f.kind, f.video) for f in findings} == {("missing", "gone.mp4"), ("extra", "extra.mp4")}


def test_a_preview_shows_broken_videos_as_such(planted: Path, tmp_path: Path) -> None:
    data = folder.read(planted)
    assert sheet(data.records, data.classes, tmp_path / "sheet.png") == 2
    assert (tmp_path / "sheet.png").stat().st_size > 10_000


def test_the_fingerprint_is_that_of_the_results(planted: Path, tmp_path: Path) -> None:
    data = folder.read(planted)
    assert survey(data, root=tmp_path).fingerprint == data.fingerprint
    other = replace(data, records=data.records[1:])
    assert survey(other, root=tmp_path).fingerprint != data.fingerprint


def test_a_folder_without_videos(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        folder.read(tmp_path)


def test_the_rate_that_most_are_near_is_the_usual_one(tmp_path: Path) -> None:
    assert examine._usual([15.01, 15.01, 15.01, 15.01, 29.9, 29.97, 30.0, 30.0, 28.5]) == 30.0
    assert examine._usual([]) == 0.0


def test_jobs_are_queued_in_blocks() -> None:
    begun: list[int] = []
    jobs = (begun.append(i) or i for i in range(5 * examine.BLOCK))  # type: ignore[func-returns-value]
    results = examine._in_blocks(lambda work, block: [work(job) for job in block], str, jobs)
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    assert len(begun) == examine.BLOCK
    assert [*results][-1] == str(5 * examine.BLOCK - 1)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_videos(tmp_path: Path) -> None:
    """Peak memory of looks at 100 and at 600 videos, all different."""
    video.write(tmp_path / "one.mp4", clip(0), 12)
    content, peaks = (tmp_path / "one.mp4").read_bytes(), []
    code = """
import resource, sys
from pathlib import Path
from muybridge.data.doctor.examine import examine
from muybridge.data.lists.video_lists import folder
examine.survey(folder.read(Path(sys.argv[1])), root=Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    for number in (100, 600):
        root = tmp_path / f"{number}"
        root.mkdir()
        for i in range(number):  # a free atom at the end changes the fingerprint and nothing else
            (root / f"{i}.mp4").write_bytes(content + b"\\x00\\x00\\x00\\x10free" + i.to_bytes(8, "big"))
        words = [sys.executable, "-c", code, str(root), str(tmp_path / f"cache-{number}")]
        peaks.append(int(subprocess.run(words, capture_output=True, text=True, check=True).stdout) / 1024)
    assert peaks[1] < peaks[0] + 10, peaks
