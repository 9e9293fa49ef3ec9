"""pretrain: learn from unlabelled videos with one pretext task under a stated budget."""

import math
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from muybridge.backbones import check_clip
from muybridge.config.config_fields import ConfigFields
from muybridge.config.recipes import recipe
from muybridge.config.stage_configs import PretrainConfig
from muybridge.core import seeding
from muybridge.core.catalogue import require
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import rank
from muybridge.core.networks.step import Weighting
from muybridge.data.index import Dataset, VideoRecord, learnable
from muybridge.measure.headline import last_rows, pretext_accuracy
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.objective import Alone, Learner, Objective, first_of
from muybridge.runs.contents.result_fields import Facets
from muybridge.runs.contents.snapshots import name_of, steps_of
from muybridge.runs.contents.strips import write_strips
from muybridge.stages.job.check import check_tasks
from muybridge.stages.job.facets import sorted_as
from muybridge.stages.job.job import Job, Progress, Result, Stage, Work
from muybridge.stages.job.origins import Planned
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.training.captions import captions_of, needs_captions, signed_captions
from muybridge.stages.training.health import controls, verdict, watch_of
from muybridge.stages.training.material import build_backbone, data_facts, prepare, seeded
from muybridge.stages.training.options import complete, encoded_of, followed, options
from muybridge.stages.training.pretext import build_objective
from muybridge.stages.training.tasks import ROLE as META
from muybridge.stages.training.tasks import account as account_of_tasks
from muybridge.stages.training.tasks import (
    build_weighting,
    cut,
    inactive,
    kept_for_meta,
    meta_batches,
    with_auxiliaries,
)
from muybridge.stages.training.training import (
    account,
    augmented,
    budget,
    compute_of,
    loader_of,
    optimise,
    steps_within,
)
from muybridge.stages.training.weighing import in_words, spelt
from muybridge.train.checkpoint import save_weights

SHOWN = 4


class Pretrain(Stage[PretrainConfig]):
    """Learn from unlabelled videos with one pretext task."""

    name = "pretrain"
    shorter = "--budget"
    trains = True

    def check(self, config: PretrainConfig, dataset: Dataset, origins: Planned, memory: ResolveCache) -> None:
        """Refuse a task that needs labels, and a learning rate that falls at no time."""
        super().check(config, dataset, origins, memory)
        _check_objective(config)
        check_tasks(config, config.objective)
        if config.sampling != "dense" and config.objective in OBJECTIVES:
            cut(config, config.objective, OBJECTIVES[config.objective].load()(8, **options(config)))

    def complete(self, config: PretrainConfig) -> PretrainConfig:
        """The options of the task, of its auxiliaries and of the weighting."""
        return spelt(complete(config))

    def signed(self, config: PretrainConfig, dataset: Dataset, memory: ResolveCache) -> dict[str, object]:
        """The sentences of a task that reads some."""
        return signed_captions(config, dataset)

    def facets(self, config: ConfigFields, data: str, planned: Planned) -> Facets:
        """Sorted by its task; it learnt where it reads."""
        arm = str(config["objective"]) + in_words(config)
        return sorted_as(arm, config, config, data, self.facts.title)

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """Clips that its budget pays for."""
        clips, silent = encoded_of(config["objective"], backbone, config.get("complexity"))
        each = {"steps": config.get("batch") or 1, "epochs": train * clips}
        whole = float((config["budget"] or 0) * each.get(config["budget_unit"] or "clips", 1))
        return Work(whole * (clips - silent) / clips, whole * silent / clips, str(config["objective"]))

    def run(self, job: Job[PretrainConfig], progress: Progress | None) -> Result:
        """Train, save ``weights.safetensors`` (backbone and heads), snapshots and film strips of what the task shows.

        Of several processes the first writes.
        """
        config = job.config
        backbone = build_backbone(config.backbone, config.seed)
        check_clip(backbone, config.frames, config.crop)
        primary = build_objective(config, backbone.dim)
        if needs_captions(config):
            primary = told_captions(job, primary)
        objective = with_auxiliaries(config, config.objective, primary, backbone.dim)
        weighting = build_weighting(config, objective, backbone)
        law = objective.law(config.frames, config.stride, config.gap, config.short)
        material = prepare(job, parts_of(job, weighting), config, law)
        videos = max(1, config.batch // objective.clips)
        objective.needs(videos, len(material.parts["train"]))
        learner = seeded(
            partial(Learner, backbone, objective, config.frames, config.crop), config.seed, "learner"
        )
        loader = loader_of(job, material, law, videos)
        meta = meta_batches(config, weighting, objective, material, videos)
        steps = steps_within(config, learner, loader, weighting, meta)
        compute = compute_of(config)
        watch = watch_of(job, backbone, material, compute)
        keeping = _keeping(job, learner, progress)
        state = optimise(job, learner, loader, steps, keeping, watch, weighting=weighting, meta=meta)
        first = first_of(objective)
        alone = Alone(backbone, first)
        looked = watch.loader(
            first.law(config.frames, config.stride, config.gap, config.short), videos, config.seed
        )
        answers = controls(alone, looked, partial(augmented, config), compute)
        if rank() > 0:
            return {}
        save_weights(job.run.path / "weights.safetensors", learner)
        write_strips(job.run.path / "strips.npz", _strips(config, first, parts_shown(objective, loader(0))))
        spent = budget(state, learner, loader, config.frames, weighting, config.budget_unit)
        stated, broken = account(config, spent)
        health, said = verdict(job.run.metrics, watch, answers, needs_motion(config.objective))
        curve = [row for row in job.run.metrics if "loss" in row]
        chance = curve[-1]["chance"]
        several = account_of_tasks(config, weighting, objective, curve, videos)
        idle = [*inactive(several.get("tasks", {})), *weighting.words()]
        return {
            "summary": f"{config.objective} on {job.dataset.name}",
            "data": data_facts(job, material, material.parts),
            "budget": spent | stated,
            "chance": chance,
            "health": health,
            "recipe": followed(config),
            "notes": material.notes + broken + not_learnt(curve, chance, videos) + idle + said,
            **several,
        }


def _keeping(job: Job[PretrainConfig], learner: Learner, progress: Progress | None) -> Progress:
    """Progress that keeps the backbone on its way, as snapshots."""

    def told(done: int, total: int, values: dict[str, float]) -> None:
        for share in steps_of(total).get(done, ()):
            save_weights(job.run.path / name_of(share), nn.ModuleDict({"backbone": learner.backbone}))
        if progress:
            progress(done, total, values)

    return told


def told_captions(job: Job[PretrainConfig], objective: Objective) -> Objective:
    """The task with the sentences about the videos, of which it trains on those about the training videos."""
    config = job.config
    every = captions_of(config, job.dataset)
    training = {record.id for record in training_videos(job)}
    own = {name: text for name, text in every.items() if name in training}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.key(config.seed, "words"))
        objective.read(own, {name: text for name, text in every.items() if name not in training})
    return objective


