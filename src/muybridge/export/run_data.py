"""The data set of a run, read again by what its config says."""

from collections.abc import Mapping

from muybridge.config.stage_configs import change, kind_of
from muybridge.core.errors import MuybridgeError
from muybridge.data.index import Dataset
from muybridge.runs.records import Run
from muybridge.stages.job.job import stage_of
from muybridge.stages.job.origins import Planned, read_config
from muybridge.stages.job.resolve_cache import ResolveCache


def dataset_of(run: Run, config: Mapping[str, object], memory: ResolveCache) -> Dataset:
    """The data set; of the test of another run by the columns that this one was trained on.

    Args:
        run: which.
        config: of it, whole.
        memory: what was read before.

    Raises:
        MuybridgeError: its list or folder cannot be read.
        OSError: likewise.
    """
    stage = stage_of(run.stage)
    typed = change(kind_of(run.stage)(), dict(config), run.signature)
    origins: Planned = {}
    if "model" in stage.facts.inputs:
        try:
            origins = {name: read_config(one, {}) for name, one in stage.runs(typed).items()}
        except (MuybridgeError, OSError):
            origins = {}  # the model is gone; its own columns are all that can be told
    return stage.load(typed, origins, memory)
