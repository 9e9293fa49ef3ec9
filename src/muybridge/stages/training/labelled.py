"""Training with labels: what its stages share, and which videos are trained on, held out and tested on."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from muybridge.config.config_fields import ConfigFields
from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core.errors import UsageError
from muybridge.data.index import Dataset, VideoRecord, check_classes, divide, few
from muybridge.stages.job import declared
from muybridge.stages.job.check import check_cells, check_tasks
from muybridge.stages.job.job import Job, Stage, Work, views_of
from muybridge.stages.job.origins import Planned
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.job.settled import full
from muybridge.stages.training import taught
from muybridge.stages.training.options import encoded_of
from muybridge.stages.training.tasks import ROLE as META
from muybridge.stages.training.tasks import wants_held_out
from muybridge.stages.training.validation import ROLE, hold_out
from muybridge.stages.training.weighing import spelt

L = TypeVar("L", bound=FinetuneConfig)

FEW_VIEWS = ("centre-crop", "resize", "flip", "prp")
"""Augmentations that make one or two clips of the same frames."""


class Labelled(Stage[L]):
    """A stage that trains a backbone with a linear layer on labels."""

    trains = True

    def located(self, config: L) -> L:
        """Full paths of the teachers."""
        return replace(config, teachers=tuple(map(full, config.teachers)))

    def check(self, config: L, dataset: Dataset, origins: Planned, memory: ResolveCache) -> None:
        """Refuse tasks, lengths, teachers and perturbations that cannot be trained with."""
        check_tasks(config, "supervised")
        if config.auxiliary_only_views and not config.auxiliary:
            raise UsageError(
                "--auxiliary-only-views: there are no views to show; name tasks with --auxiliary."
            )
        super().check(config, dataset, origins, memory)
        _check_training(config)
        if config.perturb:
            _check_perturbed(config)
        if config.teachers:
            taught.check(config, dataset, origins, memory)

    def complete(self, config: L) -> L:
        """The options of auxiliary tasks and of the weighting."""
        return spelt(config)

    def notes(self, config: L, dataset: Dataset) -> list[str]:
        """Where clips are mirrored whose class a mirror changes."""
        return declared.flips(dataset, config)

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """Clips of all tasks and teachers, or what its own budget pays for; then the test."""
        clips = clips_of(config, backbone)
        budget, unit = config.get("budget"), config.get("budget_unit") or "clips"
        if budget is None or unit == "flops":
            learnt = config["epochs"] * train * clips
        else:
            learnt = (
                budget * {"clips": 1, "epochs": train * clips, "steps": (config["batch"] or 1) * clips}[unit]
            )
        taught_by = f"{len(config['teachers'])} teachers" if config.get("teachers") else ""
        like = (*(config.get("auxiliary") or ()), config.get("weighting") or "fixed", taught_by)
        return Work(float(learnt), float(test * views_of(config)), " ".join(like).strip())


def clips_of(config: ConfigFields, backbone: str) -> int:
    """Clips that a step encodes of every video: of the labels, all auxiliary tasks and teachers."""
    tasks = sum(encoded_of(task, backbone)[0] for task in config.get("auxiliary") or ())
    return 1 + tasks + len(config.get("teachers") or ())


def parts_of(job: Job[FinetuneConfig]) -> dict[str, list[VideoRecord]]:
    """Labelled training videos, those held out of them if any are, and test videos.

    Raises:
        UsageError: too few videos on a side.
    """
    config = job.config
    train, test = divide(job.dataset, *config.split)
    job.notes.extend(check_classes(job.dataset, train, test))
    chosen = few([r for r in train if r.label >= 0], config.labels_per_class, config.seed)
    parts, classes = {"train": chosen, "test": test}, job.dataset.classes
    if config.validation:
        parts["train"], parts[ROLE] = hold_out(parts["train"], config.validation, config.seed, classes)
    if wants_held_out(config):
        parts["train"], parts[META] = hold_out(
            parts["train"], config.meta_share, config.seed, classes, "--meta-share"
        )
    return parts


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
    if not 0 <= config.feature_weight < math.inf:
        raise UsageError(f"--feature-weight {config.feature_weight:g}: wanted a number of 0 or more.")
    if config.feature_targets != "raw" and not config.feature_weight:
        raise UsageError(f"--feature-targets {config.feature_targets}: goes with a --feature-weight above 0.")
    asked = {
        "teacher-classes": config.teacher_classes != "own" and config.teacher_classes,
        "teacher-views": config.teacher_views != "consistent" and config.teacher_views,
        "feature-weight": config.feature_weight and f"{config.feature_weight:g}",
    }
    for flag, value in asked.items():
        if value and not config.teachers:
            raise UsageError(f"--{flag} {value}: goes with --teachers.")
    if config.teacher_views == "cached":
        _check_cached(config)


def _check_cached(config: FinetuneConfig) -> None:
    """Refuse what makes ever new clips of a video, and budgets in what a step costs, which hangs on what was seen before."""
    drawn = next((step for step in config.augment if step not in FEW_VIEWS), None)
    if drawn is not None or config.perturb:
        what = f"--augment {drawn}" if drawn is not None else f"--perturb {config.perturb[0]}"
        raise UsageError(
            f"--teacher-views cached: {what} makes a new clip every time, so that no answer is asked for twice."
            f" Augment by {', '.join(FEW_VIEWS)} alone, or leave the answers uncached."
        )
    if config.budget is not None and config.budget_unit not in ("steps", "epochs"):
        raise UsageError(
            f"--teacher-views cached: --budget-unit {config.budget_unit or 'clips'}: what a step costs hangs on the clips before it;"
            " give the budget in steps or epochs."
        )


def _check_perturbed(config: FinetuneConfig) -> None:
    check_cells(config.perturb_profile, config.perturb, config.perturb_severities, config.frames)
    if not 0 < config.perturb_share <= 1:
        raise UsageError(f"--perturb-share {config.perturb_share}: wanted a number above 0 and up to 1.")
