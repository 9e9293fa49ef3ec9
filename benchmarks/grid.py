"""What a whole robustness grid costs beside its forward passes, and beside the way that decodes and perturbs anew for every cell.

    python benchmarks/grid.py [--clips 20] [--naive 1] [--model small|tiny] [--types ...] [--profile muybridge-1] [--memory 20 80]

A small R(2+1)D of width 16 on 16x112x112 clips, in bf16 where the CPU multiplies it (``tiny`` takes about as long in fp32 as that in
bf16, so it stands in for it elsewhere); videos of 320x240 made by code; one thread, process CPU time. Floor: the forward passes of all
cells plus one decode; behind every cell of the run the bare network sees a clip too, so that both see the same machine. Printed are the
median of the ratios of the clips and their quartiles. Naive: for every cell decode, perturb frame by frame (``imagecorruptions``, which
must be installed for this arm, for the types it has, under the profile ``imagenet-c``, whose constants it shares: of another profile its
radii are not those of ours; else this library, one frame at a time; temporal types and codecs clip by clip), one forward pass; its clips
are taken between those of the grid. Controls (identity, lossless) count as cells of the grid.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from muybridge.core.clip import Clip
from muybridge.data.decode import video
from muybridge.data.lists.folder import read as read_folder
from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.apply import conditions, perturb
from muybridge.stages.testing import grid as stage
from muybridge.stages.testing.clip_protocol import Protocol
from muybridge.stages.testing.grid import Grid, run_grid
from muybridge.stages.testing.labels import same
from muybridge.stages.testing.models import TestedModel, evaluating, given
from muybridge.stages.testing.tested import Direct, direct, fitting
from muybridge.train.precision import choose

PROTOCOL = Protocol(name="benchmark", frames=16, stride=4, short_side=128, crop=112)
PEER = {
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "defocus_blur",
    "motion_blur",
    "zoom_blur",
    "jpeg",
}
SOURCES = 10


def make_videos(folder: Path, number: int) -> None:
    """Videos of 96 frames: photos of scikit-image drifting under a patch; after the first ``SOURCES`` they repeat."""
    from skimage import data

    photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    for i in range(number):
        path = folder / "ab"[i % 2] / f"{i:04d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        if i >= SOURCES:
            path.write_bytes((folder / "ab"[i % 2] / f"{i % SOURCES:04d}.mp4").read_bytes())
            continue
        photo = np.tile(photos[i % 4], (2, 2, 1))
        frames = [photo[t : t + 240, 2 * t + i : 2 * t + i + 320] for t in range(96)]
        video.write(path, np.stack(frames), 30.0, gop=250, crf=23)


def model_of(name: str) -> nn.Module:
    """``small``: R(2+1)D of width 16 with its head, 0.9 M weights. ``tiny``: a plain one without residuals."""
    from muybridge.backbones.networks.r2plus1d import R2Plus1D, tiny
    from muybridge.core.networks.features import Classifier

    torch.manual_seed(0)
    backbone = tiny() if name == "tiny" else R2Plus1D((16, 16, 32, 64, 128))
    return Classifier(backbone, backbone.dim, 2)


class Clock:
    """CPU seconds by what they were spent on."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time added under a name."""

        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent[name] = self.spent.get(name, 0.0) + time.process_time() - began

        return call


def inline(tested: Direct, clock: Clock, pause: Callable[[int], None]) -> Any:
    """The clips decoded in this thread, so that their time is told apart; ``pause`` is called between them."""

    class Inline:
        videos, chunks = tested.videos, tested.chunks

        @staticmethod
        def read(start: int = 0, every: int = 1) -> Iterator[Any]:
            for place in range(start, tested.chunks, every):
                one = Direct(tested.records[place : place + 1], _part(tested, place), tested.protocol)
                yield clock.timed("decode", lambda one=one: next(one.read()))()
                pause(place)

    return Inline()


def _part(tested: Direct, place: int) -> Any:
    planned, some = tested.planned, slice(place, place + 1)
    sliced = {name: getattr(planned, name)[some] for name in ("files", "frames", "fps", "times", "traits")}
    return replace(planned, **sliced)


def whole_grid(tested: Direct, cells: list[Any], words: Any, folder: Path) -> list[dict[str, float]]:
    """CPU seconds of every clip: ``total`` of the grid, its parts, ``floor``, and ``naive`` where asked for."""
    compute = choose("cpu")
    subject, batch = given(model_of(words.model)), fitting(PROTOCOL, torch.device("cpu"))
    ready: Any = torch.randint(0, 256, (batch, 3, 16, 112, 112), dtype=torch.uint8).float() / 255
    clock, floor, found = Clock(), Clock(), list[dict[str, float]]()

    def forward(*args: Any) -> Any:
        scores = clock.timed("forward", subject.logits)(*args)
        with torch.inference_mode(), compute.autocast():
            floor.timed("floor", subject.call)(ready)
        return scores

    def pause(place: int) -> None:
        total = time.process_time() - began - floor.spent["floor"]
        row = clock.spent | {"total": total, "floor": floor.spent["floor"] + clock.spent["decode"]}
        if place < words.naive:
            row["naive"] = naive(tested, cells, words, place)
        found.append(row)
        clock.spent, floor.spent = {}, {}
        start()

    def start() -> None:
        nonlocal began
        began = time.process_time()

    timed = TestedModel(subject.name, subject.call, None, subject.key)
    object.__setattr__(timed, "logits", forward)
    one = Grid(cells, "benchmark", batch, words.profile)
    object.__setattr__(one, "perturbed", clock.timed("perturb", one.perturbed))
    with evaluating(subject.call, compute), torch.inference_mode(), compute.autocast():
        subject.call(ready)
    began = time.process_time()
    run_grid(one, timed, same(("a", "b")), inline(tested, clock, pause), compute, folder, None)
    return found


