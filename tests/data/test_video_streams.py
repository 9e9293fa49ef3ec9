"""Of several video streams the one is read that FFmpeg takes, or the one that is asked for; two choices never share a frame."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

import muybridge
from muybridge.config.stage_configs import SimilarityConfig
from muybridge.core.errors import UsageError, VideoError
from muybridge.data import cache, sources, stream_names
from muybridge.data.decode import video
from muybridge.data.file_hashes import sampled_hash
from muybridge.stages.features.compared import inherited

SHADES = (40, 120, 220)
"""Brightness of the pictures of each stream."""
Run = Callable[..., tuple[int, str, str]]


def several(
    path: Path, sides: tuple[int, ...] = (32, 64), default: int | None = None, frames: int = 12
) -> Path:
    """A file with a stream for each side, which all brighten by one level a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        made: list[Any] = []
        for number, side in enumerate(sides):
            stream: Any = container.add_stream("ffv1", rate=25)
            stream.width = stream.height = side
            stream.pix_fmt = "bgr0"
            if default is not None:
                stream.disposition = Disposition.default if number == default else Disposition(0)
            made.append(stream)
        for i in range(frames):
            for number, stream in enumerate(made):
                picture = np.full((stream.height, stream.width, 3), SHADES[number] + i, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = i
                container.mux(stream.encode(frame))
        for stream in made:
            container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``root/{a,b}/N.mkv`` of two streams each."""
    root = tmp_path_factory.mktemp("streams")
    for i in range(6):
        several(root / "ab"[i % 2] / f"{i}.mkv", frames=12 + i)
    return root


def number(picture: np.ndarray) -> int:
    """Which stream a picture is of."""
    return int(np.abs(np.array(SHADES) + 6 - picture.mean()).argmin())


def test_ffmpegs_choice_is_read_where_none_is_named(tmp_path: Path) -> None:
    path = several(tmp_path / "two.mkv")
    with av.open(str(path)) as container:
        best = container.streams.best("video")
        assert best is not None
        expected = (best.height, best.width)  # type: ignore[attr-defined]
    assert video.read_all(path).shape == (12, *expected, 3)
    info = video.probe(path)
    assert (info.height, info.width) == expected


@pytest.mark.parametrize("default", [0, 1, 2])
def test_the_default_one_goes_before_larger_ones(default: int, tmp_path: Path) -> None:
    path = several(tmp_path / "three.mkv", (32, 64, 48), default)
    assert number(video.read(path, [3])) == default
    assert f"number {default} is read" in video.probe(path).traits["streams"]


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_a_named_stream_is_read_and_no_other(wanted: int, tmp_path: Path) -> None:
    path = several(tmp_path / "three.mkv", (32, 64, 48), default=1)
    with av.open(str(path)) as container:
        plain = [f.to_ndarray(format="rgb24") for f in container.decode(container.streams.video[wanted])]
    named = f"{path}#stream={wanted}"
    assert (video.read_all(named) == np.stack(plain)).all()
    assert (video.read(named, [7, 2]) == np.stack([plain[7], plain[2]])).all()
    assert (video.read(f"{named}#frames=4,9", [0, 4]) == np.stack([plain[4], plain[8]])).all()
    assert video.probe(named).height == (32, 64, 48)[wanted]
    assert video.probe(named).path == Path(named)


def test_a_stream_that_is_not_there_is_an_error_that_says_what_is(tmp_path: Path) -> None:
    path = several(tmp_path / "two.mkv")
    with pytest.raises(VideoError, match=r"2 video streams, from number 0; number 2 was asked for"):
        video.read(f"{path}#stream=2", [0])
    with pytest.raises(VideoError, match=r"1 video stream, number 0; number 1"):
        video.probe(f"{several(tmp_path / 'one.mkv', (32,))}#stream=1")


def test_names_that_only_look_like_it_are_names() -> None:
    for name in ("a#stream=.mp4", "a#stream=-1", "a#stream=99999", "a#stream=1.mp4", "a#stream=\u0663"):
        assert stream_names.parted(name) == (Path(name), None)
    assert stream_names.parted("x::a.mp4#stream=3") == (Path("x::a.mp4"), 3)


def test_two_choices_have_other_fingerprints_and_share_no_frame(folder: Path, tmp_path: Path) -> None:
    chosen = {one: sources.load([str(folder)], stream=one) for one in (None, 0, 1)}
    assert len({data.fingerprint for data in chosen.values()}) == 3
    assert [record.id for record in chosen[0].records] == [record.id for record in chosen[1].records]
    plans = {
        one: cache.plan(data.records, cache.Geometry(16, 16), root=tmp_path) for one, data in chosen.items()
    }
    assert len({plan.folder for plan in plans.values()}) == 3
    for one in (0, 1):
        store = cache.build(chosen[one].records, plans[one])
        assert {number(store.read(i, np.array([5]))) for i in range(6)} == {one}
    old = chosen[None]._signed({r.id: sampled_hash(r.path) for r in chosen[None].records})
    assert chosen[None].has(old)
    assert not chosen[1].has(old), "a run of before read FFmpeg's choice"


def test_a_list_names_a_stream_for_each_video(folder: Path, tmp_path: Path) -> None:
    lines = [
        "path,label,video_stream",
        "a/0.mkv,x,0",
        "b/1.mkv,y,1.0",
        "a/2.mkv#stream=0,x,1",
        "b/3.mkv,y,",
        "a/4.mkv#stream=1#frames=2,6,x,",
    ]
    (tmp_path / "list.csv").write_text("\n".join(lines).replace("2,6", '2,6"').replace("a/4", '"a/4'))
    data = sources.load([str(tmp_path / "list.csv")], root=str(folder), stream=1)
    found = {record.path.stem: record for record in data.records}
    assert [found[name].stream for name in "01234"] == [0, 1, 0, 1, 1]
    assert [number(video.read(found[name].video, [1])) for name in "01234"] == [0, 1, 0, 1, 1]
    assert (found["0"].id, found["3"].id, found["4"].id) == (
        "a/0.mkv#stream=0",
        "b/3.mkv",
        "a/4.mkv#stream=1#frames=2,6",
    )
    assert (found["0"].group, found["4"].group) == ("a/0.mkv", "a/4.mkv"), "streams of one file stay together"
    assert video.probe(found["4"].video).frames == 4


def test_two_streams_of_one_file_are_two_videos_of_one_group(folder: Path) -> None:
    (folder / "both.csv").write_text("path,label\na/0.mkv#stream=0,x\na/0.mkv#stream=1,x\n")
    data = sources.load([str(folder / "both.csv")])
    assert len(data) == 2
    assert {record.group for record in data.records} == {"a/0.mkv"}
    assert len(set(data.files.values())) == 2
    (folder / "both.csv").write_text("path,label,split\na/0.mkv#stream=0,x,train\na/0.mkv#stream=1,x,test\n")
    with pytest.raises(UsageError, match="in two splits"):
        sources.load([str(folder / "both.csv")])


def test_a_subset_keeps_the_choice(folder: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "some.csv"
    assert run("data", "subset", folder, "--stream", 0, "--number", 4, "--out", out)[0] == 0
    with out.open() as file:
        assert all(line["path"].endswith("#stream=0") for line in csv.DictReader(file))
    again = sources.load([str(out)])
    assert {record.stream for record in again.records} == {0}
    assert all(record.path.is_file() for record in again.records)


@pytest.mark.parametrize("said", ["left", "-1", "1.5", "12345", "1e3"])
def test_a_cell_that_is_no_number_of_a_stream_is_refused(said: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"path,label,video_stream\na/0.mkv,x,{said}\n")
    with pytest.raises(UsageError, match=r"line 2: video_stream is .*wanted the number"):
        sources.load([str(tmp_path / "list.csv")], root=str(folder))


def test_the_doctor_names_the_streams_and_finds_those_that_are_not_there(folder: Path, run: Run) -> None:
    code, out, _ = run("data", "doctor", folder, "--stream", 0, "--json")
    found = [one for one in json.loads(out)["findings"] if one["kind"] == "streams"]
    assert code == 0
    assert {one["detail"] for one in found} == {"2 streams (0: 32x32, 1: 64x64), number 0 is read"}
    assert len(found) == 6
    code, out, _ = run("data", "doctor", folder, "--stream", 2)
    assert code == 1
    assert "number 2 was asked for" in out
    with pytest.raises(UsageError, match="numbered from 0"):
        sources.load([str(folder)], stream=-1)


def test_runs_of_two_choices_are_two_runs_and_say_so(folder: Path, tmp_path: Path) -> None:
    small = {
        "frames": 4,
        "stride": 1,
        "size": 20,
        "crop": 16,
        "batch": 2,
        "fold": 0,
        "folds": 2,
        "out": tmp_path,
    }
    runs = [muybridge.probe(data=folder, stream=one, **small) for one in (None, 0, 1)]
    assert len({one.signature for one in runs}) == 3
    assert len({one.result["data"]["fingerprint"] for one in runs}) == 3
    assert all(any("several video streams" in note for note in one.result["notes"]) for one in runs)
    with pytest.raises(UsageError, match="number 2 was asked for"):
        muybridge.probe(data=folder, stream=2, **small)


def test_what_starts_from_a_run_reads_the_stream_that_the_run_read() -> None:
    origin: dict[str, Any] = {"data": ["x"], "label": None, "group": None, "root": None}

    def read(asked: int | None, **told: int) -> int | None:
        return inherited(SimilarityConfig(a="r2plus1d-tiny", stream=asked), {"a": {**origin, **told}}).stream

    assert read(None, stream=1) == 1
    assert read(0, stream=1) == 0
    assert read(None) is None, "a run of before"
