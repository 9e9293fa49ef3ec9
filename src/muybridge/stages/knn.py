"""knn: classify every test video by its nearest training videos in the feature space of a frozen backbone."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from muybridge.config.stage_configs import KnnConfig
from muybridge.core.networks.gather import rank
from muybridge.data.index import VideoRecord
from muybridge.measure.counts import counts_of
from muybridge.measure.features.linear import check_finite
from muybridge.measure.features.ranking import nearest_in
from muybridge.measure.features.votes import votes
from muybridge.runs.contents.predictions import write_predictions
from muybridge.stages.features.frozen import divided, frozen_features
from muybridge.stages.features.frozen_stage import FrozenStage, frozen_budget
from muybridge.stages.features.gallery import within
from muybridge.stages.features.norm_calibration import frozen_backbone
from muybridge.stages.job.job import Job, Progress, Result
from muybridge.stages.testing.answers import answered, majority
from muybridge.stages.testing.predict import view_of
from muybridge.stages.training.material import data_facts
from muybridge.stages.training.transfer_protocol import transfer_of
from muybridge.train.precision import choose

K = 20
"""Neighbours that vote where nothing is said."""
KS = (1, 5, 10, 20, 50, 200)
"""Numbers of neighbours that are reported where nothing is said."""


class Knn(FrozenStage[KnnConfig]):
    """Classify test videos by the nearest training videos."""

    name = "knn"

    def recipe(self, config: KnnConfig) -> tuple[Mapping[str, object], str]:
        """Votes of neighbours by cosine."""
        recipe = {
            "similarity": "cosine of pooled features averaged over views",
            "k": config.k or f"{K}, or the mean number of training videos per class if less",
            "temperature": config.temperature,
        }
        return recipe, "nothing is chosen"

    def run(self, job: Job[KnnConfig], progress: Progress | None) -> Result:
        """Answer by weighted votes of ``k`` neighbours, one row per test video; report plain and weighted votes of all ``ks``."""
        config = job.config
        began = time.monotonic()
        material = divided(job)
        train, test = material.parts["train"], material.parts["test"]
        ks = within("--ks", config.ks, KS, len(train))
        classes = len({record.label for record in train})
        (k,) = within(
            "--k", () if config.k is None else (config.k,), (min(K, len(train) // classes),), len(train)
        )
        compute, view = choose(config.device, config.precision), view_of(config)
        backbone = frozen_backbone(job, view, material, compute)
        frozen = frozen_features(job, backbone, view, material, compute, progress=progress)
        if rank() > 0:
            return {}
        check_finite(frozen.rows.reshape(len(frozen.rows), -1), "kNN")
        known = frozen.known(test)
        order, similarity = nearest_in(frozen.mean_of(known), frozen.mean_of(train), max(k, *ks))
        labels = np.array([record.label for record in train])

        def scores(number: int, temperature: float | None) -> Float64[np.ndarray, "n classes"]:
            """Votes for the test videos in order; NaN for those that could not be decoded."""
            found = np.full((len(test), len(job.dataset.classes)), np.nan)
            decoded = [record.id in frozen.places for record in test]
            found[decoded] = votes(
                order[:, :number], similarity[:, :number], labels, len(job.dataset.classes), temperature
            )
            return found

        write_predictions(
            job.run.path / "predictions.parquet",
            answered(test, scores(k, config.temperature), job.dataset.classes),
        )
        ways = {"majority": None, "weighted": config.temperature}
        return {
            "summary": f"{k} nearest neighbours of {job.facets['arm']} on {job.dataset.name}",
            "data": data_facts(job, material, material.parts),
            "protocol": transfer_of(config).facts(),
            "budget": frozen_budget(job, backbone, view, material, frozen, compute, began),
            "chance": 1 / len(job.dataset.classes),
            "majority": majority(train, test, job.dataset.classes),
            "k": k,
            "knn": [
                {"k": number, "vote": way, **_accuracy(test, scores(number, temperature))}
                for number in ks
                for way, temperature in ways.items()
            ],
            "notes": material.notes,
        }


def _accuracy(test: Sequence[VideoRecord], scores: Float64[np.ndarray, "n classes"]) -> dict[str, object]:
    """Share of right videos, and counts by source group; equal votes go to the class that comes first."""
    winner = np.nan_to_num(scores, nan=-1.0).argmax(axis=1)
    right = (winner == [record.label for record in test]) & ~np.isnan(scores).any(axis=1)
    groups = np.array([record.group for record in test])
    return {"accuracy": float(right.mean()), "groups": counts_of(right, groups)}


KNN = Knn()
