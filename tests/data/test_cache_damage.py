"""A damaged cache gives the frames that it was made of, or says what is wrong; it never gives others."""

import hashlib
import json
import os
import pickle
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muybridge.core.errors import MuybridgeError
from muybridge.data import cache, frame_store
from muybridge.data.decode import video
from muybridge.data.index import VideoRecord

SIZE = cache.Geometry(16, 24)
KINDS: tuple[cache.Kind, ...] = ("memory", "video")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[VideoRecord]:
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    records = [VideoRecord(f"{i}.mp4", str(folder / f"{i}.mp4"), 0, "", f"{i}") for i in range(4)]
    for i, record in enumerate(records):
        video.write(record.path, rng.integers(0, 256, (4 + 2 * i, 32, 48, 3)).astype(np.uint8), 10.0)
    return records


@pytest.fixture(scope="module")
def made(clips, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[np.ndarray]]]:
    """A sound cache of each kind and its frames."""
    found = {}
    for kind in KINDS:
        root = tmp_path_factory.mktemp(kind)
        found[kind] = root, frames(opened(clips, root, kind))
    return found


def opened(clips: Sequence[VideoRecord], root: Path, kind: cache.Kind) -> cache.FrameStore:
    return cache.build(clips, cache.plan(clips, SIZE, kind=kind, root=root))


def frames(store: cache.FrameStore) -> list[np.ndarray]:
    return [np.array(store.read(i, np.arange(store.frames[i]))) for i in range(len(store))]


def folder_of(root: Path) -> Path:
    (found,) = (path for path in (root / "frames").iterdir() if path.is_dir())
    return found


def data_files(root: Path) -> list[Path]:
    return sorted(path for path in folder_of(root).iterdir() if path.name != cache.INDEX)


def indexed(change: Callable[[dict], object]) -> Callable[[Path, random.Random], object]:
    """A change of the index that leaves its checksum as it was."""

    def damage(root: Path, _: random.Random) -> None:
        path = folder_of(root) / cache.INDEX
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return damage


def flip(root: Path, draw: random.Random) -> None:
    path = draw.choice([*data_files(root), folder_of(root) / cache.INDEX])
    content = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 3, 200))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def cut(root: Path, draw: random.Random) -> None:
    path = draw.choice([*data_files(root), folder_of(root) / cache.INDEX])
    os.truncate(path, draw.randrange(path.stat().st_size))


def swap(root: Path, draw: random.Random) -> None:
    """Two videos, or two stretches of the memory map, change places."""
    paths = data_files(root)
    if len(paths) > 1:
        one, other = draw.sample(paths, 2)
        kept = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(kept)
        return
    content, half = paths[0].read_bytes(), paths[0].stat().st_size // 2
    paths[0].write_bytes(content[half:] + content[:half])


def grow(root: Path, draw: random.Random) -> None:
    path = draw.choice(data_files(root))
    path.write_bytes(path.read_bytes() + bytes(draw.randrange(1, 5000)))


def each(name: str, by: object) -> Callable[[dict], object]:
    return lambda content: [entry.update({name: by}) for entry in content["videos"].values()]


def exchange(content: dict) -> None:
    first, *_, last = content["videos"].values()
    for name in ("offset", "frames", "checksum"):
        if name in first:
            first[name], last[name] = last[name], first[name]


