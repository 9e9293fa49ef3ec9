"""Looks at a network during pretraining that leave the training as it is, and controls of the task afterwards."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from muybridge.config.stage_configs import PretrainConfig
from muybridge.core import seeding
from muybridge.core.clip import UNLABELLED
from muybridge.data.index import has_split
from muybridge.data.loader import Loader
from muybridge.measure.features.feature_health import diagnose, feature_std, knn_accuracy, rankme
from muybridge.objectives.objective import Alone, Augment, Learner
from muybridge.sampling.frame_numbers import Draw, Law, Short
from muybridge.stages.job.job import Job
from muybridge.stages.testing.predict import View, features
from muybridge.stages.training.material import Material, law_of, limited
from muybridge.train import distributed
from muybridge.train.precision import Compute

VIDEOS = 256
"""At most this many videos are looked at, spread over the classes."""
LOOKS = 10
"""At most this many times per run."""
SHARE = 0.025
"""At most this share of the training's arithmetic; a forward pass is a third of a training step."""
CONTROL_VIDEOS = 128
"""About this many answers stand behind the accuracy of each control."""


def watched(job: Job[PretrainConfig], material: Material) -> Material:
    """The decoded videos to look at: features of those under ``watched``, the task's own answers on those under ``controls``.

    No label of a test video is read: whoever looks at curves chooses by them. ``watched`` are validation videos where the data set has
    such, else training videos (seen by the task without their labels); their labels count where the data set states a split. ``controls``
    are held-out videos without labels where there are some, else those watched; a trial with ``--limit`` decodes none. Nothing is chosen by
    what is seen.
    """
    stated = has_split(job.dataset)
    errors, places = material.store.errors, material.places
    usable = [r for r in job.dataset.records if r.id in places and not errors[places[r.id]]]
    validation = [r for r in usable if stated and r.split == "val"]
    own = validation or [r if stated else replace(r, label=UNLABELLED) for r in material.parts["train"]]
    held = [replace(r, label=UNLABELLED) for r in usable if stated and r.split in ("test", "val")]
    return replace(
        material, parts={"watched": limited(own, VIDEOS), "controls": limited(held or own, VIDEOS)}
    )


def watch_every(steps: int, clips: int, videos: int) -> int:
    """Steps between looks, so that they stay within ``LOOKS`` and ``SHARE``; the last step always has one.

    Args:
        steps: optimiser steps of the run.
        clips: clips that it encodes in all.
        videos: videos per look.
    """
    looks = int(3 * SHARE * clips / max(1, videos))
    return math.ceil(steps / min(LOOKS, max(1, looks)))


@dataclass(frozen=True)
class Watch:
    """Health of a backbone on fixed videos, one clip from the middle of each.

    Attributes:
        backbone: what is trained.
        material: decoded videos of ``watched``.
        view: how their clips are cut.
        compute: where and in which format.
    """

    backbone: Any
    material: Material
    view: View
    compute: Compute

    def __call__(self) -> dict[str, float]:
        """``feature_std``, ``effective_rank`` and, with labels of two classes or more, ``knn``; values that are no number are left out."""
        with undisturbed(self.backbone):
            found, videos = features(self.backbone, self.view, self.material, "watched", self.compute)
        records = {record.id: record for record in self.material.parts["watched"]}
        labels = np.array([records[video].label for video in videos])
        groups = np.array([records[video].group for video in videos])
        told = {"feature_std": feature_std(found), "effective_rank": rankme(found)}
        if len(set(labels[labels >= 0].tolist())) > 1:
            told["knn"] = knn_accuracy(found, labels, groups)
        return {name: float(f"{value:.6g}") for name, value in told.items() if math.isfinite(value)}

    @property
    def videos(self) -> int:
        """How many are looked at."""
        return len(self.material.parts["watched"])

    @property
    def rank(self) -> int:
        """Largest rank that the features can have."""
        return min(int(self.backbone.dim), self.videos)

    def loader(self, law: Law, videos: int, seed: int) -> Loader:
        """Batches of the videos of the controls as a task draws them."""
        seen = self.material
        return Loader(seen.store, seen.parts["controls"], seen.numbers("controls"), law, videos, seed)


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients inside; every part's own mode and the random state are back afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        for part, training in modes:
            part.training = training


