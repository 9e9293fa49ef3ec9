"""Everything that can be known to fail before a video is decoded: names, sizes, splits."""

import math
from collections.abc import Callable, Mapping

from muybridge.backbones import check_name
from muybridge.config.names import is_run_of
from muybridge.config.stage_configs import (
    Control,
    Data,
    Optimisation,
    Transfer,
)
from muybridge.core.catalogue import require
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, check_classes, divide
from muybridge.objectives import OBJECTIVES
from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.apply import CLEAN, CUES, ladder_of, parted
from muybridge.perturb.profiles import SEVERITIES, profile_of
from muybridge.train import track
from muybridge.weighting import WEIGHTINGS


def check_split(dataset: Dataset, fold: int | None, folds: int | None) -> None:
    """Refuse a split that cannot be trained and tested on.

    Raises:
        UsageError: too few classes, videos or groups.
    """
    check_classes(dataset, *divide(dataset, fold, folds))


def check_parts(
    config: Control, dataset: Dataset, split: Callable[[Dataset, int | None, int | None], None] = check_split
) -> None:
    """Refuse values of the parts that configs of several stages share: how clips are cut, how videos are divided.

    Args:
        config: of a stage.
        dataset: what it reads.
        split: ``check_split``, or something that remembers which splits passed it.

    Raises:
        UsageError: says which field, what was expected and the way out.
    """
    if isinstance(config, Data):
        check_name(config.backbone)
        if config.crop > config.size:
            raise UsageError(
                f"--crop {config.crop} is larger than --size {config.size}; wanted crop <= size."
            )
    if isinstance(config, Transfer):
        split(dataset, *config.split)


AT_LEAST = {
    **dict.fromkeys(
        (
            "frames",
            "size",
            "crop",
            "batch",
            "views",
            "epochs",
            "gradient_batch",
            "budget",
            "nearest",
            "queries",
            "threads",
            "conse_top",
        ),
        1,
    ),
    **dict.fromkeys(("limit", "labels_per_class", "seeds", "trials"), 1),
    **dict.fromkeys(("videos", "permutations", "replicates"), 4),
    **dict.fromkeys(("stride", "gap", "workers", "weight_decay", "warmup"), 0),
    "folds": 2,
}
AT_MOST: Mapping[str, float] = {"seeds": 1000, "trials": 7}
"""Beyond which a plan is never finished, or does not fit into memory; learning rates that are far from any use."""


def check_numbers(config: Control) -> None:
    """Refuse numbers out of range, and trackers that are not installed.

    Raises:
        UsageError: says the flag and the range, or the extra.
    """
    track.require(config.track)
    for name, bound in AT_LEAST.items():
        value = getattr(config, name, None)
        if isinstance(value, int | float) and not value >= bound:
            raise UsageError(f"--{name.replace('_', '-')} {value}: wanted {bound} or more.")
    for name, most_ in AT_MOST.items():
        value = getattr(config, name, None)
        if isinstance(value, int | float) and not value <= most_:
            raise UsageError(f"--{name.replace('_', '-')} {value}: wanted {most_:,} or less.")
    for name, most in (("lr", math.inf), ("clip_norm", math.inf), ("temperature", math.inf), ("warmup", 1.0)):
        number: float = getattr(config, name, 0.5)
        if not (0 < number < most or (name == "warmup" and number in (0, most))):
            raise UsageError(
                f"--{name.replace('_', '-')} {number}: wanted a number above 0{' and up to 1' if most == 1 else ''}."
            )


def check_tasks(config: Optimisation, primary: str) -> None:
    """Refuse names of auxiliary tasks and of the weighting; their options are read where they are spelt out.

    Raises:
        UsageError: unknown, named twice, or of no use beside the primary task.
    """
    require("weightings", WEIGHTINGS, config.weighting)
    for name in config.auxiliary:
        require("objectives", OBJECTIVES, name)
        if name in OBJECTIVES and not OBJECTIVES[name].facts["pretext"]:
            raise UsageError(
                f"--auxiliary {name}: needs labels; it can only be the primary task (`muybridge finetune`)."
            )
        if name in OBJECTIVES and OBJECTIVES[name].facts.get("captions"):
            raise UsageError(
                f"--auxiliary {name}: needs a sentence about each video; it can only be the --objective of `muybridge pretrain`."
            )
        if name == primary or config.auxiliary.count(name) > 1:
            raise UsageError(
                f"--auxiliary {name}: stands there twice, or is the primary task. Name every task once."
            )
    if not 0 < config.decay <= 1:
        raise UsageError(f"--decay {config.decay:g}: wanted a number above 0 and up to 1.")
    if not 0 < config.meta_share < 1:
        raise UsageError(f"--meta-share {config.meta_share:g}: wanted a share above 0 and below 1.")


def check_own(config: Control, model: str, stages: tuple[str, ...], fields: tuple[str, ...]) -> None:
    """Refuse fields of models that are no run where ``--model`` is one.

    Args:
        config: of the test.
        model: its ``--model``.
        stages: of the runs that it may name.
        fields: those of other models.

    Raises:
        UsageError: a field that a run answers by itself.
    """
    foreign = [name for name in fields if vars(config)[name] not in (None, ())]
    if foreign and is_run_of(model, stages):
        raise UsageError(
            f"--{foreign[0].replace('_', '-')}: goes with models that are no run; a run is tested as it was trained."
        )


def check_cells(
    profile: str, types: tuple[str, ...], severities: tuple[int, ...], frames: int, single: bool = False
) -> None:
    """Refuse what is no cell of a grid; ``single`` allows words that are one cell, as ``jpeg:3`` and the controls ``CUES``.

    Raises:
        UsageError: unknown profile, type or severity, or a temporal type on clips of one frame.
    """
    named = [parted(word)[0] if single else word for word in types if word != CLEAN]
    for name in named:
        if not (single and name in CUES):
            ladder_of(profile_of(profile), name)
    if not severities or not set(severities) <= set(SEVERITIES):
        raise UsageError(f"--severities {' '.join(map(str, severities))}: wanted numbers from 1 to 5.")
    temporal = [n for n in named if n in PERTURBATIONS and PERTURBATIONS[n].facts["category"] == "temporal"]
    if temporal and frames < 2:
        raise UsageError(
            f"{temporal[0]} changes the order of frames: it needs clips of at least 2, these have {frames}. Leave temporal types out."
        )
