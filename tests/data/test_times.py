"""Times of showing that are none: of decoding only, or damaged. A frame is what a plain decode shows at its place."""

import itertools
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from make_videos import encode, number

from muybridge.core.errors import VideoError
from muybridge.data.decode import video
from muybridge.data.decode.video_table import opened, scan

CODECS: dict[str, dict[str, str]] = {"libx264": {}, "libx265": {"x265-params": "log-level=none:pools=1"}}


@pytest.fixture(scope="module", params=CODECS)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264 and HEVC with B-frames."""
    path = tmp_path_factory.mktemp("source") / f"{request.param}.mp4"
    return encode(path, request.param, bframes=3, options=CODECS[request.param], frames=48)


def has_table(path: Path) -> bool:
    with opened(path) as (container, stream):
        return scan(container, stream) is not None


def plain(path: Path) -> list[int]:
    """Numbers of the frames as FFmpeg shows them, up to the first error."""
    found: list[int] = []
    try:
        with av.open(str(path)) as container:
            found.extend(number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0))
    except av.FFmpegError:
        pass
    return found


def copied(source: Path, path: Path, decode_only: bool) -> Path:
    """The same packets in another container; with times of decoding only, as from an AVI."""
    with av.open(str(source)) as original, av.open(str(path), "w") as copy:
        stream = original.streams.video[0]
        twin: Any = copy.add_stream_from_template(stream)
        for count, packet in enumerate(packet for packet in original.demux(stream) if packet.size):
            if decode_only:
                packet.pts = packet.dts = count * (packet.duration or 1)
            packet.stream = twin
            copy.mux(packet)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_times_of_decoding_are_no_times_of_showing(source: Path, suffix: str, tmp_path: Path) -> None:
    path = copied(source, tmp_path / f"copy{suffix}", decode_only=True)
    expected = plain(path)
    assert [number(video.read(path, [i])[0]) for i in range(len(expected))] == expected
    assert [number(frame) for frame in video.read_all(path)] == expected


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_copies_keep_the_fast_way(source: Path, suffix: str, tmp_path: Path) -> None:
    assert has_table(copied(source, tmp_path / f"copy{suffix}", decode_only=False))


def uneven(number: int) -> int:
    return number * 33 + (number * 7919 % 29)


@pytest.mark.parametrize("bframes", [0, 1, 3, 7])
@pytest.mark.parametrize("times", [None, uneven], ids=["even", "uneven"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_files_keep_the_fast_way(bframes: int, times: Any, suffix: str, tmp_path: Path) -> None:
    path = encode(tmp_path / f"video{suffix}", "libx264", bframes=bframes, times=times, frames=48)
    assert has_table(path)
    assert [number(video.read(path, [i])[0]) for i in range(48)] == list(range(48))


def damaged(content: bytes, seed: int) -> bytes:
    """The list of offsets between decoding and showing with entries that are wrong, swapped, or one."""
    draw, data = random.Random(seed), bytearray(content)
    at = data.index(b"ctts") + 8
    (count,) = struct.unpack(">I", data[at : at + 4])
    entries = [list(struct.unpack(">Ii", data[at + 4 + 8 * i : at + 12 + 8 * i])) for i in range(count)]
    step = min(abs(b[1] - a[1]) for a, b in itertools.pairwise(entries) if a[1] != b[1])
    for _ in range(draw.choice((1, 2, 8, count))):
        entry = draw.choice(entries)
        entry[draw.randrange(2)] = draw.choice(
            (0, 1, 2, step, 3 * step, 5, 2**31 - 1, entry[1] + step, entry[1] ^ 1 << draw.randrange(30))
        )
    data[at + 4 : at + 4 + 8 * count] = b"".join(
        struct.pack(">Ii", one % 2**31, two % 2**31) for one, two in entries
    )
    return bytes(data)


def wrong(path: Path) -> Iterator[tuple[int, int]]:
    """Frames that are read, and not those of a plain decode."""
    expected = plain(path)
    for i in range(len(expected)):
        try:
            found = number(video.read(path, np.array([i]))[0])
        except VideoError:
            continue
        if found != expected[i]:
            yield i, found


@pytest.mark.parametrize(
    "seeds", [range(16), pytest.param(range(16, 200), marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_damaged_offsets_give_no_other_frame(seeds: range, source: Path, tmp_path: Path) -> None:
    for seed in seeds:
        path = tmp_path / f"{seed}.mp4"
        path.write_bytes(damaged(source.read_bytes(), seed))
        assert not list(wrong(path)), f"seed {seed}"
