"""How long a pretraining step of the tiny network takes: our loop against a plain one, allocator, bf16, and waiting for data.

    python benchmarks/step.py [--rounds 5]

Each round starts one process per variant, one thread each, in shuffled order. A plain loop is what one would write by hand for the same
network, loss, crop, clipping and optimiser. Prints CPU milliseconds of a step (median of the rounds' medians, quartiles), the ratios that
matter, and the share of the matrix peak measured in the same process (2048^3 float32 product). The last line is the share of its time
that a real run waits for batches from the decoded cache.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

STEPS, WARM, BATCH = 16, 4, 48
CLIPS = {"rotnet": (1, 8), "vcop": (3, 24), "rspnet": (3, 32)}
"""Clips encoded per video, and frames read."""
QUEUE, MOMENTUM, HEAT, MARGIN = 512, 0.99, 0.07, 2.0


def pixels(objective: str) -> Any:
    """A batch of noise: uint8 ``b 3 t 36 36``."""
    import torch

    clips, frames = CLIPS[objective]
    return torch.randint(0, 256, (BATCH // clips, 3, frames, 36, 36), dtype=torch.uint8)


def ours(objective: str, precision: str) -> list[float]:
    """CPU seconds of each step of ``fit``."""
    from functools import partial

    import torch

    from muybridge.augment.chain import augment
    from muybridge.backbones.networks.r2plus1d import tiny
    from muybridge.core.clip import Clip
    from muybridge.objectives import OBJECTIVES
    from muybridge.objectives.objective import Learner
    from muybridge.train.loop import Recipe, fit
    from muybridge.train.precision import Compute
    from muybridge.weighting.fixed import Fixed

    frames = pixels(objective)
    clip = Clip(frames, torch.zeros(len(frames), dtype=torch.int64), tuple(map(str, range(len(frames)))))
    entry = OBJECTIVES[objective]
    learner = Learner(tiny(), entry.load()(128, **entry.facts.get("tiny", {})))
    crop = partial(augment, steps=("crop",), size=32)
    stamps = [time.process_time()]
    with tempfile.TemporaryDirectory() as folder:
        fit(
            learner, Fixed(), lambda start, stop: (clip for _ in range(start, stop)),
            lambda x, rng, view=0: crop(x, rng=rng), Recipe(STEPS, 2e-3, 0.02),
            Compute(torch.device("cpu"), precision), seed=0, folder=Path(folder),
            report=lambda *_: stamps.append(time.process_time()),
        )  # fmt: skip
    return [b - a for a, b in pairwise(stamps)]


def by_hand(objective: str, precision: str) -> list[float]:
    """CPU seconds of each step of a plain loop; float32."""
    import torch
    from torch import nn

    from muybridge.backbones.networks.r2plus1d import tiny
    from muybridge.train.precision import Compute

    network = nn.ModuleList([tiny(), nn.Linear(128, 4) if objective == "rotnet" else nn.Identity()])
    loss_of = rotnet(network) if objective == "rotnet" else rspnet(network)
    Compute(torch.device("cpu"), "fp32").place(network).train()
    optim = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.02)
    frames, stamps = pixels(objective), [time.process_time()]
    for _ in range(STEPS):
        loss, after = loss_of(frames)
        optim.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optim.step()
        after()
        stamps.append(time.process_time())
    return [b - a for a, b in pairwise(stamps)]


def crops(frames: Any) -> Any:
    """A random window of 32 pixels of each clip, in [0, 1]."""
    import torch

    corners = torch.randint(5, (len(frames), 2)).tolist()
    cut = [clip[..., y : y + 32, x : x + 32] for clip, (y, x) in zip(frames, corners, strict=True)]
    return torch.stack(cut).float() / 255


def rotnet(network: Any) -> Callable[[Any], Any]:
    """Loss of RotNet on a batch, and nothing to do after the step."""
    import torch
    from torch.nn import functional as F

    def loss_of(frames: Any) -> Any:
        target = torch.randint(4, (len(frames),))
        turned = [torch.rot90(x, k, (-2, -1)) for x, k in zip(crops(frames), target.tolist(), strict=True)]
        logits = network[1](F.dropout(network[0](torch.stack(turned)).pooled, 0.5))
        return F.cross_entropy(logits, target), lambda: None

    return loss_of


def rspnet(network: Any) -> Callable[[Any], Any]:
    """Loss of RSPNet on a batch, and what follows the step: the momentum copy and the queue."""
    from copy import deepcopy

    import torch
    from torch import nn
    from torch.nn import functional as F

    heads = nn.ModuleList(nn.Sequential(nn.Linear(128, 128), nn.BatchNorm1d(128)) for _ in range(2))
    network[1] = heads
    slow = deepcopy(network).requires_grad_(False)
    queue = F.normalize(torch.randn(QUEUE, 128), dim=1)

    def embed(model: Any, x: Any) -> list[Any]:
        pooled = model[0](x).pooled
        return [F.normalize(head(pooled), dim=1) for head in model[1]]

    def keys(x: Any) -> list[Any]:
        order = torch.randperm(len(x))
        with torch.no_grad():
            parts = [embed(slow, part) for part in x[order].chunk(2)]
        return [torch.cat(both)[order.argsort()] for both in zip(*parts, strict=True)]

    def loss_of(frames: Any) -> Any:
        one, two = (crops(window) for window in frames.chunk(2, dim=2))
        fast = (torch.randperm(len(frames)) < len(frames) // 2).view(-1, 1, 1, 1, 1)
        speeds = [(x[:, :, :8].contiguous(), x[:, :, ::2].contiguous()) for x in (one, two)]
        query = torch.where(fast, speeds[0][1], speeds[0][0])
        same, other = (torch.where(f, speeds[1][1], speeds[1][0]) for f in (fast, ~fast))
        look, move = embed(network, query)
        (look_same, move_same), (look_other, move_other) = keys(same), keys(other)
        target = torch.zeros(len(look), dtype=torch.int64)
        loss = 0
        for key in (look_same, look_other):
            logits = torch.cat([(look * key).sum(1, keepdim=True), look @ queue.T], 1) / HEAT
            loss = loss + F.cross_entropy(logits, target)
        ahead = ((move * move_same).sum(1) - (move * move_other).sum(1)) / HEAT
        loss = loss + F.relu(MARGIN - ahead).mean()

        def after() -> None:
            with torch.no_grad():
                for copy, source in zip(slow.parameters(), network.parameters(), strict=True):
                    copy.lerp_(source, 1 - MOMENTUM)
            queue[: len(look)] = look_other

        return loss, after

    return loss_of


def child(loop: str, objective: str, precision: str) -> None:
    """Time the steps of a loop; prints seconds and operations a second of the matrix product as JSON."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = {"ours": ours, "plain": by_hand}[loop](objective, precision)
    x = torch.randn(2048, 2048)
    began = time.process_time()
    for _ in range(3):
        x @ x
    peak = 3 * 2 * 2048**3 / (time.process_time() - began)
    print(json.dumps({"step": statistics.median(steps[WARM:]), "peak": peak}))


