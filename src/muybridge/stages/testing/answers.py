"""Rows of predictions of an own network on its clean test videos."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from torch import nn

from muybridge.data.index import VideoRecord
from muybridge.measure.counts import counts_of
from muybridge.perturb.apply import CLEAN
from muybridge.runs.contents.predictions import Predictions, concatenate
from muybridge.stages.testing.grid import Grid, asked, missing, rows_of
from muybridge.stages.testing.labels import same
from muybridge.stages.testing.models import TestedModel, evaluating
from muybridge.stages.testing.predict import View
from muybridge.stages.testing.tested import Cached
from muybridge.stages.training.material import Material
from muybridge.train.distributed import round_robin
from muybridge.train.precision import Compute


def predict(
    classifier: nn.Module, classes: tuple[str, ...], view: View, material: Material, compute: Compute
) -> Predictions:
    """Rows of the test videos, by the code that measures robustness: a later clean cell has the same bits.

    Several processes share the videos and all of them get all rows: all of them must ask.
    """
    subject = TestedModel("own network", classifier, classes, key="")
    grid = Grid([(CLEAN, 0)], dataset="", batch=view.batch)
    labels = same(classes)
    tested = Cached(view, material)

    def work(some: range) -> Iterator[list[Predictions]]:
        for chunk in tested.read(some.start, some.step):
            yield [*asked(grid, subject, labels, chunk, compute), *missing(grid, labels, chunk)]

    with evaluating(classifier, compute):
        return concatenate([rows for chunk in round_robin(work, 0, tested.chunks) for rows in chunk])


def answered(
    records: Sequence[VideoRecord], scores: Float[np.ndarray, "n k"], classes: Sequence[str]
) -> Predictions:
    """Rows of whole videos, one each; ``scores`` are NaN where a video could not be decoded."""
    rows = scores.astype(np.float32)
    return rows_of(records, [0] * len(records), (CLEAN, 0), rows, same(classes))


def majority(
    train: Sequence[VideoRecord], test: Sequence[VideoRecord], classes: Sequence[str]
) -> dict[str, object]:
    """Accuracy on the test videos of always answering the most frequent class of the training videos; of several the first.

    Returns:
        ``class``, ``value`` and ``groups``: right answers and videos by source group.
    """
    counts = Counter(record.label for record in train)
    label = min(counts, key=lambda one: (-counts[one], one))
    right = np.array([record.label == label for record in test])
    groups = np.array([record.group for record in test])
    return {"class": classes[label], "value": float(right.mean()), "groups": counts_of(right, groups)}
