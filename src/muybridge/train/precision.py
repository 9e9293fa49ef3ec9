"""Device, number format and memory layout, chosen once per run."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from muybridge.core.errors import UsageError

VARIABLE = "MUYBRIDGE_PRECISION"


@dataclass(frozen=True)
class Compute:
    """Where and in what format the arithmetic is done.

    Attributes:
        device: torch device.
        precision: of the backbone, ``fp32`` or ``bf16`` (autocast; weights and optimiser stay float32). Pooled features, heads,
            similarities and what follows from them are float32 in any case (``core.networks.features``).
    """

    device: torch.device
    precision: Literal["fp32", "bf16"]

    def autocast(self) -> AbstractContextManager[object]:
        """Context of the forward pass."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def place(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, 5-d weights in channels_last_3d (1.3 to 1.4 times as fast for the tiny networks on a CPU)."""
        module.to(self.device)
        for weight in module.parameters():
            if weight.ndim == 5:  # Module.to would refuse a network that has 4-d weights too
                weight.data = weight.data.contiguous(memory_format=torch.channels_last_3d)
        return module


def choose(device: str = "auto", precision: str = "auto", gains: bool = True) -> Compute:
    """Resolve ``auto``: the first GPU if there is one; bf16 where the hardware multiplies it well (``has_bf16``) and the network gains.

    Args:
        device: as ``--device``.
        precision: as ``--precision``.
        gains: whether a CPU computes the network faster in bf16 (``backbones.gains_by_bf16``); a GPU is not asked.

    What ``auto`` means for the number format can be said for all machines by the environment variable ``MUYBRIDGE_PRECISION``.

    Raises:
        UsageError: unknown precision (of the variable, too), or a device that is not there.
    """
    if precision not in ("auto", "fp32", "bf16"):
        raise UsageError(f"--precision {precision}: wanted auto, fp32 or bf16.")
    place = torch.device(pick_device(device))
    if precision == "auto":
        gains = gains or place.type != "cpu"
        precision = os.environ.get(VARIABLE) or ("bf16" if gains and has_bf16(place) else "fp32")
        if precision not in ("fp32", "bf16"):
            raise UsageError(f"{VARIABLE}={precision}: wanted fp32 or bf16, or nothing.")
    return Compute(place, "bf16" if precision == "bf16" else "fp32")


def pick_device(device: str) -> str:
    """``auto`` to a device name; checks that a named one exists. Under torchrun every process of a machine takes its own GPU.

    Raises:
        UsageError: no such device.
    """
    if device == "auto" and not torch.cuda.is_available():
        return "cpu"
    place = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device in ("auto", "cuda") else device
    try:
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"--device {device}: not usable here ({reason}). Wanted auto, cpu, cuda, cuda:N or mps."
        ) from error
    return place


def has_bf16(device: torch.device) -> bool:
    """Whether to compute in bfloat16 where nothing is said: AMX on a CPU, compute capability 8 on a GPU.

    AVX512-BF16 alone is not enough: see ``check_training``.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and _says("_is_amx_tile_supported")


def check_training(compute: Compute) -> None:
    """Refuse to train in bfloat16 where the gradients are wrong.

    On processors with AVX512-BF16 and no AMX oneDNN 3.12 takes ``jit_bf16:avx512_core_bf16`` for the gradients of the weights of 3-d
    convolutions, which reads and writes memory that is not its own where a clip is about as long or small as the kernel (2 frames under
    3x1x1, 1 pixel under 1x7x7): infinite gradients, wrong ones, or a crash. Evaluation is right there.

    Raises:
        UsageError: such a processor.
    """
    unsound = _says("_is_avx512_bf16_supported") and not _says("_is_amx_tile_supported")
    if compute.device.type == "cpu" and compute.precision == "bf16" and unsound:
        raise UsageError(
            "--precision bf16: on this processor (AVX512-BF16 without AMX) the gradients of 3-d convolutions in bfloat16 are wrong. "
            "Train with --precision fp32; evaluation can be done in bf16."
        )


def _says(name: str) -> bool:
    """Whether torch says something of this CPU; False where this version does not know the question."""
    asked = getattr(torch.cpu, name, None)
    return bool(asked and asked())
