"""pretrain: learn from unlabelled videos with one pretext task under a stated budget."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from muybridge.core import seeding
from muybridge.core.catalogue import pick
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.records import write_strips
from muybridge.data.index import VideoRecord, has_split
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.objective import Learner
from muybridge.stages.config import PretrainConfig
from muybridge.stages.job import Job, Progress
from muybridge.stages.material import build_backbone, data_facts, law_of, prepare, seeded
from muybridge.stages.training import augmented, budget, optimise
from muybridge.train.checkpoint import save_weights

SHOWN = 4


def run(job: Job, progress: Progress | None) -> dict[str, Any]:
    """Train, save ``weights.safetensors`` (backbone and heads) and film strips of what the task shows."""
    config: PretrainConfig = job.config
    backbone = build_backbone(config.backbone, config.seed)
    objective: Any = build_objective(config, backbone.dim)
    law = law_of(config, objective.clips, config.gap)
    material = prepare(job, {"train": training_videos(job)}, config, law)
    videos = max(1, config.batch // objective.clips)
    steps = max(1, config.clips // (videos * objective.clips))
    learner = Learner(backbone, objective)
    state, loader = optimise(job, learner, material, law, videos, steps, progress)
    save_weights(job.run.path / "weights.safetensors", learner)
    write_strips(job.run.path / "strips.npz", _strips(config, objective, loader(0)))
    return {
        "summary": f"{config.objective} on {job.dataset.name}",
        "data": data_facts(job, material, material.parts),
        "budget": budget(state, videos * objective.clips, config.frames),
        "chance": objective.chance,
        "notes": material.notes + not_learnt(job.run.metrics, objective.chance, videos),
    }


def build_objective(config: PretrainConfig, dim: int) -> Any:
    """The pretext task of a config.

    Raises:
        UsageError: a complexity it does not have.
    """
    kind = pick("objectives", OBJECTIVES, config.objective)
    options = {}
    if config.complexity is not None:
        options[OBJECTIVES[config.objective].facts["complexity"]] = config.complexity
    try:
        return seeded(kind, config.seed, dim, **options)
    except ValueError as error:
        raise UsageError(f"--complexity {config.complexity}: {error}.") from error


def not_learnt(curve: list[dict[str, Any]], chance: float, videos: int) -> list[str]:
    """A note when the last tenth of a training curve is not three standard deviations of guessing above chance."""
    last = curve[-max(1, len(curve) // 10) :]
    before = curve[-len(last) - 1]["step"] if len(curve) > len(last) else 0
    answers = (last[-1]["step"] - before) * videos
    accuracy = sum(row["accuracy"] for row in last) / len(last)
    if accuracy > chance + 3 * math.sqrt(chance * (1 - chance) / answers):
        return []
    return [f"the task was not learnt: pretext accuracy {accuracy:.1%} at the end, chance {chance:.1%}"]


def training_videos(job: Job) -> list[VideoRecord]:
    """All videos but those the data set holds out."""
    if has_split(job.dataset):
        return [record for record in job.dataset.records if record.split == "train"]
    return list(job.dataset.records)


def _strips(config: PretrainConfig, objective: Any, clip: Clip) -> dict[str, np.ndarray]:
    """The first videos of the first batch as the task shows them, with the answer as a name."""
    views = objective.views(clip, partial(augmented, config), seeding.generator(config.seed, "strips"))
    shown = next(value for name, value in views.items() if name != "target")
    if shown.ndim == 6:
        shown = torch.cat(list(shown.unbind(1)), dim=2)
    pixels = (shown[:SHOWN] * 255).round().to(torch.uint8).permute(0, 2, 3, 4, 1).numpy()
    return {
        f"{i + 1}: {objective.caption(int(views['target'][i]))}": frames for i, frames in enumerate(pixels)
    }
