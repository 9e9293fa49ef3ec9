"""What each of two processes does in test_distributed."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import torch
from small import batches, learner, recipe, train
from torch import nn

from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError
from muybridge.core.features import Features
from muybridge.objectives.cvrl import CVRL
from muybridge.objectives.objective import Learner, Outcome
from muybridge.objectives.rspnet import RSPNet, at_speed
from muybridge.objectives.supervised import Supervised
from muybridge.train import distributed


def labelled(videos: int = 4) -> Clip:
    """A batch with labels 0, 1, 2, 0 ..."""
    clip = next(batches(1, videos, 0, 1))
    return Clip(clip.frames, torch.arange(videos) % 3, clip.video)


def without_norms() -> Learner:
    """A supervised learner whose output for a clip does not depend on the batch."""
    module = learner().backbone
    for parent in module.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm3d):
                setattr(parent, name, nn.Identity())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(module, Supervised(8, 3))


class Plain(nn.Module):
    """A backbone whose output for a clip does not depend on the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 16 * 16, 8)

    def forward(self, frames: torch.Tensor) -> Features:
        return Features(self.layer(frames.mean(2).flatten(1)))


def contrastive(name: str) -> Learner:
    """A contrastive learner without batch norm, backbone and head."""
    kinds: dict[str, Any] = {
        "cvrl": partial(CVRL, layers=0),
        "rspnet": partial(RSPNet, queue=16, momentum=0.8),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(Plain(), kinds[name](8))


def losses(name: str, folder: Path) -> list[float]:
    """The loss of five steps on global batches of eight videos; the same views whoever shares them."""
    module = contrastive(name)
    drawn = module.objective.views

    def views(clip: Clip, augment: Any, rng: torch.Generator) -> Any:
        """Speeds by the name of the video and no random crop, so that the share of a process is a part of the whole."""
        made = dict(drawn(clip, lambda frames, rng, view=0: frames[..., :16, :16], rng))
        if name == "rspnet":
            fast = torch.tensor([int(video) // 2 % 2 == 0 for video in clip.video])
            first, second = clip.frames[..., :16, :16].float().div(255).chunk(2, dim=2)
            made |= {
                "query": at_speed(first, 2, fast),
                "positive": at_speed(second, 2, fast),
                "negative": at_speed(second, 2, ~fast),
            }
        return made

    module.objective.views = views
    train(module, folder / name, recipe(5, lr=1e-3, log_every=1), videos=8)
    distributed.meet()
    return [json.loads(line)["loss"] for line in (folder / name / "metrics.jsonl").read_text().splitlines()]


def gradient(model: nn.Module, objective: Any, clip: Clip) -> list[torch.Tensor]:
    """Gradient of the mean loss of a batch."""
    model(objective.views(clip, lambda frames, rng: frames, torch.Generator())).terms["supervised"].backward()
    return [p.grad for p in model.parameters() if p.grad is not None]


def error_of(function: Any) -> str:
    try:
        function()
    except MuybridgeError as error:
        return str(error)
    return ""


def work(rank: int, world: int, port: int, folder: Path) -> None:
    """Join the group as under torchrun, do everything once and leave the findings in a file."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(world),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )
    torch.set_num_threads(1)
    distributed.start(torch.device("cpu"))
    distributed.start(torch.device("cpu"))  # a second call does nothing
    found: dict[str, Any] = {"rank": distributed.rank(), "world": distributed.world()}
    found["rows"] = list(distributed.share(labelled(6)).video)
    found["uneven"] = error_of(lambda: distributed.share(labelled(5)))
    found["mean"] = distributed.mean(
        [torch.tensor(float(rank)), torch.tensor(10.0 * rank, requires_grad=True)]
    )
    plain = without_norms()
    found["gradient"] = gradient(distributed.wrap(plain), plain.objective, distributed.share(labelled()))
    trained = learner()
    state = train(trained, folder / "run", recipe(4))
    found["weights"] = dict(trained.named_parameters())
    found["flops"] = state.flops
    resumed = learner()
    train(resumed, folder / "parts", recipe(4), stop_after=2)
    torch.distributed.barrier()
    resumed = learner()
    train(resumed, folder / "parts", recipe(4))
    found["resumed"] = dict(resumed.named_parameters())
    found["one went wrong"] = error_of(lambda: train(spoilt(rank), folder / "spoilt", recipe(4)))
    for name in ("cvrl", "rspnet"):
        found[name] = losses(name, folder)
    torch.save(found, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def spoilt(rank: int) -> Learner:
    """A learner whose loss is no number on the second process."""
    module = learner()
    plain = module.objective.outcome

    def outcome(encode: Any, views: Any) -> Outcome:
        made = plain(encode, views)
        return Outcome({"rotnet": made.terms["rotnet"] * (float("nan") if rank else 1.0)}, made.monitors)

    module.objective.outcome = outcome
    return module