@dataclass(frozen=True)
class Changed:
    """A law whose clips lose their motion and keep their places in the video.

    Attributes:
        law: where the clips lie.
        kind: ``still`` repeats the first frame of each clip, ``shuffled`` shows its frames in random order.
    """

    law: Law
    kind: Literal["still", "shuffled"]

    @property
    def clips(self) -> int:
        """Clips that a draw holds."""
        return self.law.clips

    @property
    def short(self) -> Short:
        """Policy for short videos."""
        return self.law.short

    @property
    def span(self) -> int:
        """Frames of video that a draw wants."""
        return self.law.span

    def fits(self, total: int) -> bool:
        """Whether a video is long enough."""
        return self.law.fits(total)

    def draw(self, total: int, rng: np.random.Generator) -> Draw:
        """The frames of the law, changed."""
        drawn = self.law.draw(total, rng)
        clips = drawn.frames.reshape(self.law.clips, -1)
        change = self._still if self.kind == "still" else self._shuffled
        return Draw(np.concatenate([change(clip, rng) for clip in clips]), drawn.facts)

    @staticmethod
    def _still(clip: Int64[np.ndarray, "n"], rng: np.random.Generator) -> Int64[np.ndarray, "n"]:
        return np.full_like(clip, clip[0])

    @staticmethod
    def _shuffled(clip: Int64[np.ndarray, "n"], rng: np.random.Generator) -> Int64[np.ndarray, "n"]:
        """Another order of the frames; one that the law shows in several places stays in several."""
        distinct, places = np.unique(clip, return_inverse=True)
        shuffled: np.ndarray = rng.permutation(distinct)[places]
        return shuffled


def controls(
    learner: Learner | Alone, loader: Loader, augment: Augment, compute: Compute
) -> dict[str, object]:
    """Accuracy of a trained task on the videos of a loader: untouched, on still clips and on shuffled frames.

    All three see the same draws and the same augmentations. Where a task watches an accuracy of its own (``speed_accuracy``,
    ``segment_accuracy``: chance one half), that is taken, since still clips cannot answer for the rest of its loss.

    Returns:
        ``normal``, ``still``, ``shuffled``, ``chance``, ``answers`` (behind each accuracy) and ``monitor``, its name; empty for a task
        without accuracy.
    """
    laws = {
        "normal": loader.law,
        "still": Changed(loader.law, "still"),
        "shuffled": Changed(loader.law, "shuffled"),
    }
    batches = max(1, round(CONTROL_VIDEOS / loader.batch))
    with undisturbed(learner):
        found = {
            kind: _monitors(learner, replace(loader, law=law), batches, augment, compute)
            for kind, law in laws.items()
        }
    own = [name for name in found["normal"] if name.endswith("accuracy")]
    if not own:
        return {}
    name = next((one for one in own if one != "accuracy"), "accuracy")
    chance = found["normal"].get("chance", learner.objective.chance) if name == "accuracy" else 0.5
    told = {kind: float(f"{values[name]:.6g}") for kind, values in found.items()}
    return {**told, "chance": chance, "answers": batches * loader.batch, "monitor": name}


def _monitors(
    learner: Learner | Alone, loader: Loader, batches: int, augment: Augment, compute: Compute
) -> dict[str, float]:
    """Means of what the task watches over some batches."""
    sums: dict[str, float] = {}
    for step in range(batches):
        clip = loader(step).to(compute.device)
        views = learner.objective.views(clip, augment, seeding.generator(loader.seed, "controls", step, 0))
        with compute.autocast():
            found = learner(distributed.shard_views(views, len(clip))).monitors
        for name, value in distributed.mean_over_ranks(found, len(clip)).items():
            sums[name] = sums.get(name, 0.0) + float(value) / batches
    return sums


def watch_of(job: Job[PretrainConfig], backbone: object, material: Material, compute: Compute) -> Watch:
    """The watch of a pretraining job."""
    config = job.config
    law = law_of(config)
    return Watch(backbone, watched(job, material), View(law, 1, config.crop, config.batch), compute)


def verdict(
    metrics: Sequence[Mapping[str, Any]], watch: Watch, answers: Mapping[str, object], motion: bool
) -> tuple[dict[str, object], list[str]]:
    """The ``health`` of a result (values of the last look, and ``controls``) and what is to be said about it.

    Args:
        metrics: rows of the training curve, looks among them.
        watch: what looked.
        answers: of ``controls``.
        motion: whether the task is meant to need motion.
    """
    looks = [row for row in metrics if "health" in row]
    last = dict(looks[-1]["health"]) if looks else {}
    told = last | {"most_rank": watch.rank} | ({"controls": dict(answers)} if answers else {})
    return told, diagnose(looks, watch.rank, answers, motion)
