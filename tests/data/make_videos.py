"""Videos made by code, one for every trap; each frame carries its number as black and white blocks."""

import re
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

HEIGHT, WIDTH, FRAMES = 48, 64, 72
BITS = 8


def picture(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A moving texture; the upper half is ``number`` in binary, 4 x 2 blocks, the most significant first."""
    y, x = np.mgrid[:height, :width]
    channels = [
        127 + 100 * np.sin((x * (c + 1) + number * 3) / 9) * np.cos((y - number) / 7) for c in range(3)
    ]
    image = np.stack(channels, -1).astype(np.uint8)
    half, block = height // 2, (height // 4, width // 4)
    for bit in range(BITS):
        row, column = divmod(bit, 4)
        area = image[row * block[0] : (row + 1) * block[0], column * block[1] : (column + 1) * block[1]]
        area[...] = 235 if number >> (BITS - 1 - bit) & 1 else 20
    assert half >= 2 * block[0]
    return image


def number(image: np.ndarray) -> int:
    """The number that ``picture`` wrote."""
    height, width = image.shape[0] // 4, image.shape[1] // 4
    value = 0
    for bit in range(BITS):
        row, column = divmod(bit, 4)
        area = image[row * height : (row + 1) * height, column * width : (column + 1) * width]
        value = value << 1 | int(area[2:-2, 2:-2].mean() > 127)
    return value


def encode(
    path: Path,
    codec: str,
    *,
    frames: int = FRAMES,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    gop: int = 24,
    bframes: int | None = None,
    times: Callable[[int], int] | None = None,
    muxer: dict[str, str] | None = None,
    format: str | None = None,
    audio: str = "",
    turns: int = 0,
    tag: str = "",
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a video; ``times`` gives time stamps in thousandths of a second for variable rates."""
    with av.open(str(path), "w", format=format, container_options=muxer or {}) as container:
        container.metadata.update(metadata or {})
        stream: Any = container.add_stream(codec, rate=Fraction(25), options=options or {})
        stream.height, stream.width, stream.pix_fmt = *size, pix_fmt
        context = stream.codec_context
        context.thread_count, context.gop_size = 1, gop
        if bframes is not None:
            context.max_b_frames = bframes
        if tag:
            context.codec_tag = tag
        context.time_base = Fraction(1, 1000) if times else Fraction(1, 25)
        sound: Any = container.add_stream(audio, rate=16000, layout="mono") if audio else None
        for i in range(frames):
            image = np.ascontiguousarray(np.rot90(picture(i, *size[:: -1 if turns % 2 else 1]), turns))
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = times(i) if times else i, context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound:
            for packet in _noise(sound):
                container.mux(packet)
    return path


def _noise(stream: Any) -> Iterator[Any]:
    for i in range(20):
        loud = np.random.default_rng(i).uniform(-0.1, 0.1, (1, 1024))
        float_ = stream.codec_context.format.name == "fltp"
        samples = loud.astype(np.float32) if float_ else (loud * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp" if float_ else "s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, i * 1024, Fraction(1, 16000)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def remux(source: Path, path: Path, keep: Callable[[int], bool], offset: Callable[[list[Any]], int]) -> Path:
    """Copy packets ``keep`` says, by place in the file; time ``offset(kept packets)`` becomes 0."""
    with av.open(str(source)) as original, av.open(str(path), "w") as copy:
        stream = original.streams.video[0]
        twin = copy.add_stream_from_template(stream)
        packets = [p for i, p in enumerate(p for p in original.demux(stream) if p.size) if keep(i)]
        shift = offset(packets)
        for packet in packets:
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, twin
            copy.mux(packet)
    return path


def packed(source: Path, path: Path) -> Path:
    """An AVI as DivX wrote it: each B-frame shares the packet of its P-frame, a stub fills its place."""
    stub = bytes.fromhex("000001b6504f")  # a VOP that is not coded
    with av.open(str(source)) as original, av.open(str(path), "w") as copy:
        stream = original.streams.video[0]
        twin = copy.add_stream_from_template(stream)
        packets: list[bytes] = []
        for packet in original.demux(stream):
            data = re.sub(rb"Lavc[0-9.]*", b"DivX503b1393p", bytes(packet))
            start = data.find(b"\0\0\1\xb6")
            if start >= 0 and data[start + 4] >> 6 == 2:
                packets[-1] += data
                data = stub
            packets += [data] if data else []
        for i, data in enumerate(packets):
            packet = av.Packet(data)
            packet.dts, packet.pts, packet.time_base, packet.stream = i, i, stream.time_base, twin
            packet.is_keyframe = b"DivX" in data
            copy.mux(packet)
    return path


def replaced(source: Path, path: Path, pattern: bytes, by: bytes) -> Path:
    """A file with some bytes exchanged for as many others."""
    data, times = re.subn(pattern, lambda match: by.ljust(len(match[0])), source.read_bytes())
    assert times
    path.write_bytes(data)
    return path


def boastful(source: Path, path: Path, extra: int) -> Path:
    """An AVI whose headers promise ``extra`` frames more than it holds."""
    data = bytearray(source.read_bytes())
    for chunk, place in ((b"avih", 16), (b"strh", 32)):
        at = data.index(chunk) + 8 + place
        data[at : at + 4] = struct.pack("<I", struct.unpack("<I", data[at : at + 4])[0] + extra)
    path.write_bytes(bytes(data))
    return path


def cut(source: Path, path: Path, first: int) -> Path:
    """An mp4 that begins inside a group: the packets before stay in the file and an edit list hides them."""
    return remux(source, path, lambda i: True, lambda packets: sorted(p.pts for p in packets)[first])


def rotate(source: Path, path: Path, degrees: int) -> Path:
    """Set the display matrix of every track so that players turn the picture clockwise."""
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = (value << 16 for value in matrices[degrees])
    data = bytearray(source.read_bytes())
    place = data.find(b"tkhd")
    assert data[place + 4] == 0, "version 0 header"
    at = place + 4 + 4 + 5 * 4 + 8 + 8
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))
    return path


