"""Tar shards with the names of WebDataset: the files of one sample share their name up to the first dot.

``00012.mp4`` with ``00012.cls`` (class name or number), ``00012.json`` (an object with a label, a group, anything that ``--where`` asks
for) or ``00012.txt``. Splits are folders (``train/``, ``val/``, ``test/``) or words of the shard's name (``train-000000.tar``). The format
is that of Aizman, Maltby and Breuel, High performance I/O for large scale deep learning, arXiv 2001.01858; unlike there, nothing is
streamed: a video is read by its place in the tar, so any order costs the same. Keys need to differ within a shard only.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import BinaryIO

from muybridge.core.errors import UsageError
from muybridge.data.decode.video import is_video
from muybridge.data.index import Dataset
from muybridge.data.lists import video_lists
from muybridge.data.lists.rows import SPLITS, Fence, Row, checked, number
from muybridge.data.lists.table_files import LABEL_COLUMNS, Lines, cell, column, json_object, kept
from muybridge.data.lists.tar import MARK, members

ENDINGS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
TEXTS = ("json", "cls", "txt")
TEXT = 1 << 20
"""Longest label or metadata file, bytes."""
SHARDS = 100_000
"""Most shards that one pattern may name."""


@dataclass(frozen=True)
class Sample:
    """One video of a shard and what the files beside it say."""

    shard: Path
    video: str
    said: dict[str, object]

    @property
    def place(self) -> str:
        """Shard and member, for messages."""
        return f"{self.shard}{MARK}{self.video}"


def is_shard(path: Path) -> bool:
    """Whether the name is that of a tar, compressed (which is refused later, with the reason) or not."""
    return path.name.endswith(ENDINGS) and not path.name.startswith(".")


def is_pattern(source: str) -> bool:
    """Whether a word names shards by braces."""
    return re.search(r"\{.*\}.*\.tar(\.\w+)?$", source) is not None


def found(source: str) -> list[Path]:
    """The shards that a folder, a file or a brace pattern names, sorted; none where it is something else.

    Raises:
        UsageError: a pattern of which some shards are not there.
    """
    path = Path(source)
    if path.is_dir():
        return sorted(
            one for place in ("*", "*/*") for one in path.glob(place) if is_shard(one) and one.is_file()
        )
    if path.is_file() or not is_pattern(source):
        return [path] if is_shard(path) and path.is_file() else []
    named = [Path(one) for one in expand(source)]
    absent = [one for one in named if not one.is_file()]
    if absent:
        raise UsageError(
            f"{source}: {len(absent):,} of {len(named):,} shards are not there, the first: {absent[0]}."
        )
    return named


def expand(pattern: str) -> list[str]:
    """All names of a brace pattern: ``{000..012}`` counts, with zeros in front as written, ``{a,b}`` lists.

    Raises:
        UsageError: braces that hold neither, or more names than any data set has.
    """
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [_choices(pattern, part) if place % 2 else [part] for place, part in enumerate(parts)]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > SHARDS:
        raise UsageError(f"{pattern}: {total:,} shards; wanted at most {SHARDS:,}.")
    return ["".join(words) for words in product(*choices)]


def _choices(pattern: str, inside: str) -> list[str]:
    bounds = re.fullmatch(r"(\d{1,18})\.\.(\d{1,18})", inside)
    if not bounds:
        if "," not in inside:
            raise UsageError(f"{pattern}: {{{inside}}}; wanted {{000000..000012}} or {{train,val}}.")
        return inside.split(",")
    first, last = int(bounds[1]), int(bounds[2])
    if not first <= last < first + SHARDS:
        raise UsageError(f"{pattern}: {{{inside}}}; wanted a rising range of at most {SHARDS:,} shards.")
    return [str(count).zfill(len(bounds[1])) for count in range(first, last + 1)]


def root_of(source: str) -> Path:
    """The folder that ids start from: the one named, else that of the shard, else what lies before the first brace."""
    path = Path(source)
    return path if path.is_dir() else Path(source.partition("{")[0] + "*").parent


def read(
    source: str,
    *,
    label: str | None = None,
    group: str | None = None,
    where: Sequence[str] = (),
    allow_links: bool = False,
) -> Dataset:
    """Read a folder of shards, one shard, or a pattern such as ``train-{000000..000012}.tar``.

    Args:
        source: full path.
        label: key of the json files, ``cls`` or ``txt``; when not given, the cls files, else a key with a usual name.
        group: key of the json files.
        where: samples that count, as ``key=value`` or ``key!=value``.
        allow_links: read shards to which links lead out of the folder.

    Raises:
        UsageError: a shard that is damaged or refused (see ``data.lists.tar``), a sample with two videos, or no videos.
    """
    root, shards = root_of(source), found(source)
    fence = Fence(root, allow_links)
    for shard in shards:
        fence.check(str(shard))
    every = [sample for shard in shards for sample in _samples(shard)]
    samples = [sample for sample in every if sample.video]
    if not samples:
        raise UsageError(f"{source}: no videos in {len(shards):,} shards. Wanted members such as 00012.mp4.")
    splits = _splits(root, shards)
    rows = list(_rows(Path(source), root, samples, splits, label, group, where))
    if not rows:
        raise UsageError(f"{source}: no sample of which {' and '.join(where)} holds.")
    dataset = number(root.name if len(shards) > 1 else shards[0].stem, rows, root)
    if len(samples) == len(every):
        return dataset
    note = f"{len(every) - len(samples):,} samples of the shards have no video and are left out"
    return replace(dataset, notes=(*dataset.notes, note))


def _rows(
    source: Path,
    root: Path,
    samples: Sequence[Sample],
    splits: dict[Path, str],
    label: str | None,
    group: str | None,
    where: Sequence[str],
) -> Iterator[Row]:
    keys = list(dict.fromkeys(key for sample in samples for key in sample.said))
    label_key = column(source, keys, label, ("cls", *LABEL_COLUMNS))
    group_key = column(source, keys, group, ("group",) if group is None else ())
    for at, said in kept(source, Lines.of([(at, sample.said) for at, sample in enumerate(samples)]), where):
        sample = samples[at]
        name = f"{sample.shard.relative_to(root).as_posix()}{MARK}{sample.video}"
        yield Row(
            id=checked(name, str(root)),
            file=sample.place,
            label=checked(cell(said, label_key, sample.place), sample.place, "label"),
            split=splits[sample.shard] or video_lists.split(cell(said, "split", sample.place), sample.place),
            group=cell(said, group_key, sample.place),
            place=sample.place,
        )


def _samples(shard: Path) -> Iterator[Sample]:
    """Samples of a shard in its order; the video is empty where there is none."""
    try:
        places = members(shard)
        with shard.open("rb") as file:
            for key, names in _together(places).items():
                said: dict[str, object] = {}
                for name in sorted(names, key=lambda name: not name.endswith(".json")):
                    said |= _said(f"{shard}{MARK}{name}", file, *places[name])
                yield Sample(shard, _video(shard, key, names), said)
    except OSError as error:
        raise UsageError(f"{shard}: cannot be read ({error.strerror or error}).") from error


def _together(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what they share: folder and file name up to the first dot; those without a dot are left out."""
    parts: dict[str, list[str]] = defaultdict(list)
    for name in names:
        folder, slash, file = name.rpartition("/")
        key, dot, _ = file.partition(".")
        if dot:
            parts[f"{folder}{slash}{key}"].append(name)
    return parts


