"""Two arms of equal truth, simulated: how often they are called different."""

import numpy as np

from muybridge.measure.estimate import BLOCKS, mean_over_seeds
from muybridge.measure.intervals import resample_groups

VIDEOS = 200
REPLICATES = 400
SEED = 7


def rejections(
    seeds: int, spread: float, groups: int, trials: int, gap: float = 0.0, level: float = 0.05,
    shared: float = 0.0, paired: bool = False,
) -> int:  # fmt: skip
    """Trials in which the difference of two arms has a p-value of at most ``level``.

    Videos differ in difficulty, groups too, and every network does a little better on some groups than on others; the
    true accuracies of the seeds of an arm have the standard deviation ``spread``.

    Args:
        seeds: training seeds of each arm.
        spread: standard deviation of their true accuracies, a fraction.
        groups: source groups of some ``VIDEOS`` videos in all.
        trials: how many test sets and pairs of arms are made.
        gap: how much better the first arm truly is.
        level: of the test.
        shared: standard deviation of what a seed does to both arms alike, as where it draws the labels that both learn from.
        paired: whether the arms are compared seed by seed.
    """
    rng = np.random.default_rng([SEED, seeds, round(1000 * spread), groups])
    each = VIDEOS // groups
    found = 0
    for _ in range(trials):
        difficulty = rng.normal(0, 1, groups)[:, None] + rng.normal(0, 1, (groups, each))
        share = 0.1 + 0.8 / (1 + np.exp(-difficulty))
        arms, alike = [], rng.normal(0, shared, seeds) if shared else np.zeros(seeds)
        for arm, above in (("a", gap), ("b", 0.0)):
            moved = (alike + rng.normal(above, spread, seeds))[:, None] + rng.normal(0, 0.05, (seeds, groups))
            chance = np.clip(share + moved[:, :, None], 0, 1)
            right = (rng.random(chance.shape) < chance).sum(axis=2).T.astype(float)
            redrawn = resample_groups(right, np.full_like(right, each), REPLICATES)
            arms.append(
                mean_over_seeds(
                    right.sum(axis=0) / (groups * each), redrawn, groups, BLOCKS if paired else arm
                )
            )
        found += (arms[0] - arms[1]).p <= level
    return found


def main() -> None:
    """Print the share of false alarms as a table."""
    trials = 5000
    print(f"{trials} pairs of arms a cell, {VIDEOS} videos, {REPLICATES} redraws")
    print("| seeds | groups | SD 0 | 1 | 3 | 10 points |\n| --- | --- | --- | --- | --- | --- |")
    for paired in (False, True):
        print("paired seed by seed, seeds move both arms alike by 6 points" if paired else "independent arms")
        for seeds in (1, 2, 3, 4, 5):
            for groups in (8, 20, 200):
                told = {"shared": 0.06 * paired, "paired": paired}
                cells = [
                    f"{rejections(seeds, sd, groups, trials, **told) / trials:.3f}"
                    for sd in (0.0, 0.01, 0.03, 0.1)
                ]
                print(f"| {seeds} | {groups} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