def waiting() -> str:
    """Share of its time that a run on the embedded data waits for batches."""
    import muybridge

    with tempfile.TemporaryDirectory() as out:
        run = muybridge.pretrain(
            data="builtin-motions",
            objective="rotnet",
            stride=3,
            budget=60 * BATCH,
            limit=480,
            workers=1,
            out=out,
        )
        spent = run.result["budget"]
    return f"rotnet on builtin-motions: waits for batches {spent['waiting'] / spent['seconds']:.1%} of the time, 1 thread decodes"


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs=3)
    words = parser.parse_args()
    if words.child:
        child(*words.child)
        return
    from muybridge.core.machine.processes import KEEP_MEMORY
    from muybridge.train.precision import choose

    variants: dict[str, tuple[list[str], dict[str, str]]] = {
        f"{task}, {loop}": ([loop, task, "fp32"], KEEP_MEMORY)
        for task in ("rotnet", "rspnet")
        for loop in ("ours", "plain")
    }
    variants["vcop, ours"] = (["ours", "vcop", "fp32"], KEEP_MEMORY)
    variants["vcop, allocator defaults"] = (["ours", "vcop", "fp32"], {})
    half = choose("cpu", "auto").precision == "bf16"
    if half:
        variants["vcop, bf16"] = (["ours", "vcop", "bf16"], KEEP_MEMORY)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for _ in range(words.rounds):
        for name in random.sample(list(variants), len(variants)):
            found[name].append(measured(*variants[name]))
    table(found, words.rounds)
    if not half:
        print("bf16: this CPU does not multiply it")
    print(waiting())


def measured(arguments: list[str], extra: dict[str, str]) -> dict[str, float]:
    """One process of a variant."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"} | extra
    words = [sys.executable, __file__, "--child", *arguments]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout)
    return row


def table(found: dict[str, list[dict[str, float]]], rounds: int) -> None:
    """Milliseconds of every variant, and what the loops cost against each other."""
    middle = {name: statistics.median(row["step"] for row in rows) for name, rows in found.items()}
    print(f"{BATCH} clips of 8x32x32 a step, {rounds} rounds, median CPU ms [q25-q75]")
    for name, rows in found.items():
        low, _, high = statistics.quantiles(sorted(row["step"] for row in rows), n=4)
        print(f"{name:26} {1e3 * middle[name]:6.1f} [{1e3 * low:.1f}-{1e3 * high:.1f}]")
    for task in ("rotnet", "rspnet"):
        print(
            f"{task}: our loop is x{middle[f'{task}, plain'] / middle[f'{task}, ours']:.3f} as fast as a plain one"
        )
    for name in ("vcop, allocator defaults", "vcop, bf16"):
        if name in middle:
            print(f"KEEP_MEMORY, fp32 is x{middle[name] / middle['vcop, ours']:.2f} as fast as {name}")
    peak = statistics.median(row["peak"] for row in found["vcop, ours"])
    flops = 3 * BATCH * 21.9e6
    print(f"vcop: {flops / 1e9:.1f} GFLOP a step, {flops / middle['vcop, ours'] / peak:.0%} of the fp32 peak")


if __name__ == "__main__":
    main()