def naive(tested: Direct, cells: list[Any], words: Any, place: int) -> float:
    """CPU seconds of a clip: decode, perturb frame by frame, predict, for every cell."""
    compute, subject = choose("cpu"), given(model_of(words.model))
    began = time.process_time()
    with evaluating(subject.call, compute):
        for cell in cells:
            one = Direct(tested.records[place : place + 1], _part(tested, place), PROTOCOL)
            clip = next(one.read()).clip
            subject.logits(by_frame(clip, cell, words.profile).frames, 2, compute)
    return time.process_time() - began


def by_peer(profile: str) -> bool:
    """Whether the naive arm perturbs by the peer."""
    return imagecorruptions is not None and profile == "imagenet-c"


def by_frame(clip: Clip, cell: tuple[str, int], profile: str) -> Clip:
    """A clip under one cell, frame by frame as image corruptions are."""
    name, severity = cell
    if name in PEER and by_peer(profile):
        peer = "jpeg_compression" if name == "jpeg" else name
        frames = [
            imagecorruptions.corrupt(f, severity, peer) for f in clip.frames[0].permute(1, 2, 3, 0).numpy()
        ]
        return Clip(
            torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)[None].contiguous(), clip.label, clip.video
        )
    category = PERTURBATIONS[name].facts["category"] if name in PERTURBATIONS else "control"
    whole = name in ("mpeg2", "mpeg4") or category in ("control", "temporal")
    parts = [clip.frames] if whole else list(clip.frames.split(1, dim=2))
    changed = [
        perturb(
            Clip(part, clip.label, clip.video), *cell, profile=profile, dataset="benchmark", views=[0]
        ).frames
        for part in parts
    ]
    return Clip(torch.cat(changed, dim=2), clip.label, clip.video)


try:
    import imagecorruptions
except ImportError:
    imagecorruptions = None


def resident(clips: int) -> float:
    """Largest resident memory, MB, of a process that measures 400 classes under 20 cells on so many clips."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(clips)], capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout)["rss"])


def child(clips: int) -> None:
    """Measure a model that costs nothing; prints the memory it took."""

    def scores(frames: torch.Tensor) -> torch.Tensor:
        return frames.mean((2, 3, 4)).repeat(1, 134)[:, :400]

    with tempfile.TemporaryDirectory() as folder:
        make_videos(Path(folder) / "videos", clips)
        dataset = read_folder(Path(folder) / "videos")
        tested, _ = direct(dataset.records, PROTOCOL, 1, 1, False)
        cells = conditions("muybridge-1", ("gaussian_noise", "jpeg", "reversal", "freezing"))
        parts = run_grid(
            Grid(cells, "benchmark", 1), given(scores, "free"), same([str(i) for i in range(400)]), tested,
            choose("cpu", "fp32"), Path(folder) / "state", None,
        )  # fmt: skip
        parts.join({}, Path(folder) / "rows.parquet")
        print(json.dumps({"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> None:
    """Run the arms and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--naive", type=int, default=1)  # clips
    parser.add_argument("--model", choices=("small", "tiny"), default="small")
    parser.add_argument("--profile", default="muybridge-1")
    parser.add_argument("--types", nargs="*", default=())
    parser.add_argument("--memory", type=int, nargs="*", default=(20, 80))
    parser.add_argument("--child", type=int, default=0)
    words = parser.parse_args()
    torch.set_num_threads(1)
    if words.child:
        child(words.child)
        return
    clean, *rest = conditions(words.profile, tuple(words.types))
    cells = [clean, ("identity", 0), *rest]
    with tempfile.TemporaryDirectory() as folder:
        make_videos(Path(folder) / "videos", words.clips)
        tested, _ = direct(read_folder(Path(folder) / "videos").records, PROTOCOL, 1, 1, False)
        stage.perturb(next(tested.read()).clip, *cells[-1], profile=words.profile, dataset="", views=[0])
        rows = whole_grid(tested, cells, words, Path(folder) / "state")
    print(
        f"{words.clips} clips of 16x112x112, {len(cells)} cells, {words.model}, {choose('cpu').precision}, CPU seconds a clip"
    )
    floor = statistics.median(row["floor"] for row in rows)
    print(f"forward of all cells + one decode  {floor:6.2f}")
    how = "imagecorruptions" if by_peer(words.profile) else "this library, one frame at a time"
    for name, told in (("total", "whole grid"), ("naive", f"decode, perturb, forward a cell ({how})")):
        ratios = [row[name] / row["floor"] for row in rows if name in row]
        if ratios:
            seconds = statistics.median(row[name] for row in rows if name in row)
            low, high = np.quantile(ratios, (0.25, 0.75))
            print(
                f"{told}  {seconds:6.2f}  x{statistics.median(ratios):.2f} [{low:.2f}-{high:.2f}] of {len(ratios)} clips"
            )
    parts = {name: sum(row[name] for row in rows) for name in ("decode", "perturb", "forward", "total")}
    print(
        "  of the grid "
        + ", ".join(f"{name} {parts[name] / parts['total']:.1%}" for name in ("decode", "perturb", "forward"))
    )
    for clips in words.memory:
        print(f"largest resident memory, {clips} clips x 21 cells x 400 classes: {resident(clips):.0f} MB")


if __name__ == "__main__":
    main()
