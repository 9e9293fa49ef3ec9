"""What `muybridge embed` costs beside the forward passes of the same batches, and how its memory grows with the videos.

    python benchmarks/embed.py [--videos 1000] [--repeats 7] [--backbone r2plus1d-tiny] [--memory 1000 10000] [--json]

Rate: a pretrained network on clips that lie in the frame cache. Floor: the forward passes alone, of the same batches held in memory. The
whole verb: read from the cache, forward passes, parts with checksums, the Parquet file; without loading the model and reading the list,
which are done before, and without calibration. Both in turns, each in seconds of the clock and of the processor time of the computing
thread (which others on a busy machine do not lengthen; clips are read in a thread of their own); ratios are those of the medians. Memory:
the whole command in a process of its own, peak of the resident set, on N names of 16 tiny videos (hard links).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import muybridge
from muybridge.config.embed_config import EmbedConfig
from muybridge.data.decode.video import write
from muybridge.embeddings.embed_material import material_of
from muybridge.embeddings.embed_request import Request, request_of
from muybridge.embeddings.embed_videos import embed_videos
from muybridge.embeddings.load_model import load_model
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.testing.models import evaluating

SOURCES = 16
PROGRAM = (
    "import sys, resource, muybridge\n"
    "muybridge.embed(sys.argv[1], sys.argv[2], out=sys.argv[3], workers=1)\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
)


def make_videos(folder: Path, number: int) -> None:
    """Names of tiny videos: noise of 24 frames of 40x40; after the first ``SOURCES`` they are hard links."""
    rng = np.random.default_rng(0)
    for place in range(number):
        path = folder / "ab"[place % 2] / f"{place:06d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        if place < SOURCES:
            write(path, rng.integers(0, 255, (24, 40, 40, 3), np.uint8), 12.0)
        else:
            os.link(folder / "ab"[place % SOURCES % 2] / f"{place % SOURCES:06d}.mp4", path)


def timed(what: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of the processor time of this thread."""
    began, spent = time.perf_counter(), time.thread_time()
    what()
    return time.perf_counter() - began, time.thread_time() - spent


def rate(backbone: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of both arms in turns."""
    run = muybridge.pretrain(
        data=folder, objective="rotnet", backbone=backbone, budget=48, out=folder.parent / "runs"
    )
    model = load_model(EmbedConfig(model=str(run.path)))
    config = EmbedConfig(
        model=str(run.path), data=(str(folder),), out=str(folder.parent / "rows.parquet"), overwrite=True
    )
    request: Request = request_of(config, model, ResolveCache())

    def no_decode(*_: object) -> None:
        """The cache is there."""

    material = material_of(config, request.dataset, model, request.compute.device, no_decode)
    batches = [
        chunk.clip.frames[start : start + material.batch]
        for chunk in material.tested.read()
        for start in range(0, len(chunk.clip), material.batch)
    ]

    def forward() -> None:
        with torch.inference_mode(), evaluating(model, request.compute):
            for frames in batches:
                model.features(frames)

    def whole() -> None:
        embed_videos(request, no_decode, lambda _: None)

    forward(), whole()
    pairs = []
    for place in range(repeats):
        if place % 2:
            floor, all_ = timed(forward), timed(whole)
        else:
            all_, floor = timed(whole), timed(forward)
        pairs.append((floor, all_))
    clips = sum(map(len, batches))
    found = {
        kind: {
            "forward": clips / statistics.median(floor[place] for floor, _ in pairs),
            "embed": clips / statistics.median(all_[place] for _, all_ in pairs),
            "best": min(floor[place] for floor, _ in pairs) / min(all_[place] for _, all_ in pairs),
            "pairs": sorted(round(floor[place] / all_[place], 3) for floor, all_ in pairs),
        }
        for place, kind in enumerate(("clock", "processor"))
    }
    facts = {
        "backbone": backbone,
        "clips": clips,
        "batch": material.batch,
        "threads": torch.get_num_threads(),
        "turns": repeats,
    }
    return {**facts, **found}


def memory(folder: Path, numbers: list[int]) -> list[dict[str, float]]:
    """Peak resident set of the whole command by the number of videos, in MB."""
    make_videos(folder / "few", SOURCES)
    run = muybridge.pretrain(data=folder / "few", objective="rotnet", budget=48, out=folder / "few-runs")
    found = []
    for number in numbers:
        videos = folder / f"videos-{number}"
        make_videos(videos, number)
        words = [sys.executable, "-c", PROGRAM, str(run.path), str(videos), str(folder / f"{number}.parquet")]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        size = (folder / f"{number}.parquet").stat().st_size
        found.append(
            {"videos": number, "peak_mb": int(done.stdout.split()[-1]) / 1024, "file_mb": size / 2**20}
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--backbone", default="r2plus1d-tiny")
    parser.add_argument("--memory", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_videos(folder / "videos", options.videos)
        speed = rate(options.backbone, folder / "videos", options.repeats) if options.repeats else {}
        grown = memory(folder, options.memory)
    if options.json:
        print(json.dumps({"rate": speed, "memory": grown}))
        return
    if speed:
        facts = [f"{name} {speed[name]}" for name in ("backbone", "clips", "batch", "threads", "turns")]
        print(", ".join(facts))
        for kind in ("clock", "processor"):
            one: dict[str, Any] = speed[kind]
            print(
                f"  by the {kind}: forward {one['forward']:.1f} clips/s, embed {one['embed']:.1f} clips/s, ratio"
                f" {one['embed'] / one['forward']:.3f}, of the best turns {one['best']:.3f}, of single pairs {one['pairs']}"
            )
    for one in grown:
        print(f"{one['videos']:,.0f} videos: peak {one['peak_mb']:.0f} MB, file {one['file_mb']:.1f} MB")


if __name__ == "__main__":
    main()
