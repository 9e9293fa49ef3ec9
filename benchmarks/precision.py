"""Which networks does a CPU compute faster in bfloat16? A training step and an evaluation in both formats, side by side.

``python benchmarks/precision.py [NAME ...] [--rounds N]`` prints, for every backbone that is built here, the processor time in float32 over
that in bfloat16: above 1 bfloat16 is faster. One thread; formats in turn, medians; tiny networks on 8 clips of 8x32x32, others on one of
16x112x112. The fact ``bf16`` of the catalogue, by which ``--precision auto`` goes, is False where either is clearly below 1.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import nullcontext
from statistics import median

import torch

from muybridge.backbones import BACKBONES, build


def steps(name: str, rounds: int) -> tuple[float, float, float]:
    """Ratios of training step and evaluation, and milliseconds of a step in float32."""
    network = build(name)
    clips = torch.rand(8, 3, 8, 32, 32) if name.endswith("-tiny") else torch.rand(1, 3, 16, 112, 112)

    def train() -> None:
        network.train()
        network(clips).pooled.float().sum().backward()

    def answer() -> None:
        network.eval()
        with torch.inference_mode():
            network(clips)

    ratios: dict[Callable[[], None], list[float]] = {train: [], answer: []}
    cost = []
    for turn in range(rounds + 1):
        for work, found in ratios.items():
            seconds = [_seconds(work, bf16) for bf16 in (False, True)]
            if turn:  # the first makes kernels
                found.append(seconds[0] / seconds[1])
                cost.append(seconds[0] if work is train else cost[-1])
    return median(ratios[train]), median(ratios[answer]), 1e3 * median(cost)


def _seconds(work: Callable[[], None], bf16: bool) -> float:
    began = time.process_time()
    with torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext():
        work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[name for name in BACKBONES if ":" not in name])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name in asked.names:
        train, answer, cost = steps(name, asked.rounds)
        print(
            f"{name:20} training {train:5.2f}  evaluation {answer:5.2f}  (float32 step {cost:.0f} ms)",
            flush=True,
        )


if __name__ == "__main__":
    main()
