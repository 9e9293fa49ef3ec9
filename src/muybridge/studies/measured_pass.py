"""What one clip costs a network on this machine, measured in a moment: time of a forward pass, and memory that its gradient keeps."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

import torch

from muybridge.backbones import build, gains_by_bf16
from muybridge.train.precision import choose
from muybridge.train.threads import computing

CLIPS = 2
"""Clips of a batch: enough for the kernels that larger batches take, few enough for large networks."""
PASSES = range(3, 100)
"""Fewest and most passes of which the median is taken. A small network's pass lasts as long as a glance of the system at other work: three
of them were seen fifty times too long."""
SHORTEST = 0.3
"""Seconds before which further passes are measured."""
LONGEST = 20.0
"""Seconds behind which no further pass is measured."""
COPIES = 4
"""Copies of the parameters that training holds: values, gradients and two moments of AdamW."""


@dataclass(frozen=True)
class Pass:
    """What one clip costs.

    Attributes:
        seconds: of a forward pass without gradient, median, on one thread of a CPU or on the GPU.
        kept: bytes of activations that the gradient of one clip needs.
        parameters: bytes of the network's parameters.
    """

    seconds: float
    kept: int
    parameters: int

    def memory(self, batch: int) -> int:
        """Bytes that a training step with that many clips takes for network and activations; frames, views and libraries come on top."""
        return COPIES * self.parameters + batch * self.kept


@lru_cache(maxsize=64)
def measure_pass(backbone: str, frames: int, crop: int, device: str, precision: str) -> Pass:
    """Time and memory of one clip, of a network with random weights.

    Args:
        backbone: a name of the catalogue.
        frames: of the clip.
        crop: its height and width, pixels.
        device: as ``--device``.
        precision: as ``--precision``.
    """
    compute = choose(device, precision, gains_by_bf16(backbone))
    with torch.random.fork_rng(devices=[]), computing(1):
        network = compute.place(build(backbone)).eval()
        clip = torch.rand(CLIPS, 3, frames, crop, crop, device=compute.device)
        kept = _kept(network, clip, compute.autocast)
        began, times = time.monotonic(), list[float]()
        with torch.inference_mode(), compute.autocast():
            while len(times) < PASSES.start + 1 or (
                time.monotonic() - began < SHORTEST and len(times) < PASSES.stop
            ):
                start = time.monotonic()
                network(clip)
                if compute.device.type == "cuda":
                    torch.cuda.synchronize()
                times.append(time.monotonic() - start)
                if time.monotonic() - began > LONGEST:
                    break
    parameters = sum(one.numel() * one.element_size() for one in network.parameters())
    return Pass(median(times[1:] or times) / CLIPS, kept // CLIPS, parameters)


def _kept(
    network: torch.nn.Module, clip: torch.Tensor, autocast: Callable[[], AbstractContextManager[object]]
) -> int:
    """Bytes that autograd saves for the backward pass of a batch, each stretch of memory counted once; parameters are not."""
    own = {one.untyped_storage().data_ptr() for one in (*network.parameters(), *network.buffers())}
    seen: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor), autocast():
        kept = network(clip)  # held, so that no address is given twice
    del kept
    return sum(seen.values())
