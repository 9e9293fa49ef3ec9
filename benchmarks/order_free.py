"""How much of ``builtin-motions`` a reader can tell that cannot see the order of frames.

Each clip becomes the mean and the standard deviation over its frames of a 9 x 9 picture in grey, 162 numbers that any order of its frames
gives. A logistic regression (its strength chosen on a fifth of the training clips) answers with a class. Reported are the share of right
classes, of right pairs (a motion or its reverse), and of right directions within the pair, of the test clips and of the test clips with
their reverses.

    python benchmarks/order_free.py [--root FOLDER]
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from muybridge.data.decode.video import read_all
from muybridge.data.sets.builtin import MOTIONS, ensure, partner

SIDE = 9


def statistics(path: Path) -> np.ndarray:
    """Mean and standard deviation over time of the small grey picture."""
    frames = read_all(path).astype(np.float64).mean(axis=-1)
    t, h, w = frames.shape
    small = (
        frames[:, : h - h % SIDE, : w - w % SIDE]
        .reshape(t, SIDE, h // SIDE, SIDE, w // SIDE)
        .mean(axis=(2, 4))
    )
    return np.concatenate([small.mean(axis=0).ravel(), small.std(axis=0).ravel()])


def main() -> None:
    """Fit, answer, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=None)
    paths = ensure(parser.parse_args().root)
    with paths.motions.open() as file:
        rows = list(csv.DictReader(file))
    x = np.stack([statistics(paths.folder / row["path"]) for row in rows])
    y = np.array([MOTIONS.index(row["label"]) for row in rows])
    train = np.array([row["split"] == "train" for row in rows])
    fit, held = train & (np.arange(len(y)) % 5 > 0), train & (np.arange(len(y)) % 5 == 0)

    def model(c: float, rows_: np.ndarray) -> LogisticRegression:
        return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000)).fit(x[rows_], y[rows_])

    strengths = [10.0**k for k in range(-4, 2)]
    best = max(strengths, key=lambda c: model(c, fit).score(x[held], y[held]))
    test, own = ~train, y[~train]
    scores = model(best, train).decision_function(x[test])
    other = np.array([MOTIONS.index(partner(MOTIONS[label])) for label in own])
    at, said = np.arange(len(own)), scores.argmax(1)
    ahead = scores[at, own] - scores[at, other]
    n = len(own)
    for name, marks in (
        ("class", said == own),
        ("pair", (said == own) | (said == other)),
        ("direction within the pair", ahead > 0),
        ("the same, with the reverse of every clip", np.concatenate([ahead > 0, -ahead > 0])),
    ):
        share = float(np.mean(marks))
        print(
            f"{name}: {100 * share:.1f} % (standard error {100 * (share * (1 - share) / n) ** 0.5:.1f}, {len(marks)} clips)"
        )
    print(f"C {best:g}")


if __name__ == "__main__":
    main()
