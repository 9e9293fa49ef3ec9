"""Rows of predictions of an own network on its clean test videos."""

from torch import nn

from muybridge.core.predictions import Predictions, concatenate
from muybridge.perturb.apply import CLEAN
from muybridge.stages.grid import Grid, asked, missing
from muybridge.stages.labels import same
from muybridge.stages.material import Material
from muybridge.stages.models import Subject, evaluating
from muybridge.stages.predict import View
from muybridge.stages.tested import Cached
from muybridge.train.precision import Compute


def predict(
    classifier: nn.Module, classes: tuple[str, ...], view: View, material: Material, compute: Compute
) -> Predictions:
    """Rows of the test videos, by the code that measures robustness: a later clean cell has the same bits."""
    subject = Subject("own network", classifier, classes, key="")
    grid = Grid([(CLEAN, 0)], dataset="", batch=view.batch)
    labels = same(classes)
    with evaluating(classifier, compute):
        chunks = Cached(view, material).read()
        return concatenate(
            [
                rows
                for chunk in chunks
                for rows in (*asked(grid, subject, labels, chunk, compute), *missing(grid, labels, chunk))
            ]
        )
