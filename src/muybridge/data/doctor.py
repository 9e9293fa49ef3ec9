"""Look at every video once: what is broken, too short, at an odd rate, a copy, or on both sides of a split.

What was found out about a file is kept beside the frame cache under the file's fingerprint, so a second look, or one that goes on after a
kill, decodes only what is new.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import numpy as np

from muybridge.core.errors import VideoError
from muybridge.core.paths import cache_root
from muybridge.core.processes import pool
from muybridge.core.records import atomic
from muybridge.data import likeness, video
from muybridge.data.index import Dataset, VideoRecord, fingerprints

Kind = Literal["broken", "missing", "extra", "short", "rate", "copy", "alike", "leak"]
Progress = Callable[[int, int], None]
ODD_RATE = 0.2


@dataclass(frozen=True)
class Finding:
    """Something that a user must know.

    Attributes:
        kind: ``broken`` (names the frame), ``missing`` (listed, not there), ``extra`` (there, not listed), ``short`` (fewer frames than
            wanted), ``rate`` (more than 20 % off the usual frame rate), ``copy`` (the same bytes), ``alike`` (shows the same: re-encoded,
            mirrored or cut), ``leak`` (a copy or look-alike on the other side of the split).
        video: id.
        detail: in words.
    """

    kind: Kind
    video: str
    detail: str


@dataclass(frozen=True)
class Facts:
    """What one pass over a file says."""

    frames: int
    fps: float
    error: str
    thumbs: likeness.Thumbs


@dataclass(frozen=True)
class Survey:
    """The state of a data set.

    Attributes:
        findings: sorted by kind and video.
        videos: how many were looked at.
        frames: decoded frames in all.
        fingerprint: of the data set, as in every result made from it.
    """

    findings: tuple[Finding, ...]
    videos: int
    frames: int
    fingerprint: str


def survey(
    dataset: Dataset,
    *,
    short: int = 16,
    workers: int = 1,
    root: Path | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Decode every file once and report.

    Args:
        dataset: the videos.
        short: videos with fewer frames are reported.
        workers: processes.
        root: folder of the kept facts; the cache folder when not given.
        progress: told (videos done, videos in all).
    """
    records = [record for record in dataset.records if record.path.is_file()]
    files = fingerprints(records)
    store = (root or cache_root()) / "doctor-1"
    store.mkdir(parents=True, exist_ok=True)
    _look_at_all(dict(zip(files, (r.path for r in records), strict=True)), store, workers, progress)
    load = lru_cache(256)(lambda place: read_facts(store / f"{files[place]}.npz"))
    facts = [(f.frames, f.fps, f.error) for f in map(load, range(len(records)))]
    findings = [
        *(
            Finding("missing", r.id, f"{r.path} is not there")
            for r in dataset.records
            if not r.path.is_file()
        ),
        *_extra(dataset),
        *_single(records, facts, short),
        *_double(records, files, lambda place: load(place).thumbs),
    ]
    return Survey(
        tuple(sorted(findings, key=lambda f: (f.kind, f.video))),
        len(records),
        sum(f[0] for f in facts),
        dataset.fingerprint,
    )


def _look_at_all(paths: dict[str, Path], store: Path, workers: int, progress: Progress | None) -> None:
    todo = [(name, path) for name, path in paths.items() if not (store / f"{name}.npz").is_file()]
    if progress:
        progress(len(paths) - len(todo), len(paths))
    with pool(min(workers, max(1, len(todo) // 8))) as mapped:
        for done, _ in enumerate(mapped(partial(_look_at, store=store), todo), len(paths) - len(todo) + 1):
            if progress:
                progress(done, len(paths))


def _look_at(job: tuple[str, Path], store: Path) -> None:
    """Decode one file to the end or to its first damage and keep what was seen."""
    name, path = job
    thumbs, error, fps = [], "", 0.0
    try:
        fps = video.probe(path).fps
        for picture in video.stream(path, height=likeness.SIDE, width=likeness.SIDE, fit="squash"):
            thumbs.append(likeness.thumb(picture))  # noqa: PERF401 a comprehension would lose the frames before a damage
    except VideoError as problem:
        error = problem.reason if problem.frame is None else f"frame {problem.frame}: {problem.reason}"
    seen = np.stack(thumbs) if thumbs else np.zeros((0, likeness.SIDE, likeness.SIDE), np.uint8)
    with atomic(store / f"{name}.npz", "wb") as file:
        np.savez(file, fps=fps, error=error, thumbs=seen)


def read_facts(path: Path) -> Facts:
    """Facts of a file that was looked at."""
    with np.load(path, allow_pickle=False) as kept:
        thumbs = kept["thumbs"]
        return Facts(len(thumbs), float(kept["fps"]), str(kept["error"]), thumbs)


def _extra(dataset: Dataset) -> Iterator[Finding]:
    """Videos that lie among the listed ones and are not listed."""
    listed = {record.path for record in dataset.records}
    for folder in sorted({path.parent for path in listed}):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path not in listed and video.is_video(path) and not path.name.startswith("."):
                yield Finding("extra", path.name, f"{path} is not in the list")


def _single(
    records: Sequence[VideoRecord], facts: Sequence[tuple[int, float, str]], short: int
) -> Iterator[Finding]:
    rates = Counter(round(fps, 2) for _, fps, _ in facts if fps)
    usual = rates.most_common(1)[0][0] if rates else 0.0
    for record, (frames, fps, error) in zip(records, facts, strict=True):
        if error:
            yield Finding("broken", record.id, f"{error}; {frames} frames can be read")
        elif frames < short:
            yield Finding("short", record.id, f"{frames} frames; wanted {short}")
        if fps and abs(fps / usual - 1) > ODD_RATE:
            yield Finding("rate", record.id, f"{fps:.2f} frames a second; most have {usual:.2f}")


def _double(
    records: Sequence[VideoRecord], files: Sequence[str], load: Callable[[int], likeness.Thumbs]
) -> Iterator[Finding]:
    first: dict[str, int] = {}
    places = []
    for place, name in enumerate(files):
        if name in first:
            yield from _twice(records[first[name]], records[place], "copy", "the same file")
        else:
            first[name] = place
            places.append(place)
    for pair in likeness.pairs(len(places), lambda i: load(places[i])):
        words = [
            "nothing moves in either" if pair.still else f"correlation {pair.score:.3f}",
            f"from frame {pair.shift} on" if pair.shift else "",
            "mirrored" if pair.mirrored else "",
        ]
        detail = ", ".join(word for word in words if word)
        yield from _twice(records[places[pair.b]], records[places[pair.a]], "alike", detail)


def _twice(one: VideoRecord, other: VideoRecord, kind: Kind, detail: str) -> Iterator[Finding]:
    across = one.split != other.split
    where = f" ({one.split or 'no split'} and {other.split or 'no split'})" if across else ""
    yield Finding("leak" if across else kind, other.id, f"shows what {one.id} shows{where}: {detail}")
