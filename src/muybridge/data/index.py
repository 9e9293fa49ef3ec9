"""A data set as rows: one ``VideoRecord`` per video, splits, folds, subsets and the fingerprint of it all."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from muybridge.core import seeding
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.label_changes import Change, types_of
from muybridge.data import stream_names
from muybridge.data.file_hashes import content_hashes, sampled_hash
from muybridge.data.lists import segments
from muybridge.data.lists.segments import Segment
from muybridge.data.lists.tar import is_there


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """One video of a data set.

    Attributes:
        id: name that is the same on every machine (path below the data set's root).
        file: the file with its full path, or a member of a tar (``shard.tar::name``); a text, since a list may have a million.
        label: class index; -1 where there is none.
        split: ``train``, ``val``, ``test``, or empty where the data set states none.
        group: source (subject, scene) that must never straddle a split; the id where none is known.
        segment: stretch of the file that is meant; None for all of it.
        stream: number of the video stream that is meant; None for FFmpeg's choice.
    """

    id: str
    file: str
    label: int
    split: str
    group: str
    segment: Segment | None = None
    stream: int | None = None

    @property
    def path(self) -> Path:
        """The file as a path."""
        return Path(self.file)

    @property
    def video(self) -> Path:
        """What is opened: the path, with the stream and the segment behind it."""
        if self.segment is None and self.stream is None:
            return self.path
        return Path(f"{self.file}{stream_names.suffix(self.stream)}{self.segment or ''}")


@dataclass(frozen=True)
class Dataset:
    """Records and class names.

    Attributes:
        name: short name for tables.
        records: sorted by id.
        classes: label names; empty for unlabelled data.
        changes: what perturbations make of its classes (a reversed move to the left is one to the right); what is not there keeps them.
        notes: what a reader of its results must know: videos of the official list that are missing, for example.
        columns: of the list that it was read from; none where it was read from something else.
    """

    name: str
    records: tuple[VideoRecord, ...]
    classes: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def label_changing(self) -> tuple[str, ...]:
        """Perturbations that change some label at some severity."""
        return types_of(self.changes)

    @cached_property
    def files(self) -> dict[str, str]:
        """Fingerprint of each file by id, taken when first asked for."""
        return dict(zip((r.id for r in self.records), fingerprints(self.records), strict=True))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of every id, label, split, group and file content; the same list of the same files on any machine gives the same."""
        return self._signed(self.files)

    def has(self, fingerprint: str | None) -> bool:
        """Whether these are the data of a run: by its fingerprint, also one of a version before 0.2, which saw parts of the files."""
        if fingerprint == self.fingerprint:
            return True
        return fingerprint == self._signed(
            {r.id: sampled_hash(r.path) + stream_names.suffix(r.stream) for r in self.records}
        )

    def _signed(self, files: Mapping[str, str]) -> str:
        rows = [
            (r.id, self.classes[r.label] if r.label >= 0 else "", r.split, r.group, files[r.id])
            for r in self.records
        ]
        return hashlib.sha256(repr((sorted(rows), self.classes)).encode()).hexdigest()[:16]


def fingerprint(path: Path) -> str:
    """Hash of a file's size and content (``data.file_hashes``, with its errors); of a segment or a named stream, of that and its file's."""
    return _fingerprints([path])[0]


def fingerprints(records: Sequence[VideoRecord]) -> list[str]:
    """Fingerprint of each record's file, in order; errors are those of ``data.file_hashes``."""
    return _fingerprints([record.video for record in records])


def _fingerprints(paths: Sequence[Path]) -> list[str]:
    meant = [_meant(path) for path in paths]
    files = list(dict.fromkeys(file for file, _ in meant))
    hashes = dict(zip(files, content_hashes(files), strict=True))
    return [
        hashlib.blake2b(f"{hashes[file]}{part}".encode(), digest_size=16).hexdigest()
        if part
        else hashes[file]
        for file, part in meant
    ]


def _meant(path: Path) -> tuple[Path, str]:
    """The file, and which stream and segment of it."""
    whole, segment = segments.parted(path)
    file, stream = stream_names.parted(whole)
    return file, f"{stream_names.suffix(stream)}{segment or ''}"


def check_unchanged(path: Path, before: str) -> None:
    """See that a file still has the fingerprint under which what was read from it is kept.

    Raises:
        MuybridgeError: it has another one.
    """
    if fingerprint(path) != before:
        raise MuybridgeError(
            f"{path}: the file changed while it was read. Wait until it is complete and run the same command again."
        )


def check_same(dataset: Dataset, records: Sequence[VideoRecord], files: Sequence[str]) -> None:
    """See that files have the fingerprints by which the run is signed.

    Raises:
        MuybridgeError: one has changed since the data set was read.
    """
    for record, name in zip(records, files, strict=True):
        if dataset.files.get(record.id, name) != name:
            raise MuybridgeError(
                f"{record.path}: the file changed since the data set was read. Run the same command again."
            )


def divide(
    dataset: Dataset, fold: int | None = None, folds: int | None = None
) -> tuple[list[VideoRecord], list[VideoRecord]]:
    """Training and test records: the data set's own split, or one fold (the first, if not said) of a split by groups.

    Videos without a label are never test videos: where the test list has no labels, the validation videos are tested.

    Raises:
        UsageError: too few groups for the folds, or a fold that does not exist.
    """
    if has_split(dataset) and fold is None:
        tested = any(record.split == "test" and record.label >= 0 for record in dataset.records)
        held = "test" if tested else "val"
        train = [r for r in dataset.records if r.split == "train"]
        return train, [r for r in dataset.records if r.split == held and r.label >= 0]
    assignment = assign_folds(dataset, folds)
    number = 1 + max(assignment.values())
    fold = 0 if fold is None else fold
    if not 0 <= fold < number:
        raise UsageError(
            f"{dataset.name}: fold {fold} does not exist; there are {number}, from 0 to {number - 1}."
        )
    train = [r for r in dataset.records if assignment[r.group] != fold]
    return train, [r for r in dataset.records if assignment[r.group] == fold and r.label >= 0]


def learnable(dataset: Dataset, fold: int | None = None, folds: int | None = None) -> list[VideoRecord]:
    """Videos to learn from without labels: all that neither the data set nor, where one is named, a fold holds out.

    Raises:
        UsageError: as ``divide``.
    """
    if fold is None and not has_split(dataset):
        return list(dataset.records)
    return divide(dataset, fold, folds)[0]


def has_split(dataset: Dataset) -> bool:
    """Whether the data set states training and held-out videos itself."""
    splits = {record.split for record in dataset.records}
    return "train" in splits and bool(splits & {"test", "val"})


def assign_folds(dataset: Dataset, folds: int | None = None) -> dict[str, int]:
    """Fold of each group; groups never straddle folds.

    One fold per group up to ten groups, else five folds. Larger groups first, each into the fold that keeps the classes most even; ties
    by a hash of the group's name, so that the order of files does not matter.
    """
    groups: dict[str, Counter[int]] = defaultdict(Counter)
    for record in dataset.records:
        groups[record.group][record.label] += 1
    number = (len(groups) if len(groups) <= 10 else 5) if folds is None else folds
    if len(groups) < 2:
        raise UsageError(
            f"{dataset.name}: all videos are of one group; wanted at least 2, to train on one and test on the other."
        )
    if not 2 <= number <= len(groups):
        raise UsageError(
            f"{dataset.name}: {len(groups)} groups cannot make {number} folds; wanted 2 to {len(groups)} folds."
        )
    filled: list[Counter[int]] = [Counter() for _ in range(number)]
    assignment: dict[str, int] = {}
    for group in sorted(groups, key=lambda g: (-groups[g].total(), seeding.key(0, "fold", g))):
        costs = [
            sum((filled[i][c] + n) ** 2 - filled[i][c] ** 2 for c, n in groups[group].items())
            for i in range(number)
        ]
        best = min(range(number), key=lambda i: (costs[i], filled[i].total()))
        filled[best].update(groups[group])
        assignment[group] = best
    return assignment


def count_folds(dataset: Dataset, folds: int | None = None) -> int:
    """How many folds a data set is divided into: ``folds``, or as many as are usual for its groups.

    Raises:
        UsageError: too few groups for them.
    """
    return 1 + max(assign_folds(dataset, folds).values())


def few(records: Iterable[VideoRecord], per_class: int | None, seed: int) -> list[VideoRecord]:
    """The first ``per_class`` records of each class by a hash of (seed, id): smaller subsets lie inside larger ones."""
    if per_class is None:
        return list(records)
    taken: Counter[int] = Counter()
    kept = []
    for record in sorted(records, key=lambda r: seeding.key(seed, "subset", r.id)):
        if taken[record.label] < per_class:
            taken[record.label] += 1
            kept.append(record)
    return sorted(kept, key=lambda r: r.id)


def balanced(
    records: Iterable[VideoRecord], size: int, seed: int, stream: str = "subset"
) -> list[VideoRecord]:
    """``size`` records with as many of each class as there are, chosen by a hash of (seed, stream, id).

    The first of every class come first, then the second, and so on: smaller subsets lie inside larger ones, and a class that runs out is
    topped up from the others.
    """
    rank: Counter[int] = Counter()
    turns = []
    for record in sorted(records, key=lambda r: seeding.key(seed, stream, r.id)):
        rank[record.label] += 1
        turns.append((rank[record.label], record.label, record))
    chosen = [turn[2] for turn in sorted(turns, key=lambda turn: turn[:2])[:size]]
    return sorted(chosen, key=lambda r: r.id)


def spread(records: Iterable[VideoRecord], size: int, seed: int, stream: str = "subset") -> list[VideoRecord]:
    """``size`` records over as many classes, and within each over as many groups, as there are; chosen by a hash of (seed, stream, name).

    As ``balanced``, but the videos of a class come from another group each, as long as it has others.
    """
    turns, own, order = Counter[tuple[int, str]](), defaultdict[int, list[VideoRecord]](list), {}
    for record in sorted(records, key=lambda r: seeding.key(seed, stream, r.id)):
        turns[record.label, record.group] += 1
        order[record.id] = (
            turns[record.label, record.group],
            seeding.key(seed, stream, "group", record.group),
        )
        own[record.label].append(record)
    ranked = [
        (rank, seeding.key(seed, stream, "class", label), record)
        for label, some in own.items()
        for rank, record in enumerate(sorted(some, key=lambda r: order[r.id]))
    ]
    chosen = [one[2] for one in sorted(ranked, key=lambda one: one[:2])[:size]]
    return sorted(chosen, key=lambda r: r.id)


TOPPED_UP = "taken from a larger class, since smaller ones have too few"


def top_ups(
    chosen: Sequence[VideoRecord], classes: int, seed: int, stream: str = "subset"
) -> list[VideoRecord]:
    """Those of a balanced choice that are beyond an equal share of their class: what stands in for classes that ran out.

    Args:
        chosen: what ``balanced`` gave.
        classes: number of classes it was chosen from.
        seed: as for ``balanced``.
        stream: as for ``balanced``.
    """
    share = -(-len(chosen) // max(1, classes))
    taken: Counter[int] = Counter()
    extra = []
    for record in sorted(chosen, key=lambda r: seeding.key(seed, stream, r.id)):
        taken[record.label] += 1
        if taken[record.label] > share:
            extra.append(record)
    return extra


def check_there(dataset: Dataset, allow: bool) -> None:
    """See that the videos are there, before anything is planned for them.

    Raises:
        UsageError: none is, or more than 1 % are missing and that was not allowed; names the folder that may be meant.
    """
    absent = [r for r in dataset.records if not is_there(r.path)]
    if not absent or (len(absent) < len(dataset) and (allow or len(absent) <= 0.01 * len(dataset))):
        return
    hints = "".join(f" {note}." for note in dataset.notes if "--root" in note)
    raise UsageError(
        f"{dataset.name}: {len(absent):,} of {len(dataset):,} videos are not there, the first: {absent[0].path}.{hints}"
        " Correct the list, or say with --root where its paths start."
    )


def check_classes(dataset: Dataset, train: Sequence[VideoRecord], test: Sequence[VideoRecord]) -> list[str]:
    """Notes on classes that a split cannot test fairly.

    Raises:
        UsageError: no labels, fewer than two classes, a class with a single video, or an empty side of the split.
    """
    counts = Counter(r.label for r in dataset.records if r.label >= 0)
    names = dataset.classes
    if len(counts) < 2:
        raise UsageError(
            f"{dataset.name}: {len(counts)} labelled classes; wanted at least 2."
            + (
                f" Name the label column with --label; columns: {', '.join(dataset.columns)}."
                if dataset.columns
                else " Give root/<class>/*.mp4 with no videos elsewhere, or a list with a label column."
            )
        )
    single = [names[label] for label, n in counts.items() if n < 2]
    if single:
        raise UsageError(
            f"{dataset.name}: class {single[0]!r} has one video, so it cannot be in both training and test"
            f" ({len(single)} such classes). Add videos or remove the class."
        )
    if not train or not test:
        raise UsageError(
            f"{dataset.name}: {len(train)} training and {len(test)} test videos; wanted some of each."
        )
    seen = {r.label for r in train}
    unseen = sorted({r.label for r in test} - seen)
    return [
        f"class {names[label]!r} is in the test videos but never in the training videos" for label in unseen
    ]
