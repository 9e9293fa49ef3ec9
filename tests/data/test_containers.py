"""Containers beside the usual ones: read like any other, or refused in words that say what is."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from make_videos import number, picture

from muybridge.core.errors import UsageError, VideoError
from muybridge.data.decode import video
from muybridge.data.lists import folder

KINDS = {
    ".gif": ("gif", "rgb8"),
    ".apng": ("apng", "rgb24"),
    ".y4m": ("rawvideo", "yuv420p"),
    ".mjpeg": ("mjpeg", "yuvj420p"),
}


def made(path: Path, frames: int = 12) -> Path:
    """Numbered frames in a container."""
    codec, pixels = KINDS[path.suffix]
    codec = {".y4m": "wrapped_avframe"}.get(path.suffix, codec)
    with av.open(str(path), "w", format={".y4m": "yuv4mpegpipe"}.get(path.suffix)) as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, pixels
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(i), "rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", KINDS)
def test_frames_of_other_containers(suffix: str, tmp_path: Path):
    path = made(tmp_path / f"video{suffix}")
    assert [number(frame) for frame in video.read_all(path)] == list(range(12))
    assert [number(frame) for frame in video.read(path, [7, 2])] == [7, 2]
    assert video.probe(path).frames == 12


def test_animations_count_where_there_is_nothing_else(tmp_path: Path):
    for name in ("a/one.gif", "b/two.gif"):
        (tmp_path / name).parent.mkdir()
        made(tmp_path / name)
    assert len(folder.read(tmp_path).records) == 2
    video.write(tmp_path / "a" / "one.mp4", np.zeros((4, 16, 16, 3), np.uint8), 10.0)
    assert [record.id for record in folder.read(tmp_path).records] == ["a/one.mp4"], "the others are previews"


def test_folders_of_pictures_say_the_way_out(tmp_path: Path):
    (tmp_path / "a" / "12").mkdir(parents=True)
    (tmp_path / "a" / "12" / "frame_00001.jpg").touch()
    with pytest.raises(UsageError, match=r"ffmpeg -framerate 12 -i frame_%05d.jpg .*\.mp4"):
        folder.read(tmp_path)


def test_what_is_no_video_names_what_is(tmp_path: Path):
    (tmp_path / "x.webp").write_bytes(b"RIFF\x1a\0\0\0WEBPVP8 ")
    with pytest.raises(VideoError):
        video.read_all(tmp_path / "x.webp")
