"""What one training step costs in floating-point operations, forward and backward."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.gather import processes
from muybridge.train import distributed
from muybridge.train.checkpoint import State
from muybridge.train.precision import Compute
from muybridge.train.synchronised import synchronise


def step_flops(learner: nn.Module, clip: Clip, augment: Callable[..., Any], compute: Compute) -> int:
    """Operations of one step on a batch, of all processes together; measured on a copy, so that nothing of the learner changes."""
    twin: Any = compute.place(copy.deepcopy(learner)).train()
    if processes() > 1:
        synchronise(twin)
    clip = clip.to(compute.device)
    views = distributed.share(twin.objective.views(clip, augment, seeding.generator(0, "flops")), len(clip))
    state = State()
    with torch.random.fork_rng(), FlopMeter(state, compute.device):
        with compute.autocast():
            outcome = twin(views)
        sum(term.float() for term in outcome.terms.values()).backward()
    return state.flops


class FlopMeter:
    """Counts the operations of the first step only, over all processes; every step of a run costs the same."""

    def __init__(self, state: State, device: torch.device) -> None:
        self.state, self.device = state, device
        self.counter = None if state.flops else FlopCounterMode(display=False)

    def __enter__(self) -> None:
        if self.counter:
            self.counter.__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *problem: Any) -> None:
        if self.counter:
            self.counter.__exit__(*problem)  # type: ignore[no-untyped-call]
            if problem[0] is None:
                own = int(self.counter.get_total_flops())
                self.state.flops = distributed.total_of(own, self.device)
