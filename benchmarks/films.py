"""Films for the decoding benchmarks, and a stopwatch that other work on the machine does not disturb much."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from skimage import data, transform

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")
FPS = 30
Work = Mapping[str, Callable[[Any], object]]


def make(path: Path, seed: int, height: int, width: int, frames: int = 300, gop: int = 250) -> Path:
    """A pan over a photo with a moving patch and noise, as x264 writes it by default: B-frames and, at first, one key frame."""
    rng = np.random.default_rng(seed)
    scene = picture(PHOTOS[seed % 4], height + 80, width + 300)
    patch = picture(PHOTOS[(seed + 1) % 4], height // 5, height // 5)
    grain = rng.normal(0, 2, (8, height, width, 1)).astype(np.float32)
    phase = rng.uniform(0, 6, 4)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.thread_count = gop, 1
        for i in range(frames):
            wave = 0.5 + 0.5 * np.sin(i / np.array([40, 60, 17, 23]) + phase)
            top, left, down, right = (wave * (80, 300, height * 0.8, width - height / 5)).astype(int)
            image = scene[top : top + height, left : left + width] + grain[i % 8]
            image[down : down + len(patch), right : right + len(patch)] = patch
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(image.clip(0, 255).astype(np.uint8), "rgb24"))
            )
        container.mux(stream.encode(None))
    return path


def picture(name: str, height: int, width: int) -> np.ndarray:
    """A photo of scikit-image at a size, float32 ``h w 3``."""
    photo = getattr(data, name)()
    return transform.resize(photo, (height, width), preserve_range=True, anti_aliasing=True).astype(
        np.float32
    )


def measure(work: Work, items: Sequence[Any], rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds of processor time that every variant needs for an item, one mean for each round; item by item in shuffled order."""
    taken = {name: np.zeros(rounds) for name in work}
    for one in work.values():
        one(items[0])
    for i in range(rounds):
        for item in items:
            for name in random.sample(sorted(work), len(work)):
                start = time.process_time()
                work[name](item)
                taken[name][i] += 1000 * (time.process_time() - start) / len(items)
    return taken


def report(title: str, work: Work, items: Sequence[Any], rounds: int) -> dict[str, float]:
    """Print median, quartiles and best, and how many times faster than the first variant; returns the medians."""
    times = measure(work, items, rounds)
    medians = {name: float(np.median(taken)) for name, taken in times.items()}
    first = next(iter(times))
    print(
        f"\n{title}\n{'CPU ms an item':34}{'median':>8}{'q25-q75':>16}{'best':>8}{'ratio':>7}{'of best':>9}"
    )
    for name, taken in times.items():
        low, high = np.quantile(taken, [0.25, 0.75])
        ratios = medians[first] / medians[name], times[first].min() / taken.min()
        spread = f"{low:.1f}-{high:.1f}"
        print(f"{name:34}{medians[name]:8.1f}{spread:>16}{taken.min():8.1f}{ratios[0]:7.2f}{ratios[1]:9.2f}")
    return medians
