"""Videos damaged in every way that disks, networks and cut transfers know, by number: the same number gives the same damage."""

import random
import struct
from collections.abc import Callable
from pathlib import Path

from make_videos import encode

BOXES = (
    b"moov", b"trak", b"stts", b"stsc", b"stsz", b"stco", b"ctts", b"stss", b"mvhd", b"tkhd", b"mdhd", b"elst", b"avcC", b"hvcC", b"avc1",
    b"stsd", b"hdrl", b"avih", b"strh", b"strf", b"idx1", b"movi", b"00dc", b"LIST", b"ftyp", b"mdat",
    b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\x1c\x53\xbb\x6b", b"\x1f\x43\xb6\x75",
)  # fmt: skip
"""Names of boxes of mp4 and AVI and of elements of Matroska: what stands behind them steers the reader."""
WORDS = (0, 1, 2, 65535, 1_000_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
Damage = Callable[[bytearray, random.Random, list[bytes]], bytes | bytearray]


def sources(folder: Path) -> list[Path]:
    """Sound videos of each container and codec that is damaged."""
    quiet = {"x265-params": "log-level=none:pools=1"}
    made: list[tuple[str, str, dict]] = [
        ("h264.mp4", "libx264", {"bframes": 3}), ("h264.mkv", "libx264", {"bframes": 3}), ("hevc.mp4", "libx265", {"options": quiet}),
        ("plain.mov", "libx264", {"bframes": 0}), ("mpeg4.avi", "mpeg4", {}), ("vp9.webm", "libvpx-vp9", {"options": {"cpu-used": "8"}}),
        ("h264.ts", "libx264", {}), ("mjpeg.avi", "mjpeg", {"pix_fmt": "yuvj420p"}),
    ]  # fmt: skip
    return [encode(folder / name, codec, frames=40, **more) for name, codec, more in made]


def _bits(data: bytearray, draw: random.Random, _: list[bytes]) -> bytearray:
    for _turn in range(draw.choice((1, 1, 2, 8, 64))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return data


def _ends(data: bytearray, draw: random.Random, _: list[bytes]) -> bytearray:
    """Bits near both ends, where headers lie."""
    for _turn in range(draw.choice((1, 2, 8, 32))):
        near = draw.randrange(min(len(data), draw.choice((64, 512, 4096))))
        data[near if draw.random() < 0.6 else len(data) - 1 - near] ^= 1 << draw.randrange(8)
    return data


def _cut(data: bytearray, draw: random.Random, _: list[bytes]) -> bytearray:
    at = draw.randrange(len(data))
    return data[:at] if draw.random() < 0.8 else data[at:]


def _splice(data: bytearray, draw: random.Random, others: list[bytes]) -> bytearray:
    other = draw.choice(others)
    size = min(draw.choice((32, 256, 1024, 4096, len(data) // 2)), len(data), len(other))
    data[:size] = other[:size]
    return data


def _zero(data: bytearray, draw: random.Random, _: list[bytes]) -> bytearray:
    at = draw.randrange(len(data))
    part = slice(at, at + draw.choice((4, 64, 1024, 16384)))
    data[part] = bytes(len(data[part]))
    return data


def _swap(data: bytearray, draw: random.Random, _: list[bytes]) -> bytearray:
    size = min(draw.choice((16, 512, 4096)), len(data) // 3)
    one, other = (draw.randrange(len(data) - size) for _turn in range(2))
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
    return data


def _twice(data: bytearray, draw: random.Random, _: list[bytes]) -> bytearray:
    size = min(draw.choice((188, 1024, 8192)), len(data) // 2)
    at = draw.randrange(len(data) - size)
    if draw.random() < 0.5:
        data[at:at] = data[at : at + size]
    else:
        del data[at : at + size]
    return data


def _header(data: bytearray, draw: random.Random, _: list[bytes]) -> bytearray:
    there = [name for name in BOXES if name in data]
    if not there:
        data[draw.randrange(min(len(data), 256))] = draw.choice((0, 127, 128, 255))
        return data
    name = draw.choice(there)
    at = data.find(name) + len(name)
    for _turn in range(draw.choice((1, 1, 3))):
        place = at + draw.choice((-8, -4, 0, 4, 8, 12, 16, 20, 24, 28, 32))
        if 0 <= place < len(data) - 4:
            data[place : place + 4] = struct.pack(draw.choice((">I", "<I")), draw.choice(WORDS))
    return data


DAMAGES: tuple[Damage, ...] = (_bits, _bits, _ends, _cut, _splice, _zero, _swap, _twice, _header, _header)


def damaged(paths: list[Path], number: int) -> tuple[str, bytes]:
    """Name of the source and kind of damage, and the bytes."""
    draw, path = random.Random(number), paths[number % len(paths)]
    damage = DAMAGES[number // len(paths) % len(DAMAGES)]
    content = damage(bytearray(path.read_bytes()), draw, [one.read_bytes() for one in paths])
    return f"{path.stem}-{damage.__name__.strip('_')}-{number}{path.suffix}", bytes(content)
