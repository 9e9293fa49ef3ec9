"""Several tasks on a network that trains in milliseconds."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from small import batches, change, recipe

from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.objectives.contrastive.cvrl import CVRL
from muybridge.objectives.contrastive.rspnet import RSPNet
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.multi import Auxiliary, Multi
from muybridge.objectives.objective import Learner
from muybridge.objectives.pretext.rotnet import RotNet
from muybridge.objectives.pretext.vcop import VCOP
from muybridge.train.checkpoint import State
from muybridge.train.loop import fit
from muybridge.train.precision import choose
from muybridge.weighting import WEIGHTINGS

VIDEOS = 4
TASKS = {
    "vcop": VCOP, "rotnet": RotNet, "cvrl": partial(CVRL, hidden=6),
    "rspnet": partial(RSPNet, queue=10, momentum=0.9, head_norm=True),
}  # fmt: skip


def several(*names: str, only_views: bool = False) -> Learner:
    """A supervised task and auxiliaries, of fixed weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tasks = {"supervised": Supervised(8, 3)} | {name: TASKS[name](8) for name in names}
        ways = {name: Auxiliary(1, 0, change) for name in names}
        return Learner(tiny((4, 4, 6, 8)), Multi(tasks, ways, only_views), 2, 16)


def weighted_by(name: str, learner: Learner, **options: Any) -> Any:
    """A weighting made for the terms of a learner."""
    weighting = WEIGHTINGS[name].load()(**options)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        weighting.prepare(learner.objective.terms, learner.objective.primary_terms)
    return weighting


def labelled(frames: int, start: int, stop: int) -> Any:
    """Noise with labels 0, 1, 2, 0."""
    for clip in batches(1, VIDEOS, start, stop, frames=frames):
        yield Clip(clip.frames, torch.arange(VIDEOS) % 3, clip.video)


def train(learner: Learner, folder: Path, weighting: Any, steps: int = 6, **more: Any) -> State:
    """``fit`` on noise, with meta batches of other noise."""
    law = learner.objective.law(2, 1, 0, "shrink")
    frames = len(law.draw(40, seeding.rng(0)).frames)

    def meta(step: int) -> Clip:
        return next(labelled(2, 100 + step, 101 + step))

    return fit(
        learner, weighting, partial(labelled, frames), change, recipe(steps, save_every=1000.0), choose("cpu", "fp32"),
        **({"seed": 0, "folder": folder, "meta": meta, "per_epoch": 2.0} | more),
    )  # fmt: skip
