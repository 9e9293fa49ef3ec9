"""What the videos say without the model: the doctor's findings, properties of files that tell the label, a reader that cannot see order."""

import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from muybridge.core.errors import MuybridgeError
from muybridge.core.machine.paths import cache_root
from muybridge.data.doctor import looks
from muybridge.data.doctor.examine import FOLDER, Progress, Survey, survey
from muybridge.data.index import Dataset, VideoRecord, assign_folds, fingerprints, spread
from muybridge.measure.features.linear import fit_linear
from muybridge.measure.label_hints import FEWEST_GROUPS, FEWEST_VIDEOS, Hint, hint

SHARE = 0.2
"""Share of the time that the doctor may take."""
FIRST = 3
"""Videos that are looked at to know what a look costs."""
FEWEST = 32
"""So many are looked at whatever it takes."""
STREAM = "limit"
"""As ``robustness --limit`` chooses: what is looked at and what is tested are the same videos, as far as they go."""
CELLS = 8
"""The order-free reader sees pictures of as many cells a side."""


class TooLongError(Exception):
    """A look takes longer than it may."""


@dataclass(frozen=True)
class DataLook:
    """What was seen.

    Attributes:
        survey: of the doctor, on the videos that it looked at.
        looked: ids of these.
        of: videos of the data set.
        hints: by property, what it tells of the label; a reason in words instead where nothing can be said.
        hinted: videos behind them.
        reader: by id of a tested video, whether the order-free reader is right; a reason where there is none.
        learnt: training videos of the reader.
    """

    survey: Survey
    looked: frozenset[str]
    of: int
    hints: Mapping[str, Hint] | str
    hinted: int
    reader: Mapping[str, bool] | str
    learnt: int

    @property
    def kinds(self) -> Counter[str]:
        """Findings by kind."""
        return Counter(finding.kind for finding in self.survey.findings)


