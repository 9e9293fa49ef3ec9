"""Everything that can be known to fail before a video is decoded: names, sizes, splits."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from muybridge.backbones import check_name
from muybridge.config.names import is_run_of
from muybridge.config.recipes import recipe
from muybridge.config.stage_configs import (
    Control,
    Data,
    DiversityConfig,
    FinetuneConfig,
    Optimisation,
    PretrainConfig,
    RobustnessConfig,
    SimilarityConfig,
    Transfer,
    ZeroshotConfig,
)
from muybridge.core.catalogue import require
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, check_classes, divide
from muybridge.objectives import OBJECTIVES
from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.apply import CLEAN, ladder_of
from muybridge.perturb.profiles import SEVERITIES, profile_of
from muybridge.train import track
from muybridge.weighting import WEIGHTINGS


def check_split(dataset: Dataset, fold: int | None, folds: int | None) -> None:
    """Refuse a split that cannot be trained and tested on.

    Raises:
        UsageError: too few classes, videos or groups.
    """
    check_classes(dataset, *divide(dataset, fold, folds))


def check(
    config: Any, dataset: Dataset, split: Callable[[Dataset, int | None, int | None], None] = check_split
) -> None:
    """Refuse a config that cannot work on a data set.

    Args:
        config: what to do.
        dataset: with what.
        split: ``check_split``, or something that remembers which splits passed it.

    Raises:
        UsageError: says which field, what was expected and the way out.
    """
    check_numbers(config)
    if isinstance(config, Data):
        check_name(config.backbone)
        _check_sizes(config)
    if isinstance(config, PretrainConfig):
        _check_objective(config)
    if isinstance(config, Optimisation):
        _check_tasks(config)
    if isinstance(config, Transfer):
        split(dataset, *config.split)
    if isinstance(config, FinetuneConfig):
        _check_training(config)
        if config.perturb:
            _check_seen(config)
    if isinstance(config, DiversityConfig):
        _check_diversity(config)
    if isinstance(config, RobustnessConfig):
        _check_conditions(config)
    if isinstance(config, SimilarityConfig):
        _check_comparison(config)
    if isinstance(config, ZeroshotConfig):
        _check_own(config, ("pretrain", "finetune", "probe"), FOREIGN_PAIR)


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
    **dict.fromkeys(("limit", "labels_per_class", "seeds"), 1),
    **dict.fromkeys(("videos", "permutations", "replicates"), 4),
    **dict.fromkeys(("stride", "gap", "workers", "weight_decay", "warmup"), 0),
    "folds": 2,
}
AT_MOST: Mapping[str, float] = {"seeds": 1000}
"""Beyond which a plan is never finished, or does not fit into memory."""


def check_numbers(config: Control) -> None:
    """Refuse numbers out of range, and trackers that are not installed.

    Raises:
        UsageError: says the flag and the range, or the extra.
    """
    track.require(config.track)
    for name, bound in AT_LEAST.items():
        value = getattr(config, name, None)
        if name == "batch" and isinstance(config, SimilarityConfig):
            bound = 4  # an unbiased estimate is a mean over tuples of four clips
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


def _check_sizes(config: Data) -> None:
    if config.crop > config.size:
        raise UsageError(f"--crop {config.crop} is larger than --size {config.size}; wanted crop <= size.")


def _check_objective(config: PretrainConfig) -> None:
    if config.held_out_folds is not None and config.held_out_fold is None:
        raise UsageError("--held-out-folds: goes with --held-out-fold, which names the one that is left out.")
    require("objectives", OBJECTIVES, config.objective)
    if config.objective in OBJECTIVES and not OBJECTIVES[config.objective].facts["pretext"]:
        raise UsageError(f"--objective {config.objective}: needs labels; use `muybridge finetune`.")
    recipe(config.objective, config.objective_preset)
    if config.schedule != "steps" and config.decay_at:
        raise UsageError(f"--decay-at goes with --schedule steps; this is --schedule {config.schedule}.")
    if not all(a < b < 1 for a, b in pairwise((0, *config.decay_at))):
        said = " ".join(map(str, config.decay_at))
        raise UsageError(f"--decay-at {said}: wanted rising shares above 0 and below 1.")


def _check_tasks(config: Optimisation) -> None:
    """Names of auxiliary tasks and of the weighting; their options are read where they are spelt out."""
    require("weightings", WEIGHTINGS, config.weighting)
    primary = config.objective if isinstance(config, PretrainConfig) else "supervised"
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
    only = isinstance(config, FinetuneConfig) and config.auxiliary_only_views
    if only and not config.auxiliary:
        raise UsageError("--auxiliary-only-views: there are no views to show; name tasks with --auxiliary.")
    if not 0 < config.meta_share < 1:
        raise UsageError(f"--meta-share {config.meta_share:g}: wanted a share above 0 and below 1.")


def _check_training(config: FinetuneConfig) -> None:
    if config.budget is None and config.budget_unit is not None:
        raise UsageError(
            f"--budget-unit {config.budget_unit}: goes with --budget; without it --epochs says how long."
        )
    if config.budget is not None and config.decay_epochs:
        raise UsageError(
            "--budget: does not go with --decay-epochs, which are counted in --epochs; give the length in --epochs."
        )
    _check_teachers(config)
    if not 0 <= config.validation < 1:
        raise UsageError(f"--validation {config.validation:g}: wanted a share from 0 (none) to below 1.")
    if config.keep == "best-validation" and not config.validation:
        raise UsageError(
            "--keep best-validation: no videos are held out; give --validation SHARE, as 0.1, or --keep last."
        )
    epochs = config.decay_epochs
    if config.schedule != "steps" and epochs:
        raise UsageError(f"--decay-epochs goes with --schedule steps; this is --schedule {config.schedule}.")
    if not all(a < b for a, b in pairwise((0, *epochs))):
        raise UsageError(f"--decay-epochs {' '.join(map(str, epochs))}: wanted rising numbers above 0.")


def _check_diversity(config: DiversityConfig) -> None:
    if not config.auxiliary or config.auxiliary_only_views:
        raise UsageError(
            "--auxiliary: names the losses whose diversity is measured; wanted one or more, asked about."
        )
    if config.weighting != "fixed" or config.weighting_options:
        raise UsageError(
            "--weighting: diversity is measured under the equal sum, so that it is no outcome of the weighting; leave it out."
        )
    if not config.points or not all(0 < a < b <= 100 for a, b in pairwise((0.5, *config.points))):
        raise UsageError(
            f"--points {' '.join(map(str, config.points))}: wanted rising numbers from 1 to 100."
        )
    if config.gradient_batches < 2:
        raise UsageError(
            f"--gradient-batches {config.gradient_batches}: products between batches want 2 or more."
        )


def _check_teachers(config: FinetuneConfig) -> None:
    twice = next((word for word in config.teachers if config.teachers.count(word) > 1), None)
    if twice is not None:
        raise UsageError(f"--teachers {twice}: stands there twice. Name every teacher once.")
    if config.teachers and config.auxiliary:
        raise UsageError(
            "--teachers: does not go with --auxiliary; a student learns from labels and teachers alone."
        )
    if not 0 < config.teacher_temperature < math.inf:
        raise UsageError(f"--teacher-temperature {config.teacher_temperature:g}: wanted a number above 0.")
    if config.teacher_classes != "own" and not config.teachers:
        raise UsageError(f"--teacher-classes {config.teacher_classes}: goes with --teachers.")


def _check_seen(config: FinetuneConfig) -> None:
    check_cells(config.perturb_profile, config.perturb, config.perturb_severities, config.frames)
    if not 0 < config.perturb_share <= 1:
        raise UsageError(f"--perturb-share {config.perturb_share}: wanted a number above 0 and up to 1.")


def _check_conditions(config: RobustnessConfig) -> None:
    check_cells(config.profile, config.types, config.severities, config.frames or 2)
    for name in ("types", "severities"):
        given: tuple[Any, ...] = getattr(config, name)
        twice = next((value for value in given if given.count(value) > 1), None)
        if twice is not None:
            raise UsageError(f"--{name}: {twice} stands there twice.")
    _check_own(config, ("finetune", "probe", "zeroshot"), FOREIGN)


def _check_own(
    config: RobustnessConfig | ZeroshotConfig, stages: tuple[str, ...], fields: tuple[str, ...]
) -> None:
    foreign = [name for name in fields if getattr(config, name) not in (None, ())]
    if foreign and is_run_of(config.model, stages):
        raise UsageError(
            f"--{foreign[0].replace('_', '-')}: goes with models that are no run; a run is tested as it was trained."
        )


def _check_comparison(config: SimilarityConfig) -> None:
    if config.perturb:
        if config.b:
            raise UsageError("--perturb: compares A with itself on perturbed clips; leave B out.")
        check_cells(config.perturb_profile, config.perturb, config.perturb_severities, config.frames or 2)
    if not config.measure or len(set(config.measure)) < len(config.measure):
        raise UsageError(
            f"--measure {' '.join(config.measure) or '(nothing)'}: wanted one or more measures, each once."
        )
    if not config.layers:
        raise UsageError("--layers: wanted all, stages, or names of modules.")


FOREIGN = (
    "weights", "weights_key", "weights_prefix", "classes", "layout", "range", "mean", "std", "channels", "protocol", "views",
    "frames", "stride", "fps", "short_side", "crop",
)  # fmt: skip
"""Fields of a robustness run that a model of our own answers by itself."""
FOREIGN_PAIR = (
    "weights",
    "classes",
    "protocol",
    "sampling",
    "views",
    "frames",
    "stride",
    "fps",
    "short_side",
    "crop",
)
"""The same of a zero-shot run."""


def check_cells(profile: str, types: tuple[str, ...], severities: tuple[int, ...], frames: int) -> None:
    """Refuse what is no cell of a grid.

    Raises:
        UsageError: unknown profile, type or severity, or a temporal type on clips of one frame.
    """
    for name in types:
        if name != CLEAN:
            ladder_of(profile_of(profile), name)
    if not severities or not set(severities) <= set(SEVERITIES):
        raise UsageError(f"--severities {' '.join(map(str, severities))}: wanted numbers from 1 to 5.")
    temporal = [n for n in types if n in PERTURBATIONS and PERTURBATIONS[n].facts["category"] == "temporal"]
    if temporal and frames < 2:
        raise UsageError(
            f"{temporal[0]} changes the order of frames: it needs clips of at least 2, these have {frames}. Leave temporal types out."
        )
