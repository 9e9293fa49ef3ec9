"""Philox 4x64-10 in integer tensor operations: the words of ``numpy.random.Philox`` on any device.

Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011, section 3.3. Tensors have no unsigned 64-bit arithmetic; int64 wraps
in two's complement, which gives the same low bits, and the high half of a product is put together from 32-bit halves.
"""

import numpy as np
import torch
from jaxtyping import Int16, Int64, UInt64
from torch import Tensor

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10
LOW = 0xFFFFFFFF


def words(keys: UInt64[np.ndarray, "b 2"], count: int, device: torch.device) -> Int16[Tensor, "b count"]:
    """The first ``count`` 16-bit words of the stream of every key, on a device."""
    blocks = -(-count // 16)
    counter = torch.arange(1, blocks + 1, device=device).expand(len(keys), blocks)
    key = torch.from_numpy(keys.astype(np.uint64).view(np.int64)).to(device)
    block = torch.stack(rounds(counter, key[:, :1], key[:, 1:]), dim=-1)
    return block.view(torch.int16).flatten(1)[:, :count]


def rounds(
    counter: Int64[Tensor, "b n"], key0: Int64[Tensor, "b 1"], key1: Int64[Tensor, "b 1"]
) -> tuple[Int64[Tensor, "b n"], ...]:
    """The four words of every block; the counter is its lowest word, the others are 0."""
    zero = torch.zeros_like(counter)
    block: tuple[Tensor, ...] = (counter, zero, zero, zero)
    for _ in range(ROUNDS):
        high0, low0 = product(block[0], MULTIPLIERS[0])
        high1, low1 = product(block[2], MULTIPLIERS[1])
        block = (high1 ^ block[1] ^ key0, low1, high0 ^ block[3] ^ key1, low0)
        key0, key1 = key0 + signed(WEYL[0]), key1 + signed(WEYL[1])
    return block


def product(a: Int64[Tensor, "b n"], b: int) -> tuple[Int64[Tensor, "b n"], Int64[Tensor, "b n"]]:
    """High and low 64 bits of the unsigned product of a tensor and a constant."""
    a0, a1, b0, b1 = a & LOW, shifted(a), b & LOW, b >> 32
    middle = shifted(a0 * b0) + (a1 * b0 & LOW) + (a0 * b1 & LOW)
    high = a1 * b1 + shifted(a1 * b0) + shifted(a0 * b1) + shifted(middle)
    return high, a * signed(b)


def shifted(a: Int64[Tensor, "b n"]) -> Int64[Tensor, "b n"]:
    """The upper 32 bits, as an unsigned number."""
    return (a >> 32) & LOW


def signed(a: int) -> int:
    """The 64-bit two's complement number with the bits of an unsigned one."""
    return a - (1 << 64) if a >> 63 else a
