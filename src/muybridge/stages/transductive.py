"""Whether a network saw, without labels, the videos that it is tested on: known from the configs of both."""

from muybridge.core.storage import local
from muybridge.data.index import Dataset, has_split
from muybridge.stages.config import Control, Transfer
from muybridge.stages.origins import Planned

TRANSDUCTIVE = (
    "transductive: the videos that are tested were among those of the pretraining, without their labels; pretrain with --held-out-fold to "
    "leave them out"
)
"""The note on such a run."""


def is_transductive(config: Control, dataset: Dataset, origins: Planned) -> bool:
    """Whether a network was pretrained on the videos that it is tested on, which it can be only where the data state no split."""
    origin = origins.get("init")
    if origin is None or not isinstance(config, Transfer) or (has_split(dataset) and config.fold is None):
        return False
    learnt, tested = (
        {str(local(one)).partition("@")[0] for one in data} for data in (origin["data"], config.data)
    )
    if not learnt & tested:
        return False
    held_out = origin.get("held_out_fold"), origin.get("held_out_folds")
    return held_out != (config.fold or 0, config.folds)
