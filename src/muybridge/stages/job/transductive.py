"""Whether a network saw, without labels, the videos that it is tested on: known from the configs and data of both."""

from muybridge.config.stage_configs import Control, Transfer
from muybridge.core.errors import MuybridgeError
from muybridge.data.index import Dataset
from muybridge.data.lists import amounts
from muybridge.stages.job.origins import Planned
from muybridge.stages.job.resolve_cache import ResolveCache

TRANSDUCTIVE = (
    "transductive: the videos that are tested were among those of the pretraining, without their labels; pretrain with --held-out-fold to "
    "leave them out"
)
"""The note on such a run."""


def is_transductive(config: Control, dataset: Dataset, origins: Planned, memory: ResolveCache) -> bool:
    """Whether a network was pretrained on videos that it is tested on: of the same sources, video by video."""
    origin = origins.get("init")
    if origin is None or not isinstance(config, Transfer):
        return False
    learnt, tested = ({amounts.parse(one)[0] for one in data} for data in (origin["data"], config.data))
    if learnt.isdisjoint(tested):
        return False
    try:
        theirs = memory.load_for(origin)
    except MuybridgeError:  # a list whose columns were renamed since: then as it is read here
        theirs = dataset
    held_out = origin.get("held_out_fold"), origin.get("held_out_folds")
    return memory.share_videos(theirs, held_out, dataset, config.split)