def _video(shard: Path, key: str, names: Iterable[str]) -> str:
    videos = [name for name in names if is_video(name)]
    if len(videos) > 1:
        raise UsageError(
            f"{shard}: sample {key!r} has {len(videos)} videos, {videos[0]!r} and {videos[1]!r}."
            " A sample is what shares a name up to the first dot: rename them and pack the shard again."
        )
    return videos[0] if videos else ""


def _said(place: str, file: BinaryIO, start: int, size: int) -> dict[str, object]:
    """What a member of a sample says of it; nothing where it is no text."""
    ending = place.rpartition("/")[2].rpartition(MARK)[2].partition(".")[2]
    if ending not in TEXTS:
        return {}
    if size > TEXT:
        raise UsageError(f"{place}: {size:,} bytes of text; wanted at most {TEXT:,}.")
    file.seek(start)
    try:
        text = file.read(size).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"{place}: not UTF-8 text ({error.reason}). Pack the shard again.") from error
    return json_object(text, place) if ending == "json" else {ending: text}


def _splits(root: Path, shards: Sequence[Path]) -> dict[Path, str]:
    """Split of each shard, from its folder or a word of its name.

    Raises:
        UsageError: only some say one.
    """
    splits = {}
    for shard in shards:
        relative = shard.relative_to(root)
        words = [set(re.findall("[a-z]+", part.lower())) & SPLITS.keys() for part in relative.parts]
        said = next((word for word in words if len(word) == 1), {""})
        splits[shard] = SPLITS.get(next(iter(said)), "")
    without = [shard for shard, split in splits.items() if not split]
    if without and len(without) < len(shards):
        raise UsageError(
            f"{root}: the names of {len(shards) - len(without):,} shards say a split and those of {len(without):,} do not, as"
            f" {without[0].name}. Put train, val or test into all names, or into none."
        )
    return splits
