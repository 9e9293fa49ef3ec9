"""The teachers of a student: trained networks as functions of its clips."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones import check_clip
from muybridge.backbones.weights.pretrained import put_weights
from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core.networks.features import Classifier
from muybridge.objectives.labels.distilled import Distilled
from muybridge.runs.records import Run
from muybridge.stages.job.job import Job
from muybridge.stages.training.material import build_backbone
from muybridge.stages.training.taught import KEY, columns_of, permuted
from muybridge.train.checkpoint import load_weights
from muybridge.train.precision import Compute


class Teacher(nn.Module):
    """A classifier that answers in the order of the student's classes; evaluation mode, no gradients.

    Args:
        classifier: frames to scores.
        columns: place of each of the student's classes among its scores.
    """

    columns: Tensor

    def __init__(self, classifier: nn.Module, columns: Sequence[int]) -> None:
        super().__init__()
        self.classifier = classifier
        self.register_buffer("columns", torch.tensor(columns))
        self.eval().requires_grad_(False)

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Scores."""
        scores: Tensor = self.classifier(frames)
        return scores[:, self.columns]


def with_teachers(job: Job[FinetuneConfig], supervised: Any, compute: Compute) -> Distilled:
    """The labels' task joined with the teachers of a job, which are read from their runs; notes what of their clips differs.

    Raises:
        UsageError: other classes, or clips that a teacher cannot take.
    """
    config = job.config
    teachers = []
    for place, word in enumerate(config.teachers, start=1):
        run = job.inputs[f"{KEY}{place}"]
        columns = columns_of(job.dataset.classes, run.result["data"]["classes"], word)
        if config.teacher_classes == "permuted":
            columns = permuted(columns, config.seed)
        teachers.append(compute.place(Teacher(_classifier(run, config), columns)))
        own = run.result["config"]
        other = [
            name for name in ("frames", "stride", "size", "crop") if own.get(name) != getattr(config, name)
        ]
        if other:
            said = ", ".join(f"{name} {own.get(name)} for {getattr(config, name)}" for name in other)
            job.notes.append(f"teacher {place} was trained on other clips than it sees here: {said}")
    return Distilled(supervised, teachers, config.teacher_temperature)


def _classifier(run: Run, config: FinetuneConfig) -> nn.Module:
    """The network of a finished run, for clips of the student."""
    body = build_backbone(run.result["config"]["backbone"], 0)
    check_clip(body, config.frames, config.crop)
    whole = Classifier(body, body.dim, len(run.result["data"]["classes"]))
    path: Path = run.path / "weights.safetensors"
    put_weights(whole, load_weights(path), path)
    return whole
