"""How long a pretraining step of the tiny network takes, and how far that is above the floor.

    python benchmarks/step.py [--rounds 5]

Each round starts one process per variant, one thread each, in shuffled order: the allocator's defaults against ``KEEP_MEMORY``, and
bf16 where the CPU multiplies it. Prints medians with quartiles, the ratio to the defaults, and the share of the matrix peak that was
measured in the same process (2048^3 float32 product).
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time

STEPS = 20


def child(precision: str) -> None:
    """Time the parts of a step; prints seconds as JSON."""
    from functools import partial

    import torch

    from muybridge.augment.chain import augment
    from muybridge.backbones.r2plus1d import tiny
    from muybridge.core import seeding
    from muybridge.core.clip import Clip
    from muybridge.objectives.objective import Learner
    from muybridge.objectives.vcop import VCOP
    from muybridge.train.optim import clip_gradient, optimiser
    from muybridge.train.precision import Compute

    torch.set_num_threads(1)
    torch.manual_seed(0)
    compute = Compute(torch.device("cpu"), precision)
    backbone = tiny()
    learner = compute.place(Learner(backbone, VCOP(128)))
    optim = optimiser(learner, "adamw", 1e-3, 0.02)
    frames = torch.randint(0, 256, (16, 3, 24, 36, 36), dtype=torch.uint8)
    clip = Clip(frames, torch.zeros(16, dtype=torch.int64), [str(i) for i in range(16)])
    change = partial(augment, steps=("crop",), size=32)
    parts: dict[str, list[float]] = {"views": [], "network": [], "optimiser": []}
    for step in range(STEPS):
        a = time.perf_counter()
        views = learner.objective.views(clip, lambda x, rng: change(x, rng=rng), seeding.generator(0, step))
        b = time.perf_counter()
        with compute.autocast():
            loss = sum(learner(views).terms.values())
        optim.zero_grad()
        loss.backward()
        c = time.perf_counter()
        clip_gradient(learner.parameters(), 5.0)
        optim.step()
        d = time.perf_counter()
        for name, seconds in zip(parts, (b - a, c - b, d - c), strict=True):
            parts[name].append(seconds)
    x = torch.randn(2048, 2048)
    a = time.perf_counter()
    for _ in range(3):
        x @ x
    peak = 3 * 2 * 2048**3 / (time.perf_counter() - a)
    print(
        json.dumps({name: statistics.median(values[3:]) for name, values in parts.items()} | {"peak": peak})
    )


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", default="")
    words = parser.parse_args()
    if words.child:
        child(words.child)
        return
    from muybridge.core.processes import KEEP_MEMORY
    from muybridge.train.precision import choose

    variants = {"fp32, allocator defaults": ("fp32", {}), "fp32, KEEP_MEMORY": ("fp32", KEEP_MEMORY)}
    if choose("cpu", "auto").precision == "bf16":
        variants["bf16, KEEP_MEMORY"] = ("bf16", KEEP_MEMORY)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for _ in range(words.rounds):
        for name in random.sample(list(variants), len(variants)):
            precision, extra = variants[name]
            env = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"} | extra
            done = subprocess.run(
                [sys.executable, __file__, "--child", precision],
                env=env,
                capture_output=True,
                text=True,
                check=True,
            )
            found[name].append(json.loads(done.stdout))
    flops = 3 * 48 * 21.9e6
    base = statistics.median(_total(row) for row in found["fp32, allocator defaults"])
    print(
        f"48 clips of 8x32x32, {words.rounds} rounds, median ms [q25-q75]; about {flops / 1e9:.1f} GFLOP a step"
    )
    for name, rows in found.items():
        totals = sorted(_total(row) for row in rows)
        low, middle, high = statistics.quantiles(totals, n=4)
        parts = ", ".join(
            f"{k} {1e3 * statistics.median(r[k] for r in rows):.1f}"
            for k in ("views", "network", "optimiser")
        )
        share = flops / middle / statistics.median(row["peak"] for row in rows)
        print(
            f"{name:26} {1e3 * middle:6.1f} [{1e3 * low:.1f}-{1e3 * high:.1f}]  x{base / middle:.2f}  {parts}; {share:.0%} of the fp32 peak"
        )


def _total(row: dict[str, float]) -> float:
    return row["views"] + row["network"] + row["optimiser"]


if __name__ == "__main__":
    main()
