"""How long the paired cluster bootstrap takes, beside a loop over redrawn test sets that gives the same numbers.

    python benchmarks/intervals.py [--clips 3783] [--cells 91] [--replicates 10000] [--repeats 5]

One thread, processor time of this process (``time.process_time``), arms interleaved, medians. The loop redraws the
same groups one replicate at a time on a subset of the replicates and must agree to 1e-12; its time is scaled up.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from muybridge.core.seeding import rng
from muybridge.measure.intervals import resample_groups

SUBSET = 50


def naive(right: np.ndarray, total: np.ndarray, replicates: int) -> np.ndarray:
    """Redraw groups and count, one replicate after the other, from the same stream of draws."""
    groups = len(right)
    stream = rng(0, "bootstrap", "groups")
    out = []
    for _ in range(replicates):
        drawn = stream.integers(0, groups, groups)
        out.append(right[drawn].sum(axis=0) / total[drawn].sum(axis=0))
    return np.stack(out)


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("clips", 3783), ("cells", 91), ("replicates", 10_000), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    right = (np.random.default_rng(0).random((given.clips, given.cells)) < 0.7).astype(np.float64)
    total = np.ones_like(right)
    arms: dict[str, Callable[[], np.ndarray]] = {
        "matrix": lambda: resample_groups(right, total, given.replicates),
        "loop": lambda: naive(right, total, SUBSET),
    }
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    found: dict[str, np.ndarray] = {}
    for _ in range(given.repeats):
        for name, work in arms.items():
            spent, found[name] = timed(work)
            seconds[name].append(spent * (given.replicates / SUBSET if name == "loop" else 1))
    apart = np.abs(found["matrix"][:SUBSET] - found["loop"]).max()
    print(
        f"{given.replicates} replicates x {given.clips} clips x {given.cells} cells, 1 thread, {given.repeats} repeats"
    )
    base = statistics.median(seconds["matrix"])
    for name, spent in seconds.items():
        middle = statistics.median(spent)
        note = f", from {SUBSET} replicates" if name == "loop" else ""
        print(
            f"{name:<10}{middle:9.2f} s  (min {min(spent):.2f}, max {max(spent):.2f}; {middle / base:.1f} x matrix{note})"
        )
    print(f"largest difference from the loop {apart:.1e}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    assert apart < 1e-12


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
