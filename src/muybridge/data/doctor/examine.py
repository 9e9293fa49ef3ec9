"""Look at every video once: what is broken, too short, at an odd rate, a copy, or on both sides of a split.

What was found out about a file is kept beside the frame cache under the file's fingerprint, so a second look, or one that goes on after a
kill, decodes only what is new.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

from muybridge.core.machine.paths import cache_root
from muybridge.core.machine.processes import pool
from muybridge.core.plain_data import read_json, write_json
from muybridge.data.decode import video
from muybridge.data.doctor import lookalikes, looks
from muybridge.data.index import Dataset, VideoRecord, fingerprints
from muybridge.data.lists.tar import is_there

Kind = Literal[
    "leak", "broken", "missing", "copy", "alike", "cut", "hdr", "pixels", "streams", "varying", "rate", "short", "extra"
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
SPOIL: tuple[Kind, ...] = ("leak", "broken", "missing")
"""Findings that make results wrong or impossible; the others are to be known."""
Progress = Callable[[str, int, int], None]
FOLDER = "doctor-3"
ODD_RATE = 0.2
BLOCK = 1024


@dataclass(frozen=True)
class Finding:
    """Something that a user must know.

    Attributes:
        kind: ``broken`` (names the frame), ``missing`` (listed, not there), ``extra`` (there, not listed), ``short`` (fewer frames than
            wanted), ``rate`` (more than 20 % off the usual frame rate), ``copy`` (the same bytes), ``alike`` (shows the same: re-encoded,
            mirrored or cut), ``leak`` (a copy or look-alike on the other side of the split), ``cut`` (another scene begins),
            ``hdr``, ``pixels``, ``streams``, ``varying`` (``data.decode.video_traits``).
        video: id.
        detail: in words.
        other: id of the video that shows the same, of ``copy``, ``alike`` and ``leak``; else empty.
        frames: numbers of the frames that are meant, of ``cut``; else empty.
    """

    kind: Kind
    video: str
    detail: str
    other: str = ""
    frames: tuple[int, ...] = ()


class Same(NamedTuple):
    """Two files, by fingerprint, of which one shows what the other shows; as ``lookalikes.Pair`` and ``likeness.Likeness``."""

    short: str
    long: str
    mirrored: bool
    score: float
    shift: int
    still: bool


@dataclass(frozen=True)
class Survey:
    """The state of a data set.

    Attributes:
        findings: by weight, those that spoil results first, then by video.
        videos: how many were looked at.
        frames: decoded frames in all.
        fingerprint: of the data set, as in every result made from it.
        facts: of each video that is there, by id.
    """

    findings: tuple[Finding, ...]
    videos: int
    frames: int
    fingerprint: str
    facts: Mapping[str, looks.Facts]

    @property
    def verdict(self) -> str:
        """What is to be done, in words."""
        spoilt = {finding.video for finding in self.findings if finding.kind in SPOIL}
        if spoilt:
            return f"mend {'this one' if len(spoilt) == 1 else f'these {len(spoilt):,}'} first ({', '.join(SPOIL)})"
        return "fine" if not self.findings else "usable; look at what was found"


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
        root: folder of what is kept; the cache folder when not given.
        progress: told (what is done, videos done, videos in all).
    """
    tell = progress or (lambda *_: None)
    there = {record.id: is_there(record.path) for record in dataset.records}
    records = [record for record in dataset.records if there[record.id]]
    files = fingerprints(records)
    store = (root or cache_root()) / FOLDER
    store.mkdir(parents=True, exist_ok=True)
    paths = dict(zip(files, (r.video for r in records), strict=True))
    with pool(min(workers, max(1, len(paths) // 8))) as mapped:
        each = partial(_in_blocks, mapped)
        _look_at_all(paths, store, each, tell)
        pairs = _pairs(list(paths), store, each, tell)
    facts = [looks.facts(store / f"{name}.npz") for name in files]
    findings = [
        *(Finding("missing", r.id, f"{r.path} is not there") for r in dataset.records if not there[r.id]),
        *_extra(dataset),
        *_single(records, facts, short),
        *_double(records, files, pairs),
    ]
    ordered = tuple(sorted(findings, key=lambda f: (KINDS.index(f.kind), f.video, f.detail)))
    of = {record.id: fact for record, fact in zip(records, facts, strict=True)}
    return Survey(ordered, len(records), sum(f.frames for f in facts), dataset.fingerprint, of)


def _in_blocks(
    mapped: Callable[..., Iterator[object]], work: Callable[[object], object], jobs: Iterable[object]
) -> Iterator[object]:
    """``mapped`` with some jobs at a time: a pool of processes would queue them all at once."""
    waiting = iter(jobs)
    while block := list(islice(waiting, BLOCK)):
        yield from mapped(work, block)


def _look_at_all(paths: Mapping[str, Path], store: Path, mapped: lookalikes.Mapped, tell: Progress) -> None:
    todo = [(path, name, store / f"{name}.npz") for name, path in paths.items()]
    todo = [job for job in todo if not job[2].is_file()]
    tell("look at videos", len(paths) - len(todo), len(paths))
    for done, _ in enumerate(mapped(looks.look, todo), len(paths) - len(todo) + 1):
        tell("look at videos", done, len(paths))


def _pairs(names: Sequence[str], store: Path, mapped: lookalikes.Mapped, tell: Progress) -> list[Same]:
    """Files that show the same, by fingerprint; kept for the next look at the same files."""
    kept = store / f"pairs-{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}.json"
    if not kept.is_file():
        found = lookalikes.pairs([store / f"{name}.npz" for name in names], mapped, tell)
        write_json(kept, [(names[p.a], names[p.b], p.mirrored, *astuple(p.likeness)) for p in found])
    return [Same(*row) for row in cast(list[tuple[str, str, bool, float, int, bool]], read_json(kept))]


def _extra(dataset: Dataset) -> Iterator[Finding]:
    """Videos that lie among the listed ones and are not listed."""
    listed = {record.path for record in dataset.records}
    for folder in sorted({path.parent for path in listed}):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path not in listed and video.is_video(path) and not path.name.startswith("."):
                yield Finding("extra", path.name, f"{path} is not in the list")


def _single(records: Sequence[VideoRecord], facts: Sequence[looks.Facts], short: int) -> Iterator[Finding]:
    usual = _usual([fact.fps for fact in facts if fact.fps])
    for record, fact in zip(records, facts, strict=True):
        if fact.error:
            yield Finding("broken", record.id, f"{fact.error}; {fact.frames} frames can be read")
        elif fact.frames < short:
            yield Finding("short", record.id, f"{fact.frames} frames; wanted {short}")
        if fact.fps and abs(fact.fps / usual - 1) > ODD_RATE:
            yield Finding(
                "rate", record.id, f"{spelt(fact.fps)} frames a second; most have about {spelt(usual)}"
            )
        if fact.cuts:
            said = ", ".join(map(str, fact.cuts[:5]))
            yield Finding("cut", record.id, f"another scene begins at frame {said}", frames=fact.cuts[:5])
        for name, words in fact.traits.items():
            yield Finding(cast(Kind, name), record.id, words)


def _usual(rates: Sequence[float]) -> float:
    """The rate that the most others are near; of several the most frequent, then the lowest."""
    often = Counter(float(f"{rate:.3g}") for rate in rates)  # three digits: a rate may be far below one
    near = {one: sum(n for rate, n in often.items() if abs(rate / one - 1) <= ODD_RATE) for one in often}
    return min(often, key=lambda rate: (-near[rate], -often[rate], rate), default=0.0)


def spelt(rate: float) -> str:
    """A rate with the digits that it needs."""
    return f"{rate:.2f}" if rate >= 1 else f"{rate:.3g}"


def _double(records: Sequence[VideoRecord], files: Sequence[str], pairs: Sequence[Same]) -> Iterator[Finding]:
    first: dict[str, VideoRecord] = {}
    for record, name in zip(records, files, strict=True):
        if name in first:
            yield from _twice(first[name], record, "copy", "the same file")
        first.setdefault(name, record)
    for pair in pairs:
        words = [
            "hardly anything moves in either" if pair.still else f"correlation {pair.score:.3f}",
            f"from frame {pair.shift} on" if pair.shift else "",
            "mirrored" if pair.mirrored else "",
        ]
        detail = ", ".join(word for word in words if word)
        yield from _twice(first[pair.long], first[pair.short], "alike", detail)


def _twice(one: VideoRecord, other: VideoRecord, kind: Kind, detail: str) -> Iterator[Finding]:
    """Two videos that show the same, told of the one that is not for training, else of the second."""
    one, other = sorted((one, other), key=lambda record: record.split != "train")
    across = one.split != other.split
    where = f" ({one.split or 'no split'} and {other.split or 'no split'})" if across else ""
    yield Finding("leak" if across else kind, other.id, f"shows what {one.id} shows{where}: {detail}", one.id)
