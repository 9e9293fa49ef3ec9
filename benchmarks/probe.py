"""How long the linear probe takes for all its settings: one path against a plain loop of single fits.

    python benchmarks/probe.py [--rows 10000] [--dims 512] [--classes 101] [--rounds 3] [--every 4]

The problem is drawn from a fixed seed: rectified, correlated features, a fifth of the rows held out. Arms are interleaved, one thread
each. ``path`` is ``fit_linear`` as the probe calls it: 24 settings on four fifths of the rows, then the chosen one on all of them.
``loop`` is what one would write by hand: scikit-learn's logistic regression (tolerance 1e-5) from zero for each setting, on the same
standardised rows, and its answers to the held-out rows. Only every fourth setting is fitted by it; the ratio is of seconds per setting,
and those of the path include the last fit. Prints CPU and wall seconds (median of the rounds), the ratio of the CPU seconds and the
largest difference of any held-out accuracy.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from muybridge.measure.features.linear import DECAYS, Setting, fit_linear


def problem(rows: int, dims: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels and folds."""
    rng = np.random.default_rng(0)
    centres, turn = rng.normal(size=(classes, dims)), np.linalg.qr(rng.normal(size=(dims, dims)))[0]
    labels = rng.integers(0, classes, rows)
    raw = 0.12 * centres[labels] + rng.normal(size=(rows, dims))
    spread = np.arange(1, dims + 1) ** -0.3
    return np.maximum(raw * spread @ turn, 0).astype(np.float32), labels, np.arange(rows) % 5


def path(features: np.ndarray, labels: np.ndarray, folds: np.ndarray, _: tuple[float, ...]) -> list[float]:
    """Held-out accuracies of all settings."""
    grid: tuple[Setting, ...] = fit_linear(features, labels, folds, int(labels.max()) + 1).grid
    return [one.accuracy for one in grid]


def loop(
    features: np.ndarray, labels: np.ndarray, folds: np.ndarray, decays: tuple[float, ...]
) -> list[float]:
    """Held-out accuracies of some settings, each fitted on its own."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    train, held = folds != 0, folds == 0
    scaler = StandardScaler().fit(features[train])
    rows, others = scaler.transform(features[train]), scaler.transform(features[held])
    found = []
    for decay in decays:
        model = LogisticRegression(C=1 / (len(rows) * decay), max_iter=1000, tol=1e-5).fit(
            rows, labels[train]
        )
        found.append(float((model.predict(others) == labels[held]).mean()))
    return found


def timed(call: Callable[..., list[float]], *words: Any) -> tuple[float, float, list[float]]:
    """CPU seconds, wall seconds, accuracies."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = call(*words)
    return time.process_time() - cpu, time.perf_counter() - wall, found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("rows", 10_000), ("dims", 512), ("classes", 101), ("rounds", 3), ("every", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    words = parser.parse_args()
    torch.set_num_threads(1)
    arms: dict[str, Callable[..., list[float]]] = {"path": path, "loop": loop}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    some, found = DECAYS[:: words.every], {}
    with threadpool_limits(1):
        for arm in arms.values():
            arm(*problem(200, 16, 4), some)  # imports
        data = problem(words.rows, words.dims, words.classes)
        for _ in range(words.rounds):
            for name, arm in arms.items():
                *spent, found[name] = timed(arm, *data, some)
                seconds[name].append((spent[0], spent[1]))
    cpu, wall = ({name: statistics.median(one[i] for one in seconds[name]) for name in arms} for i in (0, 1))
    print(
        f"{words.rows} x {words.dims}, {words.classes} classes, one thread, median of {words.rounds} rounds"
    )
    print(
        f"path: {len(DECAYS)} settings and the last fit in {cpu['path']:.1f} s CPU, {wall['path']:.1f} s wall"
    )
    print(f"loop: {len(some)} settings in {cpu['loop']:.1f} s CPU, {wall['loop']:.1f} s wall")
    ratio = cpu["loop"] / len(some) / (cpu["path"] / len(DECAYS))
    gap = max(abs(a - b) for a, b in zip(found["path"][:: words.every], found["loop"], strict=True))
    print(
        f"CPU seconds per setting, loop to path: {ratio:.1f}; largest difference of an accuracy: {100 * gap:.2f} points"
    )


if __name__ == "__main__":
    main()
