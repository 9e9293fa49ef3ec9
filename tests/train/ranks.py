"""What each of two processes does in test_distributed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from small import batches, learner, recipe, train
from torch import nn

from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError
from muybridge.core.networks.gather import gather, offset, processes, rank
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.objective import Learner, Outcome
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


def gradient(model: nn.Module, clip: Clip) -> dict[str, torch.Tensor]:
    """Gradient of the mean loss of a batch of all processes."""
    views = Supervised(8, 3).views(clip, lambda frames, rng: frames, torch.Generator())
    terms = distributed.mean_over_ranks(model(distributed.shard_views(views, len(clip))).terms, len(clip))
    terms["supervised"].backward()
    return {
        name.rpartition("learner.")[2]: p.grad for name, p in model.named_parameters() if p.grad is not None
    }


def error_of(function: Any) -> str:
    try:
        function()
    except MuybridgeError as error:
        return str(error)
    return ""


def work(folder: Path) -> None:
    """Do everything once and leave the findings in a file."""
    distributed.start(torch.device("cpu"))  # a second call does nothing
    found: dict[str, Any] = {"rank": rank(), "processes": processes()}
    found["parts"] = {
        total: [distributed.rank_rows(total).start, distributed.rank_rows(total).stop] for total in (2, 5, 6)
    }
    found["small"] = error_of(lambda: distributed.rank_rows(1))
    found["gathered"] = gathered(rank())
    found["mean"] = averaged(rank())
    found["turns"] = [
        list(distributed.round_robin(squares, start, stop)) for start, stop in ((0, 5), (3, 4), (2, 2))
    ]
    found["told"] = distributed.broadcast(f"said by {rank()}")
    for videos in (4, 5):
        found[f"gradient of {videos}"] = gradient(distributed.wrap(without_norms()), labelled(videos))
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
    found["one went wrong"] = error_of(lambda: train(spoilt(rank()), folder / "spoilt", recipe(4)))
    torch.save(found, folder / f"{rank()}.pt")


def gathered(rank: int) -> dict[str, torch.Tensor]:
    """One row of the first process and two of the second, and the gradient of the sum of squares that both make of them."""
    rows = torch.tensor([[1.0]] if rank == 0 else [[2.0], [3.0]], requires_grad=True)
    whole = gather(rows)
    whole.square().sum().backward()
    return {"rows": whole.detach(), "gradient": rows.grad, "offset": torch.tensor(offset(len(rows)))}


def averaged(rank: int) -> dict[str, float]:
    """Mean of 1 over two rows and of 4 over one, and what DDP's average makes of its gradient."""
    own = torch.tensor(1.0 if rank == 0 else 4.0, requires_grad=True)
    mean = distributed.mean_over_ranks({"loss": own}, 3)["loss"]
    mean.backward()
    return {"mean": float(mean), "slope": float(own.grad) / 2}


def squares(numbers: range) -> Iterator[int]:
    """What every number gives."""
    for number in numbers:
        yield number**2


def spoilt(rank: int) -> Learner:
    """A learner whose loss is no number on the second process."""
    module = learner()
    plain = module.objective.outcome

    def outcome(encode: Any, views: Any) -> Outcome:
        made = plain(encode, views)
        return Outcome({"rotnet": made.terms["rotnet"] * (float("nan") if rank else 1.0)}, made.monitors)

    module.objective.outcome = outcome
    return module