DAMAGES: dict[str, Callable[[Path, random.Random], object]] = {
    "flip": flip,
    "cut": cut,
    "swap": swap,
    "grow": grow,
    "data gone": lambda root, draw: draw.choice(data_files(root)).unlink(),
    "data empty": lambda root, draw: draw.choice(data_files(root)).write_bytes(b""),
    "all data gone": lambda root, _: [path.unlink() for path in data_files(root)],
    "index gone": lambda root, _: (folder_of(root) / cache.INDEX).unlink(),
    "index empty": lambda root, _: (folder_of(root) / cache.INDEX).write_text(""),
    "index {}": lambda root, _: (folder_of(root) / cache.INDEX).write_text("{}"),
    "index []": lambda root, _: (folder_of(root) / cache.INDEX).write_text("[]"),
    "index deep": lambda root, _: (folder_of(root) / cache.INDEX).write_text("[" * 100_000),
    "index of bytes": lambda root, _: (folder_of(root) / cache.INDEX).write_bytes(b"\xff\xfe\x00"),
    "number too long": lambda root, _: (folder_of(root) / cache.INDEX).write_text('{"videos": 1%s}' % ("0" * 6000)),
    "offsets": indexed(each("offset", 1)),
    "fewer frames": indexed(each("frames", 3)),
    "no frames": indexed(each("frames", 0)),
    "frames as words": indexed(each("frames", "4")),
    "said to be broken": indexed(each("error", "no such video")),
    "exchanged": indexed(exchange),
    "no videos": indexed(lambda content: content["videos"].clear()),
    "videos a list": indexed(lambda content: content.update(videos=[])),
    "other kind": indexed(lambda content: content.update(kind={"memory": "video", "video": "memory"}[content["kind"]])),
    "other size": indexed(lambda content: content["geometry"].update(height=8)),
    "no checksum": indexed(lambda content: content.pop("sha256")),
    "probe damaged": lambda root, _: (
        shutil.rmtree(folder_of(root)),
        [path.write_text('{"videos": {}}') for path in (root / "frames").glob("*.json")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_decoded_again(name: str, kind: cache.Kind, clips, made, tmp_path: Path) -> None:
    good, expected = made[kind]
    for seed in range(12 if name in ("flip", "cut", "swap", "grow") else 1):
        root = tmp_path / str(seed)
        shutil.copytree(good, root)
        DAMAGES[name](root, random.Random(seed))
        for _ in range(2):  # and what was mended stays so
            for one, other in zip(frames(opened(clips, root, kind)), expected, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_damaged_is_decoded_again(
    kind: cache.Kind, clips, made, tmp_path: Path, monkeypatch
) -> None:
    shutil.copytree(made[kind][0], tmp_path / "copy")
    decoded = []
    plain = video.read_all
    monkeypatch.setattr(
        video, "read_all", lambda path, **more: decoded.append(Path(path).name) or plain(path, **more)
    )
    frames(opened(clips, tmp_path / "copy", kind))
    assert not decoded
    path = data_files(tmp_path / "copy")[0]
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    frames(opened(clips, tmp_path / "copy", kind))
    assert len(decoded) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_video_is_gone_too_it_is_said(kind: cache.Kind, clips, tmp_path: Path) -> None:
    own = [VideoRecord(r.id, str(shutil.copy(r.path, tmp_path / r.id)), 0, "", r.id) for r in clips]
    store = opened(own, tmp_path / "cache", kind)
    for path in data_files(tmp_path / "cache"):
        path.write_bytes(bytes(path.stat().st_size))
    for record in own:
        record.path.unlink()
    with pytest.raises(MuybridgeError):
        store.read(0, np.arange(2))


def test_a_video_is_hashed_once_per_process(clips, made, monkeypatch) -> None:
    root, expected = made["memory"]
    store, hashed = opened(clips, root, "memory"), []
    plain = frame_store.pixel_digest
    monkeypatch.setattr(frame_store, "pixel_digest", lambda pixels: hashed.append(pixels) or plain(pixels))
    for _ in range(3):
        frames(store)
    assert len(hashed) == len(clips)
    again = pickle.loads(pickle.dumps(store))  # as sent to another process
    np.testing.assert_array_equal(frames(again)[1], expected[1])


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Frames of 40 rows of the table that is summed, and a rest."""
    return np.random.default_rng(0).integers(0, 256, (30, 37, 25, 3), np.uint8)


@given(start=st.integers(0, 30 * 37 * 25 * 3 - 1), length=st.integers(1, 2040), seed=st.integers(0, 99))
def test_any_change_within_a_row_is_another_checksum(noise, start: int, length: int, seed: int) -> None:
    changed = noise.copy()
    stretch = changed.reshape(-1)[start : start + length]
    stretch ^= np.random.default_rng(seed).integers(1, 256, len(stretch), np.uint8)
    assert not np.array_equal(changed, noise)
    assert frame_store.pixel_digest(changed) != frame_store.pixel_digest(noise)


@pytest.mark.parametrize("unit", [1, 8, 2775, 2048, 4096])
def test_bytes_words_frames_and_rows_that_change_places_are_another_checksum(noise, unit: int) -> None:
    """Sums of columns alone would not see rows that change places, sums of rows alone no words within one."""
    changed = noise.copy()
    flat = changed.reshape(-1)
    flat[:unit], flat[3 * unit : 4 * unit] = flat[3 * unit : 4 * unit].copy(), flat[:unit].copy()
    assert not np.array_equal(changed, noise)
    assert frame_store.pixel_digest(changed) != frame_store.pixel_digest(noise)


def test_the_checksum_is_of_the_bytes_and_their_number(noise) -> None:
    """Computed once more by plain arithmetic; where the bytes lie does not matter."""
    flat = noise.tobytes()
    whole = len(flat) // 2048 * 2048
    words = [int.from_bytes(flat[at : at + 8], sys.byteorder) for at in range(0, whole, 8)]
    sums = [sum(words[at::256]) for at in range(256)] + [
        sum(words[at : at + 256]) for at in range(0, len(words), 256)
    ]
    told = b"".join((one % 2**64).to_bytes(8, sys.byteorder) for one in sums)
    expected = hashlib.sha256(f"{len(flat)} ".encode() + told + flat[whole:]).hexdigest()
    assert frame_store.pixel_digest(noise) == expected
    shifted = np.frombuffer(b"x" + flat, np.uint8)[1:]
    assert frame_store.pixel_digest(shifted) == expected
    assert frame_store.pixel_digest(np.zeros(4096, np.uint8)) != frame_store.pixel_digest(
        np.zeros(8192, np.uint8)
    )
    assert frame_store.pixel_digest(noise[:0]) != expected
