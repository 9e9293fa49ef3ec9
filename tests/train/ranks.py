"""What each of two processes does in test_distributed."""

import os
from pathlib import Path
from typing import Any

import torch
from small import batches, learner, recipe, train
from torch import nn

from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError
from muybridge.objectives.objective import Learner, Outcome
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