def with_cover(path: Path) -> Path:
    """An mp4 whose first video stream is an attached picture, as music shops write them."""
    with av.open(str(path), "w") as container:
        cover: Any = container.add_stream("mjpeg", rate=1)
        cover.height, cover.width, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = Disposition.attached_pic.value
        film: Any = container.add_stream("libx264", rate=25)
        film.height, film.width, film.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        container.mux(cover.encode(None))
        for i in range(12):
            container.mux(film.encode(av.VideoFrame.from_ndarray(picture(i), "rgb24")))
        container.mux(film.encode(None))
    return path


def audio_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        for packet in _noise(stream):
            container.mux(packet)
    return path


def sequential(path: Path) -> list[np.ndarray]:
    """The reference: a plain decode of everything, as a textbook writes it."""
    with av.open(str(path), metadata_errors="ignore") as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


X264 = {"preset": "ultrafast", "b-pyramid": "normal", "crf": "18"}
X265 = {
    "preset": "ultrafast",
    "x265-params": "pools=1:frame-threads=1:log-level=none:keyint=24:bframes=3:b-pyramid=1",
}
VP9 = {
    "deadline": "realtime",
    "cpu-used": "8",
    "lag-in-frames": "8",
    "auto-alt-ref": "1",
    "crf": "30",
    "b": "0",
}
FAST_START = {"movflags": "faststart"}
OPEN_GOP = X264 | {"x264-params": "open-gop=1:keyint=24:min-keyint=24:bframes=3:scenecut=0"}
JITTER = [0, 13, 20, 25]


def _h264(path: Path, **options: Any) -> Path:
    return encode(path, "libx264", options=X264, bframes=3, **options)


