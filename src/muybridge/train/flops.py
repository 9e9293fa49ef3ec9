"""What a network costs in floating-point operations (2 per multiply-add), forward and backward."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.networks.gather import processes
from muybridge.core.networks.step import Weighting
from muybridge.train import distributed
from muybridge.train.beside import Beside
from muybridge.train.checkpoint import State
from muybridge.train.precision import Compute
from muybridge.train.synchronised import synchronise


def convolution_backward(
    grad_shape: Sequence[int],
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    _bias: object,
    _stride: object,
    _padding: object,
    _dilation: object,
    transposed: bool,
    _output_padding: object,
    _groups: int,
    output_mask: Sequence[bool],
    **_: object,
) -> int:
    """Operations of a convolution's backward pass: those of its forward pass for each gradient that is asked for.

    Every multiplication of the forward pass, one input value with one weight, comes back once in the gradient of the input and
    once in that of the weight, with groups or without. torch's own formula (2.14) takes the gradient of the weight for that of an
    ungrouped convolution, which counts a depthwise one as many times too dear as it has channels.

    Args:
        grad_shape: of the gradient of the output.
        input_shape: ``b c ...``.
        weight_shape: output channels (input channels of a transposed convolution), channels of one group, kernel.
        transposed: a transposed convolution walks over its input, others over their output.
        output_mask: whether the gradients of input, weight and bias are asked for; the bias is not counted, as forward.
    """
    walked = input_shape if transposed else grad_shape
    forward = 2 * input_shape[0] * math.prod(walked[2:]) * math.prod(weight_shape)
    return forward * sum(map(bool, output_mask[:2]))


def flop_counter() -> FlopCounterMode:
    """A context that counts the operations of everything inside; ``get_total_flops()`` says how many."""
    return FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.convolution_backward: convolution_backward}
    )


@contextmanager
def without_gradients(module: object) -> Iterator[None]:
    """Parameters that want no gradient inside: the counter looks for the graph behind those that a module hands on, and finds none."""
    wanting = (
        [one for one in module.parameters() if one.requires_grad] if isinstance(module, nn.Module) else []
    )
    for one in wanting:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in wanting:
            one.requires_grad_(True)


def step_flops(
    learner: nn.Module, clip: Clip, augment: Callable[..., object], compute: Compute, weighting: Weighting | None = None,
    meta: Callable[[int], Clip] | None = None, number: int = 0,
) -> int:  # fmt: skip
    """Operations of one step on a batch, of all processes together; measured on copies, so that nothing of the learner changes.

    Args:
        learner: backbone and objective.
        clip: the batch.
        augment: augmentation of its views.
        compute: device and number format.
        weighting: what makes gradients of its terms; their sum where none is given.
        meta: the meta batch of a step.
        number: of the step; that of a meta step costs more.
    """
    twin: Any = compute.place(copy.deepcopy(learner)).train()
    if processes() > 1:
        synchronise(twin)
    clip = clip.to(compute.device)
    views = twin.objective.views(clip, augment, seeding.generator(0, "flops"))
    state = State()
    with torch.random.fork_rng(), FlopMeter(state, compute.device):
        with compute.autocast(), weighting.forward_pass(number) if weighting else nullcontext():
            outcome = twin(distributed.shard_views(views, len(clip)))
        if weighting is None:
            sum(term.float() for term in outcome.terms.values()).backward()
        else:
            kept = copy.deepcopy(weighting).to(compute.device)
            beside = Beside(twin, kept, augment, compute, 0, meta, 1.0)
            terms = distributed.mean_over_ranks(outcome.terms, len(clip))
            monitors = distributed.mean_over_ranks(outcome.monitors, len(clip))
            step = beside.step(number, 1e-3, terms, views, len(clip), monitors)
            kept.backward(step)
            kept.after_step(step)
    return state.flops


class FlopMeter:
    """Counts the operations of the first step of its kind only, over all processes; every ordinary step of a run costs the same.

    Args:
        state: takes the number.
        device: of the network.
        meta: whether a weighting learns at this step, which costs more.
    """

    def __init__(self, state: State, device: torch.device, meta: bool = False) -> None:
        self.state, self.device, self.field = state, device, "meta_flops" if meta else "flops"
        self.counter = None if getattr(state, self.field) else flop_counter()

    def __enter__(self) -> None:
        if self.counter:
            self.counter.__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *problem: object) -> None:
        if self.counter:
            self.counter.__exit__(*problem)  # type: ignore[no-untyped-call]
            if problem[0] is None:
                own = int(self.counter.get_total_flops())
                setattr(self.state, self.field, distributed.sum_over_ranks(own, self.device))
