"""The data set of a run, read again by what its config says."""

from collections.abc import Mapping
from typing import Any

from muybridge.config.stage_configs import change, kind_of
from muybridge.core.errors import MuybridgeError
from muybridge.data.index import Dataset
from muybridge.runs.records import Run
from muybridge.stages.job.job import Stage, stage_of
from muybridge.stages.job.origins import read_config
from muybridge.stages.job.resolve_cache import ResolveCache


def dataset_of(run: Run, config: Mapping[str, Any], memory: ResolveCache) -> Dataset:
    """The data set; of the test of another run by the columns that this one was trained on.

    Args:
        run: which.
        config: of it, whole.
        memory: what was read before.

    Raises:
        MuybridgeError: its list or folder cannot be read.
        OSError: likewise.
    """
    stage: Stage[Any] = stage_of(run.stage)
    typed = change(kind_of(run.stage)(), dict(config), run.signature)
    origins: dict[str, Mapping[str, Any]] = {}
    if "model" in stage.facts.inputs:
        try:
            origins = {name: read_config(one, {}) for name, one in stage.runs(typed).items()}
        except (MuybridgeError, OSError):
            origins = {}  # the model is gone; its own columns are all that can be told
    dataset: Dataset = stage.load(typed, origins, memory)
    return dataset
