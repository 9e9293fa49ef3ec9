"""What people ask of a data set first: how many videos of each class and split, how long, how large, how fast, from how many groups."""

import shlex
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from muybridge.core.text.terminal import Column
from muybridge.data.decode.video_traits import WORDS
from muybridge.data.doctor.examine import Survey, spelt
from muybridge.data.index import Dataset
from muybridge.data.lists.name_groups import Suggestion

MEANINGS: Mapping[str, str] = {
    "leak": "shown on both sides of the split: test scores are too high",
    "broken": "cannot be read to the end",
    "missing": "listed and not there",
    "copy": "the same bytes twice",
    "alike": "show the same",
    "cut": "hold more than one scene: a clip may show the wrong one",
    "rate": "at another frame rate than the others",
    "short": "shorter than a clip",
    "extra": "there and not listed",
}
MOST = 3


def meaning(kind: str) -> str:
    """What a kind of finding means, to stand behind its name."""
    return f": {MEANINGS.get(kind) or WORDS[kind]}"


def counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    """Videos by class, then by split."""
    found: dict[str, Counter[str]] = {name: Counter() for name in dataset.classes}
    for record in dataset.records:
        name = dataset.classes[record.label] if record.label >= 0 else "no label"
        found.setdefault(name, Counter())[record.split or "no split"] += 1
    return {name: dict(sorted(splits.items())) for name, splits in found.items()}


def columns(dataset: Dataset) -> list[Column]:
    """A table of classes and splits for a terminal."""
    table = counts(dataset)
    splits = sorted({split for row in table.values() for split in row})
    numbers = [
        Column(split, [f"{row.get(split, 0):,}" for row in table.values()], 0, right=True) for split in splits
    ]
    return [Column("class", list(table), 0), *numbers]


def facts(dataset: Dataset, found: Survey, suggested: Sequence[Suggestion] = ()) -> dict[str, str]:
    """Splits, balance, groups, durations, sizes and rates in words.

    Args:
        dataset: the videos.
        found: what the doctor saw of them.
        suggested: what ``--group`` could be.
    """
    splits = Counter(record.split or "no split" for record in dataset.records)
    whole = [fact for fact in found.facts.values() if not fact.error]
    told = {"splits": ", ".join(f"{name} {number:,}" for name, number in sorted(splits.items()))}
    if groups := _groups(dataset, suggested):
        told["groups"] = groups
    if whole:
        told["seconds"] = _spread([fact.seconds for fact in whole])
        told["frames each"] = _spread([float(fact.frames) for fact in whole])
        told["sizes"] = _often([f"{fact.width}x{fact.height}" for fact in whole])
        told["frames a second"] = _often([spelt(fact.fps) for fact in whole])
    return told


def _groups(dataset: Dataset, suggested: Sequence[Suggestion]) -> str:
    """How many source groups there are; where each video is one, that nobody said which belong together, and what would say it."""
    groups = {record.group for record in dataset.records}
    if len(groups) < len(dataset.records):
        return f"{len(groups):,}"
    alone = f"{len(groups):,}, one a video: say which belong together with --group, if several show one person, place or recording"
    words = [f"--group {shlex.quote(one.group)} makes {one.groups:,}, as {one.example}" for one in suggested]
    return alone + (f"; {'; '.join(words)}" if words else "")


def _spread(values: Sequence[float]) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{low:.3g} to {high:.3g}, median {middle:.3g}"


def _often(words: Sequence[str]) -> str:
    """The most frequent values and how often each is there."""
    found = Counter(words).most_common()
    shown = ", ".join(f"{word} ({number:,})" for word, number in found[:MOST])
    return shown + (f" and {len(found) - MOST:,} others" if len(found) > MOST else "")
