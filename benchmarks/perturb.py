"""Perturbations against imagecorruptions, one frame at a time: CPU time per clip, and the difference where nothing is random.

    pip install imagecorruptions-imaug      # a fork of imagecorruptions that works with NumPy 2
    python benchmarks/perturb.py [--sides 224 112] [--severities 1 3 5] [--rounds 5]

Profile ``imagenet-c``, whose constants the peer shares; one thread, the two arms take turns, medians of process time. The clip pans over a
photo of scikit-image. Motion blur of the peer is given our angles. ``--alone`` times every type of ``muybridge-1`` without a peer.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from skimage import data

from muybridge.core.clip import Clip
from muybridge.perturb.apply import perturb
from muybridge.perturb.profiles import profile_of
from muybridge.perturb.streams import streams

PEER = {"jpeg": "jpeg_compression"}
EXACT = ("defocus_blur", "motion_blur", "zoom_blur", "jpeg", "contrast", "brightness", "saturate")


def panning(side: int, frames: int = 16) -> Clip:
    """One clip that slides over a photo."""
    photo = torch.from_numpy(data.astronaut()).permute(2, 0, 1)
    windows = [
        photo[:, 40 + 4 * f : 40 + 4 * f + side, 60 + 2 * f : 60 + 2 * f + side] for f in range(frames)
    ]
    return Clip(torch.stack(windows, 1)[None], torch.zeros(1, dtype=torch.int64), ["astronaut"])


def ours(clip: Clip, type: str, severity: int, profile: str) -> torch.Tensor:
    return perturb(clip, type, severity, profile=profile, dataset="bench", views=[0]).frames


def peer(pictures: np.ndarray, type: str, severity: int) -> np.ndarray:
    from imagecorruptions import corrupt

    return np.stack(
        [corrupt(one, severity=severity, corruption_name=PEER.get(type, type)) for one in pictures]
    )


def difference(clip: Clip, pictures: np.ndarray, type: str, severity: int) -> str:
    """Largest difference in grey levels and share of values that differ."""
    label = profile_of("imagenet-c").label
    angles = streams(label, "bench", clip.video, [0], type, severity).rng(0).uniform(-45, 45, len(pictures))
    with mock.patch("numpy.random.uniform", side_effect=angles.tolist()):
        theirs = peer(pictures, type, severity).astype(int)
    moved = np.abs(ours(clip, type, severity, "imagenet-c")[0].permute(1, 2, 3, 0).numpy() - theirs)
    return f"{moved.max()} ({100 * (moved > 0).mean():.2f} %)"


def timed(arms: list[Callable[[], object]], rounds: int) -> list[float]:
    """Median milliseconds of process time of every arm, taken in turns."""
    seconds: list[list[float]] = [[] for _ in arms]
    for arm in arms:
        arm()
    for _ in range(rounds):
        for arm, found in zip(arms, seconds, strict=True):
            began = time.process_time()
            arm()
            found.append(time.process_time() - began)
    return [1000 * statistics.median(found) for found in seconds]


def against_peer(side: int, severities: list[int], rounds: int) -> Iterator[str]:
    clip = panning(side)
    pictures = np.ascontiguousarray(clip.frames[0].permute(1, 2, 3, 0).numpy())
    totals = np.zeros(2)
    yield f"\n16 x {side} x {side}, severities {severities}\n"
    yield "| type | ms | peer ms | ratio | largest difference (share) |\n| --- | --- | --- | --- | --- |"
    for type in profile_of("imagenet-c").types:
        times = np.zeros(2)
        for severity in severities:
            times += timed(
                [
                    lambda t=type, s=severity: ours(clip, t, s, "imagenet-c"),
                    lambda t=type, s=severity: peer(pictures, t, s),
                ],
                rounds,
            )
        times /= len(severities)
        totals += times
        found = "; ".join(difference(clip, pictures, type, s) for s in severities) if type in EXACT else ""
        yield f"| {type} | {times[0]:.1f} | {times[1]:.1f} | {times[1] / times[0]:.2f} | {found} |"
    yield f"| all | {totals[0]:.1f} | {totals[1]:.1f} | {totals[1] / totals[0]:.2f} | |"


def alone(side: int, severities: list[int], rounds: int) -> Iterator[str]:
    clip, total = panning(side), 0.0
    yield f"\n16 x {side} x {side}, muybridge-1, severities {severities}\n\n| type | ms |\n| --- | --- |"
    types = profile_of("muybridge-1").types
    for type in types:
        cells = [lambda t=type, s=s: ours(clip, t, s, "muybridge-1") for s in severities]
        mean = statistics.mean(timed(cells, rounds))
        total += mean
        yield f"| {type} | {mean:.2f} |"
    yield f"| mean | {total / len(types):.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sides", type=int, nargs="+", default=[224, 112])
    parser.add_argument("--severities", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for side in chosen.sides:
        for line in (alone if chosen.alone else against_peer)(side, chosen.severities, chosen.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
