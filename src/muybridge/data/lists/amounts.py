"""``NAME@N``: so many of the training videos of a data set, evenly from its classes."""

from dataclasses import replace

from muybridge.core.errors import UsageError
from muybridge.data.index import TOPPED_UP, Dataset, balanced, top_ups


def parse(source: str) -> tuple[str, int | None]:
    """Name or path of a source word, and how many of its training videos are wanted: ``kinetics400@50000``; None for all."""
    name, _, number = source.rpartition("@")
    return (name, int(number)) if name and number.isdecimal() and len(number) < 19 else (source, None)


def take(dataset: Dataset, wanted: int) -> Dataset:
    """The data set with ``wanted`` of its training videos, as many of each class as there are; smaller sets lie inside larger ones.

    The same videos as those of ``muybridge data subset --number``. All of a data set without a split count as training videos.

    Raises:
        UsageError: more than there are.
    """
    train = [r for r in dataset.records if r.split == "train"] or list(dataset.records)
    if not 0 < wanted <= len(train):
        raise UsageError(f"{dataset.name}@{wanted}: wanted 1 to {len(train)}, the training videos there are.")
    chosen = balanced(train, wanted, seed=0)
    extra = top_ups(chosen, len({r.label for r in train}), seed=0)
    notes = (f"{len(extra):,} videos: {TOPPED_UP}",) if extra else ()
    left_out = {r.id for r in train} - {r.id for r in chosen}
    kept = tuple(r for r in dataset.records if r.id not in left_out)
    return replace(dataset, name=f"{dataset.name}@{wanted}", records=kept, notes=(*dataset.notes, *notes))
