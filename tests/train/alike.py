"""Training runs whose loss one process and several must agree on: every objective, small moving pictures, any batch."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from small import change, recipe
from torch import Tensor, multiprocessing, nn

from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.data.index import VideoRecord
from muybridge.data.loader import collate
from muybridge.objectives.contrastive.cvrl import CVRL
from muybridge.objectives.contrastive.rspnet import RSPNet
from muybridge.objectives.contrastive.tdl import TDL
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.language.video_text import VideoText
from muybridge.objectives.objective import Learner, Outcome
from muybridge.objectives.pretext.prp import PRP
from muybridge.objectives.pretext.rotnet import RotNet
from muybridge.objectives.pretext.speed import Speed
from muybridge.objectives.pretext.vcop import VCOP
from muybridge.train import distributed
from muybridge.train.loop import fit
from muybridge.train.precision import choose
from muybridge.train.synchronised import synchronise
from muybridge.weighting.fixed import Fixed


def spoken(dim: int, loss: Any) -> VideoText:
    """video-text with a sentence about each of the films, some of them the same."""
    made = VideoText(dim, width=8, layers=1, loss=loss)
    made.read({str(i): f"square number {i % 4} of colour {i % 5}" for i in range(64)})
    return made


OBJECTIVES: dict[str, Callable[[int], Any]] = {
    "supervised": lambda dim: Supervised(dim, 4),
    "rotnet": RotNet,
    "vcop": VCOP,
    "speed": Speed,
    "prp": partial(PRP, rates=2, width=16),
    "cvrl": partial(CVRL, hidden=64, layers=2),
    "tdl": partial(TDL, queue=22, momentum=0.9, head_norm=True),
    "rspnet": partial(RSPNet, queue=22, momentum=0.9, head_norm=True),
    "video-text": partial(spoken, loss="infonce"),
    "video-text by pairs": partial(spoken, loss="sigmoid"),
}
"""Sizes for a tiny network; the queues are no multiple of the batch."""
PLAIN = ((4, 4, 6, 8), 4, 16)
"""Channels, frames and pixels of the quick runs."""
TINY = ((16, 32, 64, 128), 8, 32)
"""Those of the shipped tiny R(2+1)D."""


def learner(name: str, shape: tuple[Any, int, int] = PLAIN) -> Learner:
    """The tiny R(2+1)D under an objective, of fixed weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = tiny(shape[0])
        return Learner(backbone, OBJECTIVES[name](backbone.dim), *shape[1:])


@cache
def films(size: int, number: int = 64, frames: int = 48) -> np.ndarray:
    """A square of one colour on another per video; it moves in one of four directions at its own speed; ``n t h w 3``."""
    rng = np.random.default_rng(0)
    made = np.repeat(rng.integers(0, 256, (number, 1, 1, 1, 3), dtype=np.uint8), frames, 1)
    made = np.tile(made, (1, 1, size, size, 1))
    for i in range(number):
        dy, dx = ((0, 1), (1, 0), (0, -1), (-1, 0))[i % 4]
        y, x, side = *rng.integers(0, size, 2), rng.integers(size // 4, size // 2)
        colour = rng.integers(0, 256, 3)
        for t in range(frames):
            rows, columns = (
                (corner + step * t + np.arange(side)) % size for corner, step in ((y, dy), (x, dx))
            )
            made[i, t, rows[:, None], columns] = colour
    return made


def batches(law: Any, size: int, videos: int, start: int, stop: int) -> Iterator[Clip]:
    """Random videos under a law; the batch of a step depends on the step only."""
    shown = films(size)
    for step in range(start, stop):
        chosen = seeding.rng(0, "batch", step).permutation(len(shown))[:videos]
        draws = [law.draw(shown.shape[1], seeding.rng(0, "draw", step, int(i))) for i in chosen]
        records = [VideoRecord(str(i), f"{i}.mp4", int(i) % 4, "", str(i)) for i in chosen]
        frames = [shown[i][draw.frames] for i, draw in zip(chosen, draws, strict=True)]
        yield collate(frames, records, draws)


def run(
    name: str, folder: Path, *, steps: int = 20, videos: int = 8, shape: tuple[Any, int, int] = PLAIN,
    how: dict[str, Any] | None = None, nudge: float = 0.0, double: bool = False, own_norm: bool = False, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Train; returns the loss of every step in full precision, the operations of a step and all that was learnt.

    Args:
        name: objective.
        folder: of the run.
        steps: how many.
        videos: per step.
        shape: channels, frames and pixels.
        how: of the recipe.
        nudge: moves every weight by that share of itself, up or down: 2 ** -23 is the last bit of a float32.
        double: weights, activations and gradients in float64.
        own_norm: our batch norm also in one process.
        more: of ``fit``.
    """
    module, found = learner(name, shape), []
    if double:
        module = Double(module.double())
    if own_norm:
        synchronise(module)
    if nudge:
        rng = torch.Generator().manual_seed(1)
        for weight in module.parameters():
            weight.data *= 1 + nudge * torch.randint(-1, 2, weight.shape, generator=rng)
    objective: Any = module.objective
    law = objective.law(shape[1], 2, 0, "shrink")

    class Noted(Fixed):
        """The plain sum, remembered."""

        def forward(self, terms: Mapping[str, Tensor]) -> Tensor:
            loss = super().forward(terms)
            found.append(loss.item())
            return loss

    state = fit(
        module, Noted(), partial(batches, law, shape[2] + 4, videos), partial(crop, shape[2]),
        recipe(steps, **({"lr": 2e-3, "warmup": 0.2} | (how or {}))), choose("cpu", "fp32"), seed=0, folder=folder, **more,
    )  # fmt: skip
    kept = {key: value.clone() for key, value in module.state_dict().items()}
    return {"losses": found, "flops": state.flops, "state": kept}


class Double(nn.Module):
    """A learner of float64 weights on the float32 views that every objective makes."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.backbone, self.objective, self.learner = learner.backbone, learner.objective, learner

    def forward(self, views: Mapping[str, Tensor]) -> Outcome:
        return self.learner(
            {name: view.double() if view.is_floating_point() else view for name, view in views.items()}
        )


def crop(size: int, frames: Tensor, rng: torch.Generator, view: int = 0) -> Tensor:
    """Crop, flip and jitter to a size."""
    return change(frames, rng, view, size)


def spawn(work: Callable[..., None], world: int, *arguments: Any) -> None:
    """Run ``work(*arguments)`` in several processes that have joined one group."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(joined, (world, port, work, arguments), nprocs=world)


def joined(rank: int, world: int, port: int, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Join the group as under torchrun, work, leave."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(world),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )
    torch.set_num_threads(1)
    distributed.start(torch.device("cpu"))
    work(*arguments)
    torch.distributed.destroy_process_group()