def needs_motion(objective: str) -> bool:
    """Whether a pretext task is meant to need motion; not known of tasks from outside."""
    return objective in OBJECTIVES and OBJECTIVES[objective].facts["kind"] not in ("spatial", "control")


def not_learnt(curve: list[dict[str, object]], chance: float, videos: int) -> list[str]:
    """A note when the last tenth of a training curve is not three standard deviations of guessing above chance."""
    if "accuracy" not in curve[-1]:
        return []
    last = last_rows(curve)
    before = curve[-len(last) - 1]["step"] if len(curve) > len(last) else 0
    answers = (last[-1]["step"] - before) * videos
    accuracy = pretext_accuracy(curve)
    if accuracy is None or accuracy > chance + 3 * math.sqrt(chance * (1 - chance) / answers):
        return []
    return [
        f"nothing shows that the task was learnt: pretext accuracy {accuracy:.1%} over the last {answers} answers, less than three "
        f"standard "
        f"errors above chance ({chance:.1%})"
    ]


def parts_of(job: Job[PretrainConfig], weighting: Weighting) -> dict[str, list[VideoRecord]]:
    """Videos to train on, and those that a weighting learns on where it wants them kept out of training."""
    videos = training_videos(job)
    if weighting.meta != "held-out":
        return {"train": videos}
    kept, held = kept_for_meta(job.config, videos)
    return {"train": kept, META: held}


def training_videos(job: Job[PretrainConfig]) -> list[VideoRecord]:
    """All videos but those the data set, or the config as a fold, holds out."""
    return learnable(job.dataset, job.config.held_out_fold, job.config.held_out_folds)


def parts_shown(objective: Objective, clip: Clip) -> Clip:
    """The part of a batch that the primary task sees."""
    own: Clip = objective.own(clip) if hasattr(objective, "own") else clip
    return own


def _strips(config: PretrainConfig, objective: Objective, clip: Clip) -> dict[str, np.ndarray]:
    """The first videos of the first batch as the task shows them, with the answer as a name; without targets all clips in a row."""
    views = objective.views(clip, partial(augmented, config), seeding.generator(config.seed, "strips"))
    clips = [value for name, value in views.items() if name != "target" and value.ndim >= 5]
    shown = torch.cat(clips, dim=2) if "target" not in views else clips[0]
    if shown.ndim == 6:
        shown = torch.cat(list(shown.unbind(1)), dim=2)
    targets = views.get("target", torch.zeros(len(clip), dtype=torch.int64))
    pixels = (shown[:SHOWN] * 255).round().to(torch.uint8).permute(0, 2, 3, 4, 1).numpy()
    return {f"{i + 1}: {objective.caption(int(targets[i]))}": frames for i, frames in enumerate(pixels)}


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


PRETRAIN = Pretrain()