COMBOS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "h264.mp4": ("libx264", _h264),
    "h264_audio.mp4": ("libx264", lambda p: _h264(p, audio="aac")),
    "h264_late.mp4": ("libx264", lambda p: _h264(p, times=lambda i: 700 + 40 * i)),
    "h264_negative.mp4": ("libx264", lambda p: _h264(p, muxer={"movflags": "negative_cts_offsets"})),
    "h264_vfr.mkv": ("libx264", lambda p: _h264(p, times=lambda i: i * 40 + JITTER[i % 4])),
    "h264.avi": ("libx264", _h264),
    "h264.flv": ("libx264", _h264),
    "h264_444.mp4": ("libx264", lambda p: _h264(p, pix_fmt="yuv444p")),
    "h264_422_10bit.mkv": ("libx264", lambda p: _h264(p, pix_fmt="yuv422p10le")),
    "h264_faststart.mp4": ("libx264", lambda p: _h264(p, muxer=FAST_START)),
    "h264.mkv": ("libx264", _h264),
    "h264_fragments.mp4": (
        "libx264",
        lambda p: _h264(p, muxer={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    ),
    "h264_vfr.mp4": ("libx264", lambda p: _h264(p, times=lambda i: i * 40 + JITTER[i % 4])),
    "h264_cut.mp4": ("libx264", lambda p: cut(_h264(p.with_name("whole.mp4")), p, 31)),
    "h264_open_gop.mp4": ("libx264", lambda p: encode(p, "libx264", options=OPEN_GOP)),
    "h264_open_gop.ts": ("libx264", lambda p: encode(p, "libx264", options=OPEN_GOP)),
    "h264_refresh.mp4": (
        "libx264",
        lambda p: encode(p, "libx264", options=X264 | {"x264-params": "intra-refresh=1:keyint=24:bframes=0"}),
    ),
    "h264_headless.ts": (
        "libx264",
        lambda p: remux(
            encode(p.with_name("open.ts"), "libx264", options=OPEN_GOP),
            p,
            lambda i: i >= 10,
            lambda packets: 0,
        ),
    ),
    "h264_headless.mp4": (
        "libx264",
        lambda p: remux(
            encode(p.with_name("open.mp4"), "libx264", options=OPEN_GOP),
            p,
            lambda i: i >= 24,
            lambda packets: 0,
        ),
    ),
    "mpeg2_headless.ts": (
        "mpeg2video",
        lambda p: remux(
            encode(p.with_name("m2.ts"), "mpeg2video", bframes=2), p, lambda i: i >= 10, lambda _: 0
        ),
    ),
    "mpeg2_headless.mpg": (
        "mpeg2video",
        lambda p: remux(
            encode(p.with_name("m2.mpg"), "mpeg2video", bframes=2), p, lambda i: i >= 10, lambda _: 0
        ),
    ),
    "hevc_headless.ts": (
        "libx265",
        lambda p: remux(
            encode(p.with_name("open265.ts"), "libx265", options=X265), p, lambda i: i >= 10, lambda _: 0
        ),
    ),
    "hevc_headless.mp4": (
        "libx265",
        lambda p: remux(
            encode(p.with_name("open265.mp4"), "libx265", options=X265), p, lambda i: i >= 24, lambda _: 0
        ),
    ),
    "h264_10bit.mp4": ("libx264", lambda p: _h264(p, pix_fmt="yuv420p10le")),
    "h264_interlaced.mp4": (
        "libx264",
        lambda p: encode(p, "libx264", options=X264 | {"x264-params": "interlaced=1:keyint=24"}),
    ),
    "h264_full_range.mp4": ("libx264", lambda p: _h264(p, pix_fmt="yuvj420p")),
    "h264_rotated.mp4": ("libx264", lambda p: rotate(_h264(p.with_name("flat.mp4"), turns=1), p, 90)),
    "h264_odd.mp4": ("libx264", lambda p: _h264(p, size=(51, 67), pix_fmt="yuv444p")),
    "h264_one.mp4": ("libx264", lambda p: _h264(p, frames=1)),
    "hevc.mp4": ("libx265", lambda p: encode(p, "libx265", options=X265)),
    "hevc_10bit.mp4": ("libx265", lambda p: encode(p, "libx265", options=X265, pix_fmt="yuv420p10le")),
    "vp9_444.webm": ("libvpx-vp9", lambda p: encode(p, "libvpx-vp9", options=VP9, pix_fmt="yuv444p")),
    "hevc.ts": ("libx265", lambda p: encode(p, "libx265", options=X265)),
    "vp9.webm": ("libvpx-vp9", lambda p: encode(p, "libvpx-vp9", options=VP9)),
    "vp8.webm": ("libvpx", lambda p: encode(p, "libvpx", options=VP9)),
    "av1.mp4": (
        "libsvtav1",
        lambda p: encode(p, "libsvtav1", options={"preset": "12", "svtav1-params": "lp=1"}),
    ),
    "mpeg4.avi": ("mpeg4", lambda p: encode(p, "mpeg4", bframes=0)),
    "mpeg4_b.avi": ("mpeg4", lambda p: encode(p, "mpeg4", bframes=2)),
    "mpeg4_b.mp4": ("mpeg4", lambda p: encode(p, "mpeg4", bframes=2)),
    "mpeg4_odd.avi": ("mpeg4", lambda p: encode(p, "mpeg4", size=(51, 67), bframes=0)),
    "mpeg4_packed.avi": ("mpeg4", lambda p: packed(encode(p.with_name("b.avi"), "mpeg4", bframes=1), p)),
    "xvid_b.avi": (
        "mpeg4",
        lambda p: replaced(
            encode(p.with_name("lavc.avi"), "mpeg4", bframes=2, tag="XVID"), p, rb"Lavc[0-9.]+", b"XviD0050"
        ),
    ),
    "mpeg4_audio.avi": ("mpeg4", lambda p: encode(p, "mpeg4", bframes=0, audio="mp2")),
    "mpeg4_latin1.avi": (
        "mpeg4",
        lambda p: replaced(
            encode(p.with_name("named.avi"), "mpeg4", bframes=2, metadata={"title": "A cafe in Koln"}),
            p,
            b"A cafe in Koln",
            "Un café à Köln".encode("latin-1"),
        ),
    ),
    "mpeg4_boastful.avi": (
        "mpeg4",
        lambda p: boastful(encode(p.with_name("modest.avi"), "mpeg4", bframes=2), p, 25),
    ),
    "wmv2.asf": ("wmv2", lambda p: encode(p, "wmv2")),
    "mjpeg.avi": ("mjpeg", lambda p: encode(p, "mjpeg", pix_fmt="yuvj420p")),
    "mpeg2.mpg": ("mpeg2video", lambda p: encode(p, "mpeg2video", bframes=2)),
    "mpeg2_audio.mpg": ("mpeg2video", lambda p: encode(p, "mpeg2video", bframes=2, audio="mp2")),
    "mpeg1.mpg": ("mpeg1video", lambda p: encode(p, "mpeg1video", bframes=2)),
    "mpeg2.ts": ("mpeg2video", lambda p: encode(p, "mpeg2video", bframes=2)),
    "ffv1.mkv": ("ffv1", lambda p: encode(p, "ffv1")),
}


def has_encoder(name: str) -> bool:
    try:
        av.codec.Codec(name, "w")
    except (av.FFmpegError, ValueError):
        return False
    return True
