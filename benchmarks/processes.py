"""How far two processes are from one with the same global batch: the loss of every step, by objective.

    OMP_NUM_THREADS=1 python benchmarks/processes.py [--steps 20] [--videos 8] [--objectives vcop ...]

The tiny R(2+1)D on moving squares, 8x32x32. Largest difference over the steps; `default` is the learning rate of `muybridge pretrain`
(2e-3, AdamW), `small` is 1e-5. `nudge` is one process against itself after every weight was moved by at most one unit in its last place:
what rounding alone does to a run. `own norm` gives the one process our batch norm instead of torch's, whose sums over channels-last maps
are the largest rounding error of a step; `to float64` is the first loss of each against a run in float64.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "train"))

from alike import OBJECTIVES, TINY, run, spawn

from muybridge.core.networks.gather import rank

SMALL = {"lr": 1e-5}
BOTH: dict[str, dict[str, Any]] = {"64": {"double": True}, "default": {}, "small": {"how": SMALL}}
ALONE = BOTH | {
    "nudge": {"nudge": 2.0**-23},
    "own norm, small": {"own_norm": True, "how": SMALL},
}
COLUMNS = (
    "float64, default", "float32, default", "nudge, default", "float32, small", "own norm, small",
    "one to float64", "two to float64",
)  # fmt: skip


def work(names: list[str], folder: Path, how: dict[str, Any]) -> None:
    """The runs of two processes; the first keeps their losses."""
    for name in names:
        losses = {
            kind: run(name, folder / kind / name, **how, **more)["losses"] for kind, more in BOTH.items()
        }
        if rank() == 0:
            torch.save(losses, folder / f"{name}.pt")


def apart(one: list[float], other: list[float], steps: int | None = None) -> float:
    """Largest difference over the first steps."""
    return max(abs(a - b) for a, b in zip(one[:steps], other[:steps], strict=True))


def row(two: dict[str, list[float]], one: dict[str, list[float]]) -> list[float]:
    """The columns of an objective."""
    return [
        apart(two["64"], one["64"]), apart(two["default"], one["default"]), apart(one["nudge"], one["default"]),
        apart(two["small"], one["small"]), apart(two["small"], one["own norm, small"]),
        apart(one["default"], one["64"], 1), apart(two["default"], one["64"], 1),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES))
    asked = parser.parse_args()
    how = {"steps": asked.steps, "videos": asked.videos, "shape": TINY}
    torch.set_num_threads(1)
    print("| objective | " + " | ".join(COLUMNS) + " | loss, first to last |")
    print("| --- |" + " --- |" * (len(COLUMNS) + 1))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        spawn(work, 2, asked.objectives, folder, how)
        for name in asked.objectives:
            one = {
                kind: run(name, folder / "one" / kind / name, **how, **more)["losses"]
                for kind, more in ALONE.items()
            }
            two = torch.load(folder / f"{name}.pt", weights_only=True)
            cells = [f"{value:.1e}" for value in row(two, one)]
            ends = f"{one['small'][0]:.2f} to {one['small'][-1]:.2f}"
            print(f"| {name} | " + " | ".join(cells) + f" | {ends} |", flush=True)


if __name__ == "__main__":
    main()
