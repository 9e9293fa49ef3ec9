"""Students and their teachers: what must hold between their data, and the trained networks as functions of clips."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.core import seeding
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.records import Run
from muybridge.data.index import Dataset, divide
from muybridge.stages.config import FinetuneConfig
from muybridge.stages.labels import APART, matched
from muybridge.stages.memory import Memory

if TYPE_CHECKING:
    from muybridge.objectives.distilled import Distilled
    from muybridge.stages.job import Job
    from muybridge.train.precision import Compute

KEY = "teacher-"
"""Inputs of a run that begin so are teachers."""


def check(
    config: FinetuneConfig, dataset: Dataset, origins: Mapping[str, Mapping[str, Any]], memory: Memory
) -> None:
    """Refuse a teacher that was trained on videos that the student is tested on.

    Args:
        config: of the student.
        dataset: of the student.
        origins: configs of the teachers among those of all inputs.
        memory: reads their data.

    Raises:
        UsageError: names the teacher and the way out; or its data cannot be read.
    """
    tested = divide(dataset, config.fold, config.folds)[1]
    for name, origin in origins.items():
        if not name.startswith(KEY):
            continue
        word = config.teachers[int(name.removeprefix(KEY)) - 1]
        try:
            theirs = memory.load(
                tuple(origin["data"]), label=origin["label"], group=origin["group"], root=origin["root"],
                where=tuple(origin.get("where") or ()), allow_links=origin["allow_links"],
            )  # fmt: skip
            seen = divide(theirs, origin["fold"], origin["folds"])[0]
        except MuybridgeError as error:
            raise UsageError(
                f"--teachers {word}: the videos that it was trained on cannot be listed ({error}), so that nobody knows whether the"
                " student's test videos are among them."
            ) from error
        known = (
            "id" if theirs.fingerprint == dataset.fingerprint else "video"
        )  # ids of other data may be alike by chance
        both = len({getattr(one, known) for one in tested} & {getattr(one, known) for one in seen})
        if both:
            raise UsageError(
                f"--teachers {word}: was trained on {both} of the {len(tested)} videos that the student is tested on (its fold"
                f" {origin['fold']}, the student's {config.fold}). Give the teacher of the same fold."
            )


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


def columns_of(classes: Sequence[str], theirs: Sequence[str], word: str) -> list[int]:
    """Place of each class of the student among those of a teacher, by name; never by number.

    Raises:
        UsageError: a class that the teacher does not have, or two that are one to it.
    """
    unnamed = [name for name in classes if APART in name or (name.isdecimal() and name not in theirs)]
    if unnamed:
        raise UsageError(
            f"--teachers {word}: has no class {unnamed[0]!r}.{suggestion(unnamed[0], theirs)} Teachers and student must name the same"
            " classes."
        )
    found = [matched(classes, theirs, f"--teachers {word}").first(place) for place in range(len(classes))]
    if len(set(found)) < len(found):
        raise UsageError(f"--teachers {word}: two classes of the student are one class of this teacher.")
    return found


def permuted(columns: Sequence[int], seed: int) -> list[int]:
    """Columns changed round in one cycle, drawn from the seed, so that no class keeps its own."""
    order = seeding.rng(seed, "teacher classes").permutation(len(columns))
    found = np.empty(len(columns), int)
    found[order] = np.asarray(columns)[np.roll(order, 1)]
    return [int(place) for place in found]


def with_teachers(job: "Job", supervised: Any, compute: "Compute") -> "Distilled":
    """The labels' task joined with the teachers of a job, which are read from their runs; notes what of their clips differs.

    Raises:
        UsageError: other classes, or clips that a teacher cannot take.
    """
    from muybridge.objectives.distilled import Distilled

    config: FinetuneConfig = job.config
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
    from muybridge.backbones import check_clip
    from muybridge.backbones.pretrained import put_weights
    from muybridge.core.features import Classifier
    from muybridge.stages.material import build_backbone
    from muybridge.train.checkpoint import load_weights

    body = build_backbone(run.result["config"]["backbone"], 0)
    check_clip(body, config.frames, config.crop)
    whole = Classifier(body, body.dim, len(run.result["data"]["classes"]))
    path: Path = run.path / "weights.safetensors"
    put_weights(whole, load_weights(path), path)
    return whole
