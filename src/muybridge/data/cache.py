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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock

from muybridge.core.errors import MuybridgeError, VideoError
from muybridge.core.machine.paths import cache_root
from muybridge.core.machine.processes import pool
from muybridge.data.decode import video
from muybridge.data.frame_store import (
    MEMORY,
    Entry,
    FrameIndex,
    Table,
    digest,
    lengthen,
    pixel_digest,
    read_index,
    write_index,
)
from muybridge.data.frame_store import FrameStore as FrameStore
from muybridge.data.frame_store import Geometry as Geometry
from muybridge.data.index import VideoRecord, check_unchanged, fingerprints

FORMAT = 3
INDEX = "index.json"
MEMORY_LIMIT = 4 << 30
SHORT_GOP = {"tune": "fastdecode", "bf": "3", "b-pyramid": "none", "b_strategy": "0", "refs": "1"}
"""Three of four frames are needed by no other, so that the reader skips those that a clip does not want."""
Kind = Literal["auto", "memory", "video"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What a cache will hold, known before a frame is decoded.

    Attributes:
        folder: where it lies once complete.
        kind: ``memory`` or ``video``.
        files: fingerprint of each record's file.
        times: seconds from the first frame to each, of videos whose rate varies.
        traits: what a reader should know of each (``data.decode.video_traits``).
        bytes: size on disk; for ``video`` an estimate.
        ready: whether it was there, with a sound index.
    """

    folder: Path
    kind: str
    geometry: Geometry
    files: tuple[str, ...]
    frames: tuple[int, ...]
    fps: tuple[float, ...]
    times: tuple[Sequence[float] | None, ...]
    traits: tuple[Mapping[str, str], ...]
    errors: dict[str, str]
    bytes: int
    ready: bool

    def __str__(self) -> str:
        where = "ready in" if self.ready else "to be built in"
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
    files: Sequence[str] | None = None,
) -> Plan:
    """Count frames (packets only) and say what the cache will cost; a finished cache answers from its index.

    Args:
        records: the videos.
        geometry: size of the pictures.
        kind: of the cache; by its size when not given.
        root: folder of caches.
        workers: processes that count.
        files: fingerprint of each record's file, where they were just taken.
    """
    files = fingerprints(records) if files is None else list(files)
    content = json.dumps([FORMAT, vars(geometry), sorted(set(files))])
    folder = (root or cache_root()) / "frames" / hashlib.sha256(content.encode()).hexdigest()[:16]
    ready = read_index(folder / INDEX, files)
    content_of = ready or read_index(folder.with_suffix(".json"), files)
    if content_of is None:
        content_of = _probe_all(dict(zip(files, (r.video for r in records), strict=True)), workers)
        write_index(folder.with_suffix(".json"), content_of)
    table = content_of["videos"]
    frames = tuple(table[name]["frames"] for name in files)
    chosen = content_of.get("kind") or kind
    if chosen == "auto":
        chosen = "memory" if _cost(table, geometry, "memory") <= MEMORY_LIMIT else "video"
    errors = {name: entry["error"] for name, entry in table.items() if entry["error"]}
    fps = tuple(table[name]["fps"] for name in files)
    times = tuple(table[name].get("times") for name in files)
    traits = tuple(table[name].get("traits", {}) for name in files)
    size = _cost(table, geometry, chosen)
    return Plan(
        folder, chosen, geometry, tuple(files), frames, fps, times, traits, errors, size, ready is not None
    )


def _cost(table: Table, geometry: Geometry, kind: str) -> int:
    raw: int = sum(entry["frames"] for entry in table.values()) * geometry.frame
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
    paths = dict(zip(planned.files, (r.video for r in records), strict=True))
    with FileLock(folder.with_suffix(".lock")):
        index = read_index(folder / INDEX, planned.files)
        if index is None:
            shutil.rmtree(folder, ignore_errors=True)  # what is there without a sound index is no cache
            index = _build(paths, planned, workers, progress)
    return FrameStore(folder, planned.files, index, partial(_repair, paths=paths, folder=folder, index=index))


def _repair(name: str, paths: dict[str, Path], folder: Path, index: FrameIndex) -> None:
    """Decode one video of a finished cache into it again."""
    entry = index["videos"][name]
    if index["kind"] == "memory":
        lengthen(folder / MEMORY, _cost(index["videos"], Geometry(**index["geometry"]), "memory"))
    job = (name, paths[name], entry.get("offset", 0), entry["frames"])
    _decode(job, folder, index["kind"], Geometry(**index["geometry"]))


def remove(root: Path | None = None) -> int:
    """Delete every cached frame, feature, embedded clip, look at a file, index of a tar and index of runs; returns the bytes freed."""
    base = root or cache_root()
    folders = [
        base / name
        for name in ("frames", "builtin", "doctor-2", "doctor-3", "index-1", "index-2", "tars", "features")
    ]
    before = sum(map(_size, folders))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return before - sum(map(_size, folders))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _probe_all(paths: dict[str, Path], workers: int) -> FrameIndex:
    with pool(workers) as mapped:
        found = list(mapped(_probe, paths.items()))
    return {"videos": dict(zip(paths, found, strict=True))}


def _probe(job: tuple[str, Path]) -> Entry:
    name, path = job
    try:
        info = video.probe(path)
    except VideoError as error:
        check_unchanged(path, name)
        return {"frames": 0, "fps": 0.0, "error": error.reason}
    check_unchanged(path, name)
    found: Entry = {"frames": info.frames, "fps": info.fps, "error": ""}
    if info.times:
        found["times"] = info.times
    if info.traits:
        found["traits"] = info.traits
    return found


def _build(paths: dict[str, Path], planned: Plan, workers: int, progress: Progress | None) -> FrameIndex:
    """Decode into a folder beside, which then takes its name; returns the index."""
    probe = planned.folder.with_suffix(".json")
    content = read_index(probe, planned.files) or _probe_all(paths, workers)
    kind = content.setdefault("kind", planned.kind)
    table = content["videos"]
    write_index(probe, content)
    part = planned.folder.with_suffix(f".{kind}.part")
    part.mkdir(exist_ok=True)
    _lay_out(table, kind, planned.geometry, part)
    done_file = part / "done.jsonl"
    done = _read_done(done_file)
    todo = [name for name in table if name not in done and not table[name]["error"]]
    work = partial(_decode, part=part, kind=kind, geometry=planned.geometry)
    jobs = [(name, paths[name], table[name].get("offset", 0), table[name]["frames"]) for name in todo]
    with pool(workers) as mapped, done_file.open("a", encoding="utf-8") as journal:
        for count, (name, error, checksum) in enumerate(mapped(work, jobs), start=1):
            done[name] = (error, checksum)
            journal.write(
                "\n" + json.dumps([name, error, checksum])
            )  # in front: a line that was torn stays alone
            journal.flush()
            if progress:
                progress(len(table) - len(todo) + count, len(table))
    for name, (error, checksum) in done.items():
        table[name] |= {"error": error, "checksum": checksum}
    index: FrameIndex = {"kind": kind, "geometry": vars(planned.geometry), "videos": table}
    write_index(part / INDEX, index)
    done_file.unlink()
    part.replace(planned.folder)
    return index


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
    with (part / MEMORY).open("ab") as file:
        file.truncate(max(size, 1))
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(
                file.fileno(), 0, size
            )  # a full disk is an error here and not a crash while decoding


def _decode(
    job: tuple[str, Path, int, int], part: Path, kind: str, geometry: Geometry
) -> tuple[str, str, str]:
    """Decode one video into the cache; returns its name, why it is broken if it is, and the checksum of its bytes.

    Raises:
        MuybridgeError: the file is no longer the one that was planned for.
    """
    done = _decoded(job, part, kind, geometry)
    check_unchanged(job[1], job[0])
    return done


def _decoded(
    job: tuple[str, Path, int, int], part: Path, kind: str, geometry: Geometry
) -> tuple[str, str, str]:
    name, path, offset, frames = job
    try:
        pixels = video.read_all(path, **vars(geometry))
        if len(pixels) != frames:
            return name, f"decodes to {len(pixels)} frames where its packets promise {frames}", ""
        if kind == "memory":
            whole = np.ascontiguousarray(pixels)
            # The file alone, without a map of all videos: to flush that costs as much as there is of it, for every video. What a crash of
            # the machine takes away is found by its checksum and decoded again.
            with (part / MEMORY).open("r+b") as file:
                file.seek(offset * geometry.frame)
                file.write(whole.data)
            return name, "", pixel_digest(whole)
        video.write(part / f"{name}.mp4", pixels, 25.0, options=SHORT_GOP)
    except VideoError as error:
        return name, str(error.reason if error.frame is None else f"frame {error.frame}: {error.reason}"), ""
    return name, "", digest((part / f"{name}.mp4").read_bytes())


def _read_done(path: Path) -> dict[str, tuple[str, str]]:
    done: dict[str, tuple[str, str]] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                name, error, checksum = json.loads(line)
            except (ValueError, TypeError, RecursionError):
                continue
            done[name] = (error, checksum)
    return done
