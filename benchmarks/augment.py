"""Augmentation: whole batches in a few passes against torchvision v2 clip by clip, side by side in one run.

Run ``python benchmarks/augment.py [ROUNDS]`` where torchvision is installed. Processor time of one thread, variants interleaved in shuffled
order, medians. Eight clips of 3x16x112x112; torchvision gets floats, as its documentation advises, and ours gets bytes and gives bytes.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torchvision.transforms import InterpolationMode, v2

from muybridge.augment.chain import CHAINS, augment
from muybridge.augment.steps import Blur, Flip, Gamma, Gray, Jitter, ResizedCrop, Rotate, Solarise

CLIPS, FRAMES, SIZE = 8, 16, 112
FULL = "resized crop, flip, jitter with hue, gray, blur"
STRENGTH = (0.4, 0.4, 0.4, 0.1)

OURS = {
    FULL: (ResizedCrop((0.3, 1), (0.5, 2)), Flip(), Jitter(*STRENGTH), Gray(0.2), Blur((0.1, 2), p=1.0)),
    "resized crop": (ResizedCrop((0.3, 1), (0.5, 2)),),
    "rotation, bilinear": (Rotate(10),),
    "flip": (Flip(),),
    "jitter": (Jitter(*STRENGTH),),
    "gray": (Gray(0.2),),
    "blur": (Blur((0.1, 2), p=1.0),),
    "gamma": (Gamma((0.7, 1.5), p=1.0),),
    "solarise": (Solarise(0.5, p=1.0),),
}


def torchvision() -> dict[str, v2.Transform]:
    """The same steps."""
    single: dict[str, v2.Transform] = {
        "resized crop": v2.RandomResizedCrop(SIZE, (0.3, 1), (0.5, 2)),
        "rotation, bilinear": v2.RandomRotation(10, interpolation=InterpolationMode.BILINEAR),
        "flip": v2.RandomHorizontalFlip(),
        "jitter": v2.ColorJitter(*STRENGTH),
        "gray": v2.RandomGrayscale(0.2),
        "blur": v2.GaussianBlur(SIZE // 10 | 1, (0.1, 2)),
        "gamma": v2.Lambda(lambda clip: v2.functional.adjust_gamma(clip, random.uniform(0.7, 1.5))),
        "solarise": v2.RandomSolarize(0.5, p=1.0),
    }
    full = [single[name] for name in ("resized crop", "flip", "jitter", "gray", "blur")]
    return {FULL: v2.Compose(full), **single}


def measure(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of processor time; the first round warms up."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name in random.sample(sorted(work), len(work)):
            start = time.process_time()
            work[name]()
            taken[name].append(time.process_time() - start)
    return {name: 1e3 * statistics.median(times[1:]) for name, times in taken.items()}


def main(rounds: int = 9) -> None:
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (CLIPS, 3, FRAMES, SIZE, SIZE), generator=rng, dtype=torch.uint8)
    floats = [(clip.transpose(0, 1) / 255).contiguous() for clip in frames]
    CHAINS.update(OURS)
    work: dict[str, Callable[[], object]] = {}
    for name, change in torchvision().items():
        work[f"torchvision {name}"] = lambda change=change: [change(clip) for clip in floats]
        work[f"muybridge {name}"] = lambda name=name: augment(frames, (name,), SIZE, rng)
    found = measure(work, rounds)
    print(f"{CLIPS} clips of 3x{FRAMES}x{SIZE}x{SIZE}, {rounds} rounds, one thread, ms of processor time")
    print(f"{'':50}{'torchvision':>12}{'muybridge':>11}{'ratio':>7}{'clips/s':>9}")
    for name in OURS:
        theirs, ours = found[f"torchvision {name}"], found[f"muybridge {name}"]
        print(f"{name:50}{theirs:12.1f}{ours:11.1f}{theirs / ours:7.1f}{1e3 * CLIPS / ours:9.0f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
