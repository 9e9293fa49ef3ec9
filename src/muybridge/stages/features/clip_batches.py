"""Clips of videos that are looked at together: which videos, in which order, cut into batches of one size."""

from collections.abc import Iterator, Sequence

import torch

from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, VideoRecord, balanced
from muybridge.stages.testing.tested import Tested

REST = 4
"""A last batch of fewer clips joins the one before."""


def chosen_videos(
    dataset: Dataset, number: int, seed: int, least: int
) -> tuple[list[VideoRecord], list[str]]:
    """Videos of the test split, else of the validation split, else all, in an order drawn by their ids; and notes.

    The order of a list is often that of its classes: batches of one class would only tell what sets its videos apart.

    Raises:
        UsageError: fewer than ``least``.
    """
    splits = {record.split for record in dataset.records}
    held = next((name for name in ("test", "val") if name in splits), None)
    records = [record for record in dataset.records if held is None or record.split == held]
    notes = [] if held else ["the data set states no split: networks may have been trained on these videos"]
    if len(records) < least:
        where = f"the {held} split of {dataset.name}" if held else dataset.name
        raise UsageError(
            f"--data: {where} has {len(records)} videos; wanted {least} or more to compare layers."
        )
    few = balanced(records, number, seed=0, stream="similarity") if number < len(records) else records
    return sorted(few, key=lambda one: seeding.key(seed, "similarity", one.id)), notes


def batches(tested: Tested, size: int) -> Iterator[tuple[Clip, list[VideoRecord]]]:
    """Clips of whole videos in batches of ``size``, what is broken left out; the last one takes in a rest of fewer than ``REST``."""
    clips: list[Clip] = []
    records: list[VideoRecord] = []
    for chunk in tested.read():
        if len(chunk.clip):
            clips.append(chunk.clip)
            records += chunk.records
        while len(records) >= size + REST:
            whole = _joined(clips)
            yield whole.rows(slice(0, size)), records[:size]
            clips, records = [whole.rows(slice(size, None))], records[size:]
    if not records:
        return
    whole, count = _joined(clips), len(records)
    cut = size if count - size >= REST else count
    yield whole.rows(slice(0, cut)), records[:cut]
    if cut < count:
        yield whole.rows(slice(cut, None)), records[cut:]


def _joined(clips: Sequence[Clip]) -> Clip:
    frames, labels = (torch.cat([getattr(one, name) for one in clips]) for name in ("frames", "label"))
    return Clip(frames, labels, [video for one in clips for video in one.video])
