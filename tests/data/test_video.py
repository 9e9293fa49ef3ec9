"""The reader against a plain sequential decode, on every kind of file that is known to trip readers."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import make_videos as make
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muybridge.core.errors import MuybridgeError, UsageError, VideoError
from muybridge.data.decode import video
from muybridge.data.decode.video_table import MissError, by_time, opened, scan

TIMED = ["h264.mp4", "h264.mkv", "h264_vfr.mp4", "h264_cut.mp4", "h264_open_gop.mp4", "hevc.mp4", "vp9.webm"]
Get = Callable[[str], tuple[Path, np.ndarray]]


@pytest.fixture(scope="session")
def get(tmp_path_factory: pytest.TempPathFactory) -> Get:
    """File and reference frames of a combo, made once."""
    folder, made = tmp_path_factory.mktemp("videos"), {}

    def give(name: str) -> tuple[Path, np.ndarray]:
        encoder, build = make.COMBOS[name]
        if not make.has_encoder(encoder):
            pytest.skip(f"this build of PyAV has no encoder {encoder}")
        if name not in made:
            path = build(folder / name)
            turns = 3 if name == "h264_rotated.mp4" else 0
            made[name] = path, np.rot90(np.stack(make.sequential(path)), turns, axes=(1, 2))
        return made[name]

    return give


def _error(path: Path, *frames: int) -> VideoError:
    with pytest.raises(VideoError) as caught:
        video.read(path, list(frames or [0]))
    return caught.value


@pytest.mark.parametrize("name", make.COMBOS)
def test_every_frame_is_the_one_a_plain_decode_shows(name: str, get: Get) -> None:
    path, truth = get(name)
    info = video.probe(path)
    assert (info.frames, info.height, info.width) == truth.shape[:3]
    assert 0 < info.fps < 60
    np.testing.assert_array_equal(video.read_all(path), truth)
    rng = np.random.default_rng(len(name))
    for size in (1, 3, 9):
        wanted = rng.integers(0, len(truth), size)
        np.testing.assert_array_equal(video.read(path, wanted), truth[wanted], err_msg=str(wanted))
    for frame in (0, len(truth) - 1):
        np.testing.assert_array_equal(video.read(path, frame), truth[frame])


@pytest.mark.parametrize("name", make.COMBOS)
def test_frames_carry_consecutive_numbers(name: str, get: Get) -> None:
    path, truth = get(name)
    numbers = [make.number(image) for image in video.read_all(path)]
    assert numbers == list(range(numbers[0], numbers[0] + len(truth)))
    assert numbers[-1] == (0 if name == "h264_one.mp4" else make.FRAMES - 1)


@pytest.mark.parametrize("name", TIMED)
def test_the_fast_way_finds_every_frame_alone(name: str, get: Get) -> None:
    path, truth = get(name)
    with opened(path) as (container, stream):
        table = scan(container, stream)
        assert table is not None
        for frame in range(0, len(truth), 3):
            ((index, image),) = by_time(container, stream, table, [frame])
            assert index == frame
            np.testing.assert_array_equal(image.to_ndarray(format="rgb24"), truth[frame])


def test_no_fast_way_where_packets_are_not_frames(get: Get) -> None:
    for name in (
        "mpeg4_packed.avi",
        "mpeg4_b.avi",
        "h264_open_gop.ts",
        "h264_headless.mp4",
        "h264_interlaced.mp4",
    ):
        path, _ = get(name)
        with opened(path) as (container, stream):
            assert scan(container, stream) is None


def test_no_seek_into_a_gradual_refresh(get: Get) -> None:
    path, _ = get("h264_refresh.mp4")
    with opened(path) as (container, stream):
        table = scan(container, stream)
        assert table is not None
        assert len(table.keys) > 1
        with pytest.raises(MissError):
            list(by_time(container, stream, table, [table.pts.index(table.keys[1]) + 9]))


def test_a_miss_falls_back_to_the_start(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    path, truth = get("h264.mp4")

    def half(*arguments: object) -> object:
        yield from [next(by_time(*arguments))]
        raise MissError

    monkeypatch.setattr(video, "by_time", half)
    np.testing.assert_array_equal(video.read(path, [5, 60]), truth[[5, 60]])


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_reading_is_indexing_the_sequential_decode(data: st.DataObject, get: Get) -> None:
    path, truth = get(
        data.draw(st.sampled_from(["h264.mp4", "h264_cut.mp4", "mpeg4_packed.avi", "vp9.webm"]))
    )
    shape = data.draw(st.sampled_from([(5,), (2, 3), (0,), (1, 2, 2), ()]))
    size = int(np.prod(shape))
    frames = data.draw(st.lists(st.integers(0, len(truth) - 1), min_size=size, max_size=size))
    index = np.array(frames, dtype=np.int64).reshape(shape)
    result = video.read(path, index)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, truth[index])


def test_variable_rate_and_header_rate(get: Get) -> None:
    assert video.probe(get("h264_vfr.mp4")[0]).fps == pytest.approx(71 / 2.865, rel=1e-3)
    assert video.probe(get("h264_one.mp4")[0]).fps == 25
    assert video.probe(get("h264.mkv")[0]).fps == 25


def test_times_are_told_where_the_rate_varies(get: Get, tmp_path: Path) -> None:
    assert video.probe(get("h264.mkv")[0]).times is None
    path = make.encode(tmp_path / "slow.mkv", "libx264", frames=40, times=lambda i: 40 * i + 400 * (i // 20))
    times = video.probe(path).times
    assert times == pytest.approx([0.04 * i + 0.4 * (i // 20) for i in range(40)])
    part = video.probe(f"{path}#t=1.2,2.2")
    assert part.times == pytest.approx([0.04 * i for i in range(20)]), (
        "as shown, not as the mean rate of the file says"
    )


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_sets_the_picture_upright(degrees: int, tmp_path: Path) -> None:
    turns = degrees // 90
    flat = make.encode(tmp_path / "flat.mp4", "libx264", frames=5, turns=turns, size=(48, 80))
    path = make.rotate(flat, tmp_path / "turned.mp4", degrees)
    info = video.probe(path)
    upright = (48, 80) if turns == 2 else (80, 48)
    assert (info.rotation, info.height, info.width) == (360 - degrees, *upright)
    assert [make.number(image) for image in video.read(path, [4, 2])] == [4, 2]
    assert video.read(path, [0], height=40, width=20).shape == (1, 40, 20, 3)


@pytest.mark.parametrize("name", ["h264.mp4", "h264_full_range.mp4", "mpeg4_b.avi"])
def test_resizing_is_the_same_scaler_on_the_same_frames(name: str, get: Get) -> None:
    path, _ = get(name)
    scaler, frames = VideoReformatter(), [3, 40]
    with opened(path) as (container, _):
        images = [image for i, image in enumerate(container.decode(video=0)) if i in frames]
    for (height, width), scaled in (((24, 20), (24, 32)), ((30, 60), (45, 60)), ((96, 96), (96, 128))):
        for fit, (h, w) in (("squash", (height, width)), ("crop", scaled)):
            top, left = (h - height) // 2, (w - width) // 2
            cut = np.s_[top : top + height, left : left + width]
            truth = [scaler.reformat(i, width=w, height=h, format="rgb24").to_ndarray()[cut] for i in images]
            result = video.read(path, frames, height=height, width=width, fit=fit)
            np.testing.assert_array_equal(result, np.stack(truth))
    np.testing.assert_array_equal(
        video.read_all(path, height=30, width=60)[frames], video.read(path, frames, height=30, width=60)
    )


def test_full_range_and_limited_range_look_the_same(get: Get) -> None:
    full, limited = (get(name)[1].astype(int) for name in ("h264_full_range.mp4", "h264.mp4"))
    assert abs(full - limited).mean() < 6


def test_attached_picture_is_not_the_video(tmp_path: Path) -> None:
    path = make.with_cover(tmp_path / "cover.mp4")
    assert (video.probe(path).frames, video.probe(path).codec) == (12, "h264")
    assert make.number(video.read(path, 7)) == 7


@pytest.mark.parametrize(
    "content", [b"", b"hi", b"just words\n" * 900, bytes(9000), b"#EXTM3U\n#EXTINF:9,\nx.mp4\n"]
)
def test_what_is_no_video(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fake.mp4"
    path.write_bytes(content)
    for work in (video.probe, video.read_all, _read_first):
        with pytest.raises(VideoError) as caught:
            work(path)
        assert caught.value.path == path
        assert caught.value.frame is None
        assert caught.value.reason
        assert "\n" not in caught.value.reason


def _read_first(path: Path) -> np.ndarray:
    return video.read(path, [0])


def test_missing_folder_and_sound(tmp_path: Path) -> None:
    assert "no such file" in _error(tmp_path / "nothing.mp4").reason
    assert "not a file" in _error(tmp_path).reason
    assert "no video stream" in _error(make.audio_only(tmp_path / "sound.mp4")).reason
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        assert "not a file" in _error(tmp_path / "pipe.mp4").reason


@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4_b.avi", "h264_one.mp4"])
def test_out_of_range(name: str, get: Get) -> None:
    path, truth = get(name)
    error = _error(path, 0, len(truth) + 5, len(truth))
    assert error.frame == len(truth)
    assert str(len(truth)) in error.reason
    assert _error(path, 0, -1).frame == -1
    assert pickle.loads(pickle.dumps(error)).reason == error.reason


def test_wrong_requests(get: Get) -> None:
    path, _ = get("h264.mp4")
    for arguments in ({"height": 10}, {"height": 0, "width": 4}, {"height": 4, "width": 4, "fit": "pad"}):
        with pytest.raises(UsageError):
            video.read(path, [0], **arguments)
    for frames in ([0.5], [True], ["a"]):
        with pytest.raises(UsageError):
            video.read(path, frames)


@pytest.mark.parametrize(
    "name",
    [
        "h264_faststart.mp4",
        "h264_fragments.mp4",
        "h264.mkv",
        "vp9.webm",
        "mpeg4_b.avi",
        "mjpeg.avi",
        "mpeg2.mpg",
    ],
)
@pytest.mark.parametrize("part", [0.62, 0.9])
def test_truncated_file_gives_what_lies_before_the_damage(
    name: str, part: float, get: Get, tmp_path: Path
) -> None:
    source, truth = get(name)
    path, data = tmp_path / name, source.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    readable = video.probe(path).frames
    assert len(truth) // 9 < readable < len(truth)
    np.testing.assert_array_equal(video.read(path, range(readable)), truth[:readable])
    np.testing.assert_array_equal(video.read(path, readable - 1), truth[readable - 1])
    error = _error(path, 2, readable, readable + 4)
    assert error.frame == readable
    assert str(readable) in error.reason
    with pytest.raises(VideoError) as caught:
        video.read_all(path)
    assert caught.value.frame == readable


@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4.avi"])
def test_overwritten_bytes_raise_or_leave_frames_alone(name: str, get: Get, tmp_path: Path) -> None:
    source, truth = get(name)
    with opened(source) as (container, stream):
        packets = [(p.pos, p.size, p.is_keyframe) for p in container.demux(stream) if p.size]
    place, size, _ = max(packets[len(packets) // 3 :], key=lambda packet: packet[1])
    data = bytearray(source.read_bytes())
    data[place + size // 3 : place + size] = np.random.default_rng(0).bytes(size - size // 3)
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(VideoError) as caught:
        video.read_all(path)
    first = caught.value.frame
    assert first is not None
    assert 10 < first < len(truth)
    np.testing.assert_array_equal(video.read(path, range(first)), truth[:first])
    if (
        name == "h264.mp4"
    ):  # that frame is whole: a decoder that meets a damage forgets pictures that it had finished
        np.testing.assert_array_equal(video.read(path, first), truth[first])
    else:
        assert _error(path, first).frame == first
    assert _error(path, *range(first, len(truth))).frame == first


@pytest.mark.parametrize(("part", "seekable"), [(0.7, True), (0.1, False)])
def test_a_damaged_first_group_shifts_nothing(part: float, seekable: bool, get: Get, tmp_path: Path) -> None:
    source, truth = get("h264.mp4")
    with opened(source) as (container, stream):
        place, size = next((p.pos, p.size) for p in container.demux(stream))
    data, kept = bytearray(source.read_bytes()), int(size * part)
    data[place + kept : place + size] = bytes(size - kept)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    assert _error(path, 3).frame == 3
    if seekable:
        np.testing.assert_array_equal(video.read(path, [30, 70]), truth[[30, 70]])
    else:
        assert _error(path, 30, 70).frame == 30


def test_metadata_that_is_not_utf8(get: Get, tmp_path: Path) -> None:
    source = make.encode(tmp_path / "named.mkv", "libx264", frames=4, metadata={"title": "XYZZYXYZZY"})
    path = tmp_path / "odd.mkv"
    path.write_bytes(source.read_bytes().replace(b"XYZZYXYZZY", b"\xff\xfe\xe9\xc0XYZZYX"))
    assert video.probe(path).frames == 4


def test_suffixes() -> None:
    assert video.is_video("a/b.MP4")
    assert video.is_video(Path("x.webm"))
    assert not video.is_video("x.txt")
    assert not video.is_video("mp4")


@pytest.mark.parametrize(("height", "width"), [(48, 64), (51, 67), (2, 2), (1, 1)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_written_files_read_back(height: int, width: int, suffix: str, tmp_path: Path) -> None:
    frames = np.stack([make.picture(i, 48, 64) for i in range(30)])
    frames = np.pad(frames, [(0, 0), (0, 3), (0, 3), (0, 0)], mode="edge")[:, :height, :width]
    path = tmp_path / f"clip{suffix}"
    video.write(path, frames, 30000 / 1001)
    info = video.probe(path)
    assert (info.frames, info.height, info.width) == frames.shape[:3]
    assert info.fps == pytest.approx(30000 / 1001, abs=1e-6)
    assert abs(video.read_all(path).astype(int) - frames).mean() < 8
    first = path.read_bytes()
    video.write(path, frames, 30000 / 1001)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_other_encoders_write(tmp_path: Path) -> None:
    frames = np.stack([make.picture(i, 48, 64) for i in range(6)])
    for name, codec in (("a.avi", "mpeg4"), ("b.avi", "mjpeg"), ("c.mkv", "ffv1")):
        video.write(tmp_path / name, frames, 10, codec=codec)
        assert [make.number(image) for image in video.read_all(tmp_path / name)] == list(range(6))


def test_refused_writes_leave_the_old_file(tmp_path: Path) -> None:
    path, frames = tmp_path / "clip.mp4", np.zeros((2, 8, 8, 3), np.uint8)
    video.write(path, frames, 25)
    old = path.read_bytes()
    for arguments in (
        {"frames": frames[:0]},
        {"frames": frames.astype(float)},
        {"frames": frames[0]},
        {"fps": 0},
        {"fps": float("nan")},
        {"codec": "no-such-encoder"},
        {"path": tmp_path / "clip.unknown"},
    ):
        with pytest.raises(UsageError):
            video.write(**({"path": path, "frames": frames, "fps": 25} | arguments))
    with pytest.raises(MuybridgeError):
        video.write(tmp_path / "no folder" / "clip.mp4", frames, 25)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_nothing_on_stderr(get: Get, capfd: pytest.CaptureFixture[str]) -> None:
    path, _ = get("h264_headless.ts")
    video.read_all(path)
    assert capfd.readouterr().err == ""


def test_torch_stays_out() -> None:
    code = "import sys, muybridge.data.decode.video; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
