"""Small prediction rows for tests."""

import numpy as np

from muybridge.runs.contents.predictions import Predictions


def rows(
    label, predicted, group=None, video=None, view=None, condition=("clean", 0), classes=None
) -> Predictions:
    """Rows whose best class is ``predicted``; -1 gives a row of NaN."""
    label, predicted = np.asarray(label), np.asarray(predicted)
    count = len(label)
    classes = classes or int(max(label.max(), predicted.max())) + 1
    scores = np.zeros((count, classes), np.float32)
    scores[np.arange(count), predicted.clip(0)] = 1
    scores[predicted == -1] = np.nan
    video = np.array([f"v{index:05d}" for index in range(count)]) if video is None else np.asarray(video)
    return Predictions(
        video=video,
        group=video if group is None else np.asarray(group),
        label=label.astype(np.int64),
        view=np.zeros(count, np.int64) if view is None else np.asarray(view),
        perturbation=np.full(count, condition[0]),
        severity=np.full(count, condition[1]),
        scores=scores,
    )


def bernoulli(rng: np.random.Generator, share: np.ndarray | float, count: int, **more) -> Predictions:
    """Rows of two classes, right with probability ``share`` each."""
    label = np.zeros(count, np.int64)
    return rows(label, (rng.random(count) >= share).astype(np.int64), classes=2, **more)
