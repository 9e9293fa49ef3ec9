"""Passes through an encoder, with a gradient and without: what tasks say of themselves against what a step does."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from muybridge.augment.chain import augment
from muybridge.backbones import build
from muybridge.config.stage_configs import PretrainConfig
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.objectives import OBJECTIVES
from muybridge.objectives.labels.distilled import Distilled
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.multi import Auxiliary, Multi
from muybridge.objectives.objective import Learner
from muybridge.stages.training.options import complete, options

VIDEOS = 4
TASKS = [
    name
    for name, entry in OBJECTIVES.items()
    if entry.facts["pretext"] and not {"captions", "tokens"} & entry.facts.keys()
]
"""Without masked, which gives the blocks of its backbone a tenth of the tokens, and video-text, which wants sentences."""


def task_of(name: str, backbone: Any, **changes: Any) -> Any:
    few = ("queue=4",) if name in ("tdl", "rspnet") else ()
    config = complete(PretrainConfig(objective=name, objective_options=few, **changes))
    return OBJECTIVES[name].load()(backbone.dim, **options(config))


def passes(learner: Learner, objective: Any, kind: type) -> dict[bool, int]:
    """Clips that networks of a kind encode in one step, by whether a gradient is recorded; measured by hooks on every module."""
    law = objective.law(8, 1, 0, "shrink")
    draws = [law.draw(64, seeding.rng(0, i)) for i in range(VIDEOS)]
    pixels = np.random.default_rng(0).integers(0, 255, (VIDEOS, 3, len(draws[0].frames), 36, 36), np.uint8)
    facts = {name: torch.tensor([draw.facts[name] for draw in draws]) for name in draws[0].facts}
    clip = Clip(torch.from_numpy(pixels), torch.zeros(VIDEOS, dtype=torch.int64), ["v"] * VIDEOS, facts)
    rng = torch.Generator().manual_seed(0)
    views = objective.views(clip, lambda frames, rng, view=0: augment(frames, ("crop",), 32, rng), rng)
    found: Counter[bool] = Counter()

    def count(module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        if type(module) is kind:
            found[torch.is_grad_enabled()] += len(inputs[0])

    handle = register_module_forward_pre_hook(count)
    try:
        learner(views)
    finally:
        handle.remove()
    return dict(found)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_encodes_as_many_clips_as_it_says(name: str):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = build("r2plus1d-tiny")
        task = task_of(name, backbone)
        learner = Learner(backbone, task, 8, 32)
        found = passes(learner, task, type(backbone))
    assert sum(found.values()) == VIDEOS * task.clips
    assert found.get(False, 0) == VIDEOS * task.without_gradient


@pytest.mark.parametrize("level", [3, 4, 5])
def test_a_harder_order_encodes_more_clips(level: int):
    backbone = build("r2plus1d-tiny")
    task = task_of("vcop", backbone, complexity=level)
    found = passes(Learner(backbone, task, 8, 32), task, type(backbone))
    assert found == {True: VIDEOS * level}


@pytest.mark.parametrize("only_views", [False, True])
def test_several_tasks_encode_the_clips_of_all(only_views: bool):
    backbone = build("r2plus1d-tiny")
    names = ("rspnet", "vcop", "tdl")
    tasks = {"supervised": Supervised(backbone.dim, 3), **{name: task_of(name, backbone) for name in names}}

    def own(frames: Any, rng: Any, view: int = 0) -> Any:
        return augment(frames, ("crop",), 32, rng)

    many = Multi(tasks, {name: Auxiliary(1, 0, own) for name in names}, only_views)
    found = passes(Learner(backbone, many, 8, 32), many, type(backbone))
    assert sum(found.values()) == VIDEOS * many.clips == VIDEOS * 10
    assert found.get(False, 0) == VIDEOS * many.without_gradient == VIDEOS * (0 if only_views else 3)


def test_teachers_have_no_gradient():
    backbone, teacher = build("r2plus1d-tiny"), build("r2plus1d-tiny")
    taught = Distilled(Supervised(backbone.dim, 3), [lambda clip: teacher(clip).pooled[:, :3]] * 2)
    found = passes(Learner(backbone, taught, 8, 32), taught, type(backbone))
    assert found == {True: VIDEOS, False: 2 * VIDEOS}
    assert (taught.clips, taught.without_gradient) == (3, 2)
