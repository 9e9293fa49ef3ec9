"""What exact reading costs: strided clips against plain PyAV, ten clips in one pass against ten calls.

Run ``python benchmarks/decode.py``. Processor time of one thread, variants interleaved in shuffled order; the
ratio is that of the medians: how many times faster than the first row of its group a row is.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from muybridge.data import video

FRAMES, HEIGHT, WIDTH, GOP, FPS = 300, 240, 320, 250, 30
SMALL = (128, 170)
CLIP = np.arange(16) * 4


def make(path: Path, seed: int) -> None:
    """A panning noise photo with a moving patch, as x264 writes it by default."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (20, 40, 3)).astype(np.float32)
    scene = np.kron(coarse, np.ones((16, 16, 1), np.float32))
    for axis in (0, 1):
        scene = sum(np.roll(scene, shift, axis) for shift in range(-8, 9)) / 17
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.codec_context.gop_size = GOP
        for i in range(FRAMES):
            image = scene[20 : 20 + HEIGHT, i : i + WIDTH] + rng.normal(0, 4, (HEIGHT, WIDTH, 1))
            image[100:140, (3 * i) % 280 : (3 * i) % 280 + 40] = 255 - 2 * (i % 100)
            frame = av.VideoFrame.from_ndarray(image.clip(0, 255).astype(np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def plain(path: Path, frames: np.ndarray, **size: int) -> np.ndarray:
    """The way of the PyAV cookbook, made exact for a constant rate: seek, decode, ``to_ndarray``."""
    wanted, found = set(frames.tolist()), {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count, stream.thread_type = 1, "NONE"
        tick = Fraction(1, FPS) / stream.time_base
        container.seek(int(min(wanted) * tick), stream=stream)
        for frame in container.decode(stream):
            index = round(frame.pts / tick)
            if index in wanted:
                found[index] = frame.to_ndarray(format="rgb24", **size)
            if index >= max(wanted):
                break
    return np.stack([found[i] for i in frames.tolist()])


def quartiles(seconds: list[float]) -> tuple[float, float, float]:
    low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75]) * 1000
    return low, middle, high


def measure(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float, float]]:
    """Milliseconds of processor time: q25, median and q75 of every variant."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name in random.sample(sorted(work), len(work)):
            start = time.process_time()
            work[name]()
            taken[name].append(time.process_time() - start)
    return {name: quartiles(times) for name, times in taken.items()}


def report(title: str, work: dict[str, Callable[[], object]], rounds: int) -> None:
    results = measure(work, rounds)
    base = next(iter(results.values()))[1]
    print(f"\n{title}\n{'':44}{'ms':>8}  {'q25-q75':>15}  {'ratio':>6}")
    for name, (low, middle, high) in results.items():
        print(f"{name:44}{middle:8.1f}  {f'{low:.1f}-{high:.1f}':>15}  {base / middle:6.2f}")


def main(rounds: int = 7) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        make(path, 0)
        height, width = SMALL
        size = {"height": height, "width": width}
        starts = np.linspace(0, FRAMES - 1 - CLIP[-1], 10).astype(int)
        clips = starts[:, None] + CLIP
        for clip in clips:
            assert np.array_equal(plain(path, clip), video.read(path, clip))
        print(f"H.264 {WIDTH} x {HEIGHT}, {FRAMES} frames, GOP {GOP}, {rounds} rounds")
        for name, scale in (("native size", {}), (f"{height} x {width}", size)):
            squash = {"fit": "squash"} if scale else {}
            report(
                f"ten strided clips of 16 x 4, evenly spread, {name}",
                {
                    "PyAV, seek and to_ndarray": lambda s=scale: [plain(path, clip, **s) for clip in clips],
                    "muybridge, ten calls": lambda s=scale | squash: [
                        video.read(path, clip, **s) for clip in clips
                    ],
                    "muybridge, one pass": lambda s=scale | squash: video.read(path, clips, **s),
                },
                rounds,
            )
        report(
            f"all frames, {height} x {width}",
            {
                "PyAV, to_ndarray": lambda: plain(path, np.arange(FRAMES), **size),
                "muybridge, read_all": lambda: video.read_all(path, **size, fit="squash"),
                "muybridge, probe only": lambda: video.probe(path),
            },
            rounds,
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
