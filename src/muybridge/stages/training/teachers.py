"""The teachers of a student: trained networks as functions of its clips."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones import check_clip
from muybridge.backbones.weights.pretrained import put_weights
from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Classifier
from muybridge.core.networks.gather import processes
from muybridge.objectives.labels.distilled import Distilled
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.labels.teacher_features import FeatureTargets
from muybridge.objectives.labels.teacher_memory import TeacherMemory
from muybridge.runs.records import Run
from muybridge.stages.job.job import Job
from muybridge.stages.training.material import build_backbone, seeded
from muybridge.stages.training.taught import KEY, columns_of, permuted
from muybridge.train.checkpoint import load_weights
from muybridge.train.flops import flop_counter
from muybridge.train.precision import Compute


class Teacher(nn.Module):
    """A classifier that answers in the order of the student's classes; evaluation mode, no gradients.

    Args:
        classifier: frames to scores.
        columns: place of each of the student's classes among its scores.
        features: whether its pooled feature follows the scores.
    """

    columns: Tensor

    def __init__(self, classifier: nn.Module, columns: Sequence[int], features: bool = False) -> None:
        super().__init__()
        self.classifier, self.features = classifier, features
        self.register_buffer("columns", torch.tensor(columns))
        self.eval().requires_grad_(False)

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b n"]:
        """Scores, and features where asked for."""
        if not isinstance(self.classifier, Classifier) or not self.features:
            scores: Tensor = self.classifier(frames)
            return scores[:, self.columns]
        pooled = self.classifier.backbone(frames).pooled
        return torch.cat([self.classifier.head(pooled)[:, self.columns].float(), pooled.float()], dim=1)


def with_teachers(job: Job[FinetuneConfig], supervised: Supervised, compute: Compute) -> Distilled:
    """The labels' task joined with the teachers of a job, which are read from their runs; notes what of their clips differs.

    Raises:
        UsageError: other classes, or clips that a teacher cannot take; several processes that would each remember answers.
    """
    config = job.config
    if config.teacher_views == "cached" and processes() > 1:
        raise UsageError("--teacher-views cached: goes with one process; leave the answers uncached.")
    teachers: list[Teacher] = []
    dims = []
    for place, word in enumerate(config.teachers, start=1):
        run = job.inputs[f"{KEY}{place}"]
        columns = columns_of(job.dataset.classes, run.result["data"]["classes"], word)
        if config.teacher_classes == "permuted":
            columns = permuted(columns, config.seed)
        classifier = _classifier(run, config)
        dims.append(classifier.head.in_features)
        teachers.append(Teacher(classifier, columns, config.feature_weight > 0))
        compute.place(teachers[-1])
        own = {"sampling": "dense", **run.result["config"]}
        names = ("frames", "stride", "sampling", "size", "crop")
        other = [name for name in names if own.get(name) != getattr(config, name)]
        if other:
            said = ", ".join(f"{name} {own.get(name)} for {getattr(config, name)}" for name in other)
            job.notes.append(f"teacher {place} was trained on other clips than it sees here: {said}")
    features: FeatureTargets | None = None
    if config.feature_weight:
        dim, standard = supervised.head.in_features, config.feature_targets == "standardised"
        features = seeded(partial(FeatureTargets, dim, dims, standard), config.seed, "projectors")
    memory = TeacherMemory(_flops(teachers, config, compute)) if config.teacher_views == "cached" else None
    made = Distilled(supervised, teachers, config.teacher_temperature, features, memory)
    made.term_weights = {name: config.feature_weight for name in made.terms if name.endswith(".feature")}
    return made


@torch.no_grad()
def _flops(teachers: Sequence[Teacher], config: FinetuneConfig, compute: Compute) -> int:
    """Operations of all teachers on one clip."""
    clip = torch.zeros(1, 3, config.frames, config.crop, config.crop, device=compute.device)
    with flop_counter() as counter, compute.autocast():
        for teacher in teachers:
            teacher(clip)
    return int(counter.get_total_flops())


def _classifier(run: Run, config: FinetuneConfig) -> Classifier:
    """The network of a finished run, for clips of the student."""
    body = build_backbone(run.result["config"]["backbone"], 0)
    check_clip(body, config.frames, config.crop)
    whole = Classifier(body, body.dim, len(run.result["data"]["classes"]))
    path: Path = run.path / "weights.safetensors"
    put_weights(whole, load_weights(path), path)
    return whole
