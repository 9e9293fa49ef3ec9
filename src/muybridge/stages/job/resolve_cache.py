"""What resolving many configs need not do twice: read a data set, look whether it can be divided, hash a file of weights."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from muybridge.config.config_fields import ConfigFields
from muybridge.core.errors import UsageError
from muybridge.data import DATASETS, sources
from muybridge.data.index import Dataset, divide, learnable
from muybridge.stages.job.check import check_split

Fold = tuple[int | None, int | None]


class ResolveCache:
    """Data sets read so far and splits that were found good; for one plan, since files may change afterwards.

    Args:
        before: called once, before the first embedded data set is read (to render it with a bar and several processes).
    """

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self._before = cache(before)
        self._load = cache(sources.load)
        self.digest = cache(digest)
        self._shared: dict[tuple[int, Fold, int, Fold], tuple[bool, Dataset, Dataset]] = {}
        self._splits: dict[tuple[int, int | None, int | None], Dataset] = {}

    def load(self, data: tuple[str, ...], **columns: object) -> Dataset:
        """As ``sources.load``, which see; each data set is read once."""
        if any(source.startswith("builtin-") for source in data if source in DATASETS):
            self._before()
        return self._load(data, **columns)

    def load_for(self, config: ConfigFields) -> Dataset:
        """The data set of a config of a training, by the columns that it names."""
        return self.load(
            tuple(config["data"]), label=config["label"], group=config["group"], root=config["root"],
            where=tuple(config.get("where") or ()), allow_links=config["allow_links"],
            stream=config.get("stream"),
        )  # fmt: skip

    def share_videos(self, learnt: Dataset, held_out: Fold, tested: Dataset, fold: Fold) -> bool:
        """Whether videos that are learnt from without labels are tested, too; each question is answered once.

        Args:
            learnt: of the pretraining.
            held_out: fold and number of folds that it leaves out.
            tested: of the transfer.
            fold: fold and number of folds that it tests.
        """
        key = (id(learnt), held_out, id(tested), fold)
        if key not in self._shared:
            seen = {record.video for record in learnable(learnt, *held_out)}
            both = any(record.video in seen for record in divide(tested, *fold)[1])
            self._shared[key] = both, learnt, tested  # kept, so that the ids stay their own
        return self._shared[key][0]

    def check_split(self, dataset: Dataset, fold: int | None, folds: int | None) -> None:
        """As ``stages.job.check.check_split``, once for each split."""
        key = (id(dataset), fold, folds)
        if key not in self._splits:
            check_split(dataset, fold, folds)
            self._splits[key] = dataset  # kept, so that the id stays its own


def digest(weights: Path, option: str) -> str:
    """First 16 digits of the SHA-256 of a file.

    Raises:
        UsageError: it cannot be read; ``option`` is what named it.
    """
    try:
        with weights.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise UsageError(
            f"{option} {weights}: cannot be read ({error.strerror}). Wanted a file of weights."
        ) from error
