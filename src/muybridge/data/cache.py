"""Decode once: frames at the training resolution, as a memory map for small sets or as short-GOP video for large ones.

The key is made of the files' content and of the geometry, so the same videos in another list, split or folder share one cache. Building
is safe against a second process and against being killed: finished videos are kept, and the folder gets its name only when complete.
Beside the folder ``<key>`` lie ``<key>.json`` (frame counts, and the kind once building began), ``<key>.lock`` and, while building,
``<key>.<kind>.part``.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock
from jaxtyping import UInt8

from muybridge.core.errors import MuybridgeError, VideoError
from muybridge.core.paths import cache_root
from muybridge.core.processes import pool
from muybridge.core.records import read_json, write_json
from muybridge.data import video
from muybridge.data.index import VideoRecord, check_unchanged, fingerprints

FORMAT = 1
MEMORY_LIMIT = 4 << 30
SHORT_GOP = {"tune": "fastdecode", "bf": "3", "b-pyramid": "none", "b_strategy": "0", "refs": "1"}
"""Three of four frames are needed by no other, so that the reader skips those that a clip does not want."""
Kind = Literal["auto", "memory", "video"]
Progress = Callable[[int, int], None]
Table = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Geometry:
    """Size of the cached frames; ``crop`` scales to cover and cuts the middle, ``squash`` ignores the aspect ratio."""

    height: int
    width: int
    fit: Literal["crop", "squash"] = "crop"


@dataclass(frozen=True)
class Plan:
    """What a cache will hold, known before a frame is decoded.

    Attributes:
        folder: where it lies once complete.
        kind: ``memory`` or ``video``.
        files: fingerprint of each record's file.
        bytes: size on disk; for ``video`` an estimate.
    """

    folder: Path
    kind: str
    geometry: Geometry
    files: tuple[str, ...]
    frames: tuple[int, ...]
    fps: tuple[float, ...]
    errors: dict[str, str]
    bytes: int

    def __str__(self) -> str:
        where = "ready in" if (self.folder / "index.json").is_file() else "to be built in"
        return (
            f"{len(self.files):,} videos, {sum(self.frames):,} frames at {self.geometry.height}x{self.geometry.width}: "
            f"{self.bytes / 1e6:,.0f} MB ({self.kind}), {where} {self.folder}"
        )


def plan(
    records: Sequence[VideoRecord],
    geometry: Geometry,
    *,
    kind: Kind = "auto",
    root: Path | None = None,
    workers: int = 1,
) -> Plan:
    """Count frames (packets only) and say what the cache will cost; a finished cache answers from its index."""
    files = fingerprints(records)
    content = json.dumps([FORMAT, vars(geometry), sorted(set(files))])
    folder = (root or cache_root()) / "frames" / hashlib.sha256(content.encode()).hexdigest()[:16]
    index = folder / "index.json"
    if not index.is_file():
        index = folder.with_suffix(".json")
    if not index.is_file():
        write_json(index, _probe_all(dict(zip(files, (r.video for r in records), strict=True)), workers))
    content_of = read_json(index)
    table = content_of["videos"]
    frames = tuple(table[name]["frames"] for name in files)
    chosen = content_of.get("kind") or kind
    if chosen == "auto":
        chosen = "memory" if _cost(table, geometry, "memory") <= MEMORY_LIMIT else "video"
    errors = {name: entry["error"] for name, entry in table.items() if entry["error"]}
    fps = tuple(table[name]["fps"] for name in files)
    size = _cost(table, geometry, chosen)
    return Plan(folder, chosen, geometry, tuple(files), frames, fps, errors, size)


def _cost(table: Table, geometry: Geometry, kind: str) -> int:
    raw: int = sum(entry["frames"] for entry in table.values()) * geometry.height * geometry.width * 3
    return raw if kind == "memory" else raw // 50


def build(
    records: Sequence[VideoRecord], planned: Plan, *, workers: int = 1, progress: Progress | None = None
) -> "FrameStore":
    """Decode what is missing and open the cache.

    Raises:
        MuybridgeError: the disk is full, the folder cannot be written, or a file changed since it was planned.
    """
    folder = planned.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "index.json").is_file():
            _build(
                dict(zip(planned.files, (r.video for r in records), strict=True)), planned, workers, progress
            )
    return FrameStore(folder, planned.files)


def remove(root: Path | None = None) -> int:
    """Delete every cached frame, feature, embedded clip, look at a file, index of a tar and index of runs; returns the bytes freed."""
    base = root or cache_root()
    folders = [
        base / name for name in ("frames", "builtin", "doctor-2", "index-1", "index-2", "tars", "features")
    ]
    before = sum(map(_size, folders))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return before - sum(map(_size, folders))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class FrameStore:
    """Reads frames of cached videos by index."""

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        index = read_json(folder / "index.json")
        table = index["videos"]
        self.folder, self.files, self.kind = folder, tuple(files), index["kind"]
        self.geometry = Geometry(**index["geometry"])
        self.frames = np.array([table[name]["frames"] for name in files])
        self.errors = [table[name]["error"] for name in files]
        self._offset = [table[name].get("offset", 0) for name in files]

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def _memory(self) -> UInt8[np.ndarray, "n h w 3"]:
        shape = (-1, self.geometry.height, self.geometry.width, 3)
        mapped = np.memmap(self.folder / "frames.u8", np.uint8, "r").reshape(shape)
        return np.asarray(mapped)  # a plain array over the same memory: indexing a memmap costs more

    def read(self, number: int, frames: np.ndarray) -> UInt8[np.ndarray, "*frames h w 3"]:
        """Frames of one video by index.

        Raises:
            VideoError: the video is broken, or has no such frame.
        """
        if self.errors[number]:
            raise VideoError(self.files[number], None, self.errors[number])
        beyond = frames[(frames < 0) | (frames >= self.frames[number])]
        if beyond.size:
            raise VideoError(self.files[number], int(beyond[0]), f"it has {self.frames[number]} frames")
        if self.kind == "memory":
            pixels: np.ndarray = self._memory[self._offset[number] + frames]
            return pixels
        return video.read(self.folder / f"{self.files[number]}.mp4", frames)


def _probe_all(paths: dict[str, Path], workers: int) -> dict[str, Table]:
    with pool(workers) as mapped:
        found = list(mapped(_probe, paths.items()))
    return {"videos": dict(zip(paths, found, strict=True))}


def _probe(job: tuple[str, Path]) -> dict[str, Any]:
    name, path = job
    try:
        info = video.probe(path)
    except VideoError as error:
        check_unchanged(path, name)
        return {"frames": 0, "fps": 0.0, "error": error.reason}
    check_unchanged(path, name)
    return {"frames": info.frames, "fps": info.fps, "error": ""}


def _build(paths: dict[str, Path], planned: Plan, workers: int, progress: Progress | None) -> None:
    probe = planned.folder.with_suffix(".json")
    content = read_json(probe)
    kind, table = content.setdefault("kind", planned.kind), content["videos"]
    write_json(probe, content)
    part = planned.folder.with_suffix(f".{kind}.part")
    part.mkdir(exist_ok=True)
    _lay_out(table, kind, planned.geometry, part)
    done_file = part / "done.jsonl"
    done = _read_done(done_file)
    todo = [name for name in table if name not in done and not table[name]["error"]]
    work = partial(_decode, part=part, kind=kind, geometry=planned.geometry)
    jobs = [(name, paths[name], table[name].get("offset", 0), table[name]["frames"]) for name in todo]
    with pool(workers) as mapped, done_file.open("a", encoding="utf-8") as journal:
        for count, (name, error) in enumerate(mapped(work, jobs), start=1):
            done[name] = error
            journal.write("\n" + json.dumps([name, error]))  # in front: a line that was torn stays alone
            journal.flush()
            if progress:
                progress(len(table) - len(todo) + count, len(table))
    for name, error in done.items():
        table[name]["error"] = error
    write_json(part / "index.json", {"kind": kind, "geometry": vars(planned.geometry), "videos": table})
    done_file.unlink()
    part.replace(planned.folder)


def _lay_out(table: Table, kind: str, geometry: Geometry, part: Path) -> None:
    """See that the disk has room; give each video its place in the memory map and reserve the file."""
    size = _cost(table, geometry, kind)
    missing = size - sum(path.stat().st_blocks for path in part.iterdir()) * 512
    free = shutil.disk_usage(part).free
    if missing > free:
        raise MuybridgeError(
            f"{part}: the frame cache needs {missing / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB. "
            "Free some space, or set MUYBRIDGE_CACHE to a folder on another disk."
        )
    if kind != "memory":
        return
    at = 0
    for name in sorted(table):
        table[name]["offset"], at = at, at + table[name]["frames"]
    with (part / "frames.u8").open("ab") as file:
        file.truncate(max(size, 1))
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(
                file.fileno(), 0, size
            )  # a full disk is an error here and not a crash while decoding


def _decode(job: tuple[str, Path, int, int], part: Path, kind: str, geometry: Geometry) -> tuple[str, str]:
    """Decode one video into the cache; returns its name and, if it is broken, why.

    Raises:
        MuybridgeError: the file is no longer the one that was planned for.
    """
    done = _decoded(job, part, kind, geometry)
    check_unchanged(job[1], job[0])
    return done


def _decoded(job: tuple[str, Path, int, int], part: Path, kind: str, geometry: Geometry) -> tuple[str, str]:
    name, path, offset, frames = job
    try:
        pixels = video.read_all(path, **vars(geometry))
        if len(pixels) != frames:
            return name, f"decodes to {len(pixels)} frames where its packets promise {frames}"
        if kind == "memory":
            shape = (-1, geometry.height, geometry.width, 3)
            memory = np.memmap(part / "frames.u8", np.uint8, "r+")
            memory.reshape(shape)[offset : offset + frames] = pixels
            memory.flush()
        else:
            video.write(part / f"{name}.mp4", pixels, 25.0, options=SHORT_GOP)
    except VideoError as error:
        return name, str(error.reason if error.frame is None else f"frame {error.frame}: {error.reason}")
    return name, ""


def _read_done(path: Path) -> dict[str, str]:
    done: dict[str, str] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                name, error = json.loads(line)
            except json.JSONDecodeError:
                continue
            done[name] = error
    return done