def look(
    dataset: Dataset,
    train: Sequence[VideoRecord],
    tested: Sequence[VideoRecord],
    most: int,
    workers: int,
    seed: int,
    frames: int,
    progress: Progress,
    seconds: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> DataLook:
    """Look at ``most`` videos: all, or some of every class and group, tested ones and training ones by halves.

    Where comparing them with each other takes too long, which grows with the square of their number, a quarter is looked at instead.

    Args:
        dataset: all videos.
        train: those that a model may learn from.
        tested: those that may be tested.
        most: how many; of ``affordable``.
        workers: processes; 0: as many as there are cores.
        seed: chooses videos where there are too many.
        frames: of a clip; shorter videos are named.
        progress: told what is done.
        seconds: after which fewer are looked at.
        clock: seconds.
    """
    began, cores = clock(), workers or os.cpu_count() or 1

    def watched(task: str, done: int, total: int) -> None:
        progress(task, done, total)
        if clock() - began > seconds and most > FEWEST:
            raise TooLongError

    while True:
        chosen = some_of(dataset, train, tested, most, seed)
        try:
            found = examined(dataset, chosen, frames, cores, watched)
            break
        except TooLongError:
            began, seconds, most = clock(), seconds / 2, max(FEWEST, most // 4)
    looked = frozenset(record.id for record in chosen)
    hints, hinted = hints_of(dataset, chosen, found)
    learnt = [record for record in train if record.id in looked and record.label >= 0]
    reader = order_free(dataset, learnt, [r for r in tested if r.id in looked], found)
    return DataLook(found, looked, len(dataset), hints, hinted, reader, len(learnt))


def affordable(
    dataset: Dataset,
    tested: Sequence[VideoRecord],
    seconds: float,
    workers: int,
    seed: int,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """How many videos there is time to look at; looks of earlier times cost nothing, and of the others the first are timed.

    Args:
        dataset: all videos.
        tested: those that may be tested.
        seconds: that the audit may take, of which a look may take ``SHARE``.
        workers: processes; 0: as many as there are cores.
        seed: chooses the first.
        clock: seconds.
    """
    new = [r for r in dataset.records if not kept(dataset.files[r.id]).is_file()]
    names = {record.id for record in new}
    first = spread([r for r in tested if r.id in names] or new, FIRST, seed, STREAM)
    if not first:
        return len(dataset)
    began = clock()
    examined(dataset, first, 1, 1, lambda *_: None)
    each = max(1e-6, (clock() - began) / len(first))
    cores = min(workers or os.cpu_count() or 1, max(1, len(new) // 8))
    most = min(len(new) - len(first), int(SHARE * seconds / each * cores))
    return len(dataset) - len(new) + len(first) + most


def kept(fingerprint: str) -> Path:
    """Where the doctor keeps what it saw of a file."""
    return cache_root() / FOLDER / f"{fingerprint}.npz"


def some_of(
    dataset: Dataset, train: Sequence[VideoRecord], tested: Sequence[VideoRecord], most: int, seed: int
) -> list[VideoRecord]:
    """All videos, or ``most`` of them: tested ones first, with as many for training."""
    if most >= len(dataset):
        return list(dataset.records)
    half = spread(tested, most - min(most // 2, len(train)), seed, STREAM)
    return sorted([*half, *spread(train, most - len(half), seed, STREAM)], key=lambda r: r.id)


def examined(
    dataset: Dataset, records: Sequence[VideoRecord], frames: int, workers: int, progress: Progress
) -> Survey:
    """The doctor's survey of some videos; those that lie beside and are not listed are no matter where not all are looked at."""
    part = replace(dataset, records=tuple(records))
    found = survey(part, short=frames, workers=workers, progress=progress)
    if len(records) == len(dataset):
        return found
    return replace(found, findings=tuple(one for one in found.findings if one.kind != "extra"))


def hints_of(
    dataset: Dataset, records: Sequence[VideoRecord], found: Survey
) -> tuple[Mapping[str, Hint] | str, int]:
    """What size of file, resolution, rate and length tell of the label, each alone and all together; and of how many videos."""
    whole = [r for r in records if r.label >= 0 and r.id in found.facts and not found.facts[r.id].error]
    groups = {record.group for record in whole}
    classes = {record.label for record in whole}
    if len(classes) < 2:
        return "the labelled videos are of one class", len(whole)
    if len(whole) < FEWEST_VIDEOS or len(groups) < FEWEST_GROUPS:
        return (
            f"{len(whole)} videos in {len(groups)} groups: wanted {FEWEST_VIDEOS} in {FEWEST_GROUPS} at least",
            len(whole),
        )
    sources = {label: {r.group for r in whole if r.label == label} for label in classes}
    if sum(len(one) > 1 for one in sources.values()) < 2:
        return "fewer than two classes have videos of two groups, so that none can be held out", len(whole)
    folds = assign_folds(replace(dataset, records=tuple(whole)), min(5, len(groups)))
    labels, fold = np.array([r.label for r in whole]), np.array([folds[r.group] for r in whole])
    named = properties(whole, found)
    told = {
        name: hint(columns, labels, np.array([r.group for r in whole]), fold)
        for name, columns in named.items()
    }
    together = np.concatenate(list(named.values()), axis=1)
    return told | {"all together": hint(together, labels, np.array([r.group for r in whole]), fold)}, len(
        whole
    )


def properties(records: Sequence[VideoRecord], found: Survey) -> dict[str, np.ndarray]:
    """Columns by property, one row a video; the size of files only where each video is a file of its own."""
    facts = [found.facts[record.id] for record in records]
    told = {
        "resolution": np.array([(one.height, one.width) for one in facts], np.float64),
        "frame rate": np.array([(round(one.fps, 2),) for one in facts], np.float64),
        "length": np.array([(one.seconds,) for one in facts], np.float64),
    }
    try:
        sizes = [(float(record.path.stat().st_size),) for record in records if record.segment is None]
    except OSError:  # members of shards
        sizes = []
    return ({"file size": np.array(sizes)} if len(sizes) == len(records) else {}) | told


def order_free(
    dataset: Dataset, train: Sequence[VideoRecord], tested: Sequence[VideoRecord], found: Survey
) -> Mapping[str, bool] | str:
    """Right or wrong, by tested video: a linear reader of mean and spread over time of small grey pictures, whatever their order.

    It is no ceiling of what needs no order, but what is reached without: a better reader may reach more.
    """

    def usable(records: Sequence[VideoRecord]) -> list[VideoRecord]:
        return [r for r in records if r.id in found.facts and found.facts[r.id].frames > 0]

    train, tested = usable(train), usable(tested)
    if not train:
        return "no training videos are known"
    counts = Counter(record.label for record in train)
    if len(counts) < 2 or len(train) < 2 * len(counts):
        return f"{len(train)} training videos of {len(counts)} classes: wanted two classes, and two videos of each"
    features, labels = still_features(train), np.array([r.label for r in train])
    groups = {record.group for record in train}
    fold = (
        assign_folds(replace(dataset, records=tuple(train)), min(5, len(groups))) if len(groups) > 1 else {}
    )
    try:
        fitted = fit_linear(
            features, labels, np.array([fold.get(r.group, 0) for r in train]), len(dataset.classes)
        )
    except MuybridgeError as error:
        return str(error)
    scores = still_features(tested) @ fitted.weight.T + fitted.bias
    return {
        record.id: int(best) == record.label
        for record, best in zip(tested, scores.argmax(axis=1), strict=True)
    }


def still_features(records: Sequence[VideoRecord]) -> np.ndarray:
    """Mean and standard deviation over time of 8x8 grey pictures, 128 numbers a video, from what the doctor kept."""
    return np.stack([_still(looks.thumbs(kept(name))) for name in fingerprints(records)])


def _still(thumbs: np.ndarray) -> np.ndarray:
    frames, side, _ = thumbs.shape
    small = (
        thumbs.reshape(frames, CELLS, side // CELLS, CELLS, side // CELLS)
        .mean(axis=(2, 4))
        .reshape(frames, -1)
    )
    return np.concatenate([small.mean(axis=0), small.std(axis=0)]).astype(np.float32)
