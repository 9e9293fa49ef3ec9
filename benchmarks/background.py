"""Which backgrounds a network tells apart: a linear probe on the photo behind the digits, of every pretraining run of a study.

    python benchmarks/background.py OUT [--clips 1600]

OUT holds `muybridge study run pretext-backbones`. 8 frames of 32 pixels of training clips of the embedded data; the probe is fitted on half
of them and asked about the other half. Percent, one number per seed; random weights above. There are 7 photos.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn

from muybridge.core.clip import to_unit
from muybridge.data.sets import builtin_render
from muybridge.measure.features.linear import fit_linear
from muybridge.runs.records import find_runs
from muybridge.stages.training.material import build_backbone


def clips(number: int) -> tuple[torch.Tensor, np.ndarray]:
    """Clips ``n 3 8 32 32`` in 0 to 1, and the number of the photo behind each."""
    photos: list[bytes] = []
    paint = builtin_render._background

    def noted(rng: np.random.Generator, photo: np.ndarray, frames: int, size: int) -> np.ndarray:
        photos.append(photo.tobytes())
        return paint(rng, photo, frames, size)

    with mock.patch.object(builtin_render, "_background", noted):
        shown = [builtin_render.render(0, "train", i)[0][::3, 2:34, 2:34] for i in range(number)]
    names = {photo: place for place, photo in enumerate(dict.fromkeys(photos))}
    frames = to_unit(torch.from_numpy(np.stack(shown)).permute(0, 4, 1, 2, 3))
    return frames, np.array([names[photo] for photo in photos])


def share(network: nn.Module, frames: torch.Tensor, photo: np.ndarray) -> float:
    """Percent of the second half whose photo a probe on the first half names."""
    network.eval()
    with torch.no_grad():
        rows = torch.cat([network(some).pooled for some in frames.split(100)]).numpy()
    half = len(rows) // 2
    probe = fit_linear(rows[:half], photo[:half], np.arange(half) % 5, int(photo.max()) + 1)
    named = (rows[half:] @ probe.weight.T + probe.bias).argmax(axis=1)
    return 100 * float((named == photo[half:]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=1600)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    frames, photo = clips(asked.clips)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in find_runs(asked.out):
        if run.stage == "pretrain":
            config = run.result["config"]
            network = build_backbone(config["backbone"], config["seed"], run)
            found[config["backbone"], config["objective"]].append(share(network, frames, photo))
    for backbone in {backbone for backbone, _ in found}:
        for seed in range(3):
            found[backbone, "random"].append(share(build_backbone(backbone, seed), frames, photo))
    for (backbone, task), shares in sorted(found.items()):
        print(f"{backbone} {task}: {', '.join(f'{one:.1f}' for one in sorted(shares))}")


if __name__ == "__main__":
    main()
