"""Whether a network saw the videos that it is tested on, with labels or without: known from the configs and data of both."""

from muybridge.config.config_fields import ConfigFields, split_of
from muybridge.config.names import starts_from_run
from muybridge.config.stage_configs import Control, Data, Transfer
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.data.index import Dataset, divide
from muybridge.data.lists import amounts
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run
from muybridge.stages.job.origins import Planned, read_config
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.store.storage import local

TRANSDUCTIVE = (
    "transductive: the videos that are tested were among those of the pretraining, without their labels; pretrain with --held-out-fold to "
    "leave them out"
)
"""The note on such a run."""
Origin = ConfigFields


def is_transductive(
    config: Control, dataset: Dataset, origins: Planned, planned: Planned, memory: ResolveCache
) -> bool:
    """Whether a network was pretrained on videos that it is tested on: of the same sources, video by video."""
    origin = _pretraining(origins.get("init"), planned)
    if origin is None or not isinstance(config, Transfer) or not _same_source(origin, config):
        return False
    held_out = origin.get("held_out_fold"), origin.get("held_out_folds")
    return memory.share_videos(_theirs(origin, dataset, memory), held_out, dataset, config.split)


def check_labels_unseen(config: Control, dataset: Dataset, origins: Planned, memory: ResolveCache) -> None:
    """Refuse to test a fine-tuned network on videos whose labels it was taught.

    Raises:
        UsageError: says which split it was taught by.
    """
    origin = origins.get("init")
    if origin is None or not _is_taught(origin) or not isinstance(config, Transfer):
        return
    if not _same_source(origin, config):
        return
    fold, folds = split_of(origin)
    if (fold, folds) == config.split and tuple(origin["data"]) == config.data:
        return  # held out there as here; lists that name a video twice are the doctor's
    taught = {record.video for record in divide(_theirs(origin, dataset, memory), fold, folds)[0]}
    if any(record.video in taught for record in divide(dataset, *config.split)[1]):
        asked = "" if fold is None else f" (--fold {fold}" + (f" --folds {folds})" if folds else ")")
        raise UsageError(
            f"--init {config.init}: was taught the labels of videos that would be tested. Give the split that it was fine-tuned by{asked}, "
            "or the run of the fold that is tested."
        )


def _is_taught(origin: Origin) -> bool:
    """Whether a config is that of a fine-tuning."""
    return "labels_per_class" in origin


def _pretraining(origin: Origin | None, planned: Planned) -> Origin | None:
    """The config of the pretraining that a network began with; None where it had none of ours."""
    if origin is None or not _is_taught(origin):
        return origin
    init = str(origin["init"])
    run = Run(local(snapshots.split(init)[0]))
    # a fine-tuning starts from no other one: a folder that says so was not made by us, and may name itself
    return read_config(run, planned) if starts_from_run(init) and run.stage == "pretrain" else None


def _same_source(origin: Origin, config: Data) -> bool:
    learnt, tested = ({amounts.parse(one)[0] for one in data} for data in (origin["data"], config.data))
    return not learnt.isdisjoint(tested)


def _theirs(origin: Origin, dataset: Dataset, memory: ResolveCache) -> Dataset:
    """The data set of an origin; where a list's columns were renamed since, as it is read here."""
    try:
        return memory.load_for(origin)
    except MuybridgeError:
        return dataset
