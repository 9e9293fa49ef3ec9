"""retrieval: find the training videos of the class of each test video in the feature space of a frozen backbone.

Training videos are the gallery, test videos the queries. Each of them is there exactly once: a test video that cannot be decoded is found
by nobody (recall and average precision 0), and no video is dropped at the end of a batch, as VCOP's loader does.
"""

import time
from collections.abc import Mapping

import numpy as np

from muybridge.config.stage_configs import RetrievalConfig
from muybridge.core.networks.gather import rank
from muybridge.measure.counts import counts_of
from muybridge.measure.features.linear import check_finite
from muybridge.measure.features.ranking import average_precision, nearest_in
from muybridge.stages.features.frozen import divided, frozen_features
from muybridge.stages.features.frozen_stage import FrozenStage, frozen_budget
from muybridge.stages.features.gallery import recalled, within
from muybridge.stages.features.norm_calibration import frozen_backbone
from muybridge.stages.job.job import Job, Progress, Result
from muybridge.stages.testing.predict import view_of
from muybridge.stages.training.material import data_facts
from muybridge.stages.training.transfer_protocol import transfer_of
from muybridge.train.precision import choose

KS = (1, 5, 10, 20, 50)
"""Ranks at which recall is reported where nothing is said (Xu et al., VCOP, CVPR 2019)."""


class Retrieval(FrozenStage[RetrievalConfig]):
    """Find training videos of the class of each test video."""

    name = "retrieval"

    def recipe(self, config: RetrievalConfig) -> tuple[Mapping[str, object], str]:
        """Ranks by cosine."""
        similarity = f"cosine of {config.features} features averaged over views"
        return {"similarity": similarity}, "nothing is chosen"

    def run(self, job: Job[RetrievalConfig], progress: Progress | None) -> Result:
        """Rank all training videos by cosine similarity for every test video."""
        config = job.config
        began = time.monotonic()
        material = divided(job)
        train, test = material.parts["train"], material.parts["test"]
        ks = within("--ks", config.ks, KS, len(train))
        compute, view = choose(config.device, config.precision), view_of(config)
        backbone = frozen_backbone(job, view, material, compute)
        frozen = frozen_features(job, backbone, view, material, compute, config.features, progress)
        if rank() > 0:
            return {}
        check_finite(frozen.rows.reshape(len(frozen.rows), -1), "retrieval")
        queries, gallery = frozen.mean_of(frozen.known(test)), frozen.mean_of(train)
        labels, bank = (np.array([record.label for record in part]) for part in (test, train))
        decoded = np.array([record.id in frozen.places for record in test])
        order, precision = np.full((len(test), max(ks)), -1), np.zeros(len(test))
        order[decoded] = nearest_in(queries, gallery, max(ks))[0]
        precision[decoded] = average_precision(queries, gallery, labels[decoded], bank)
        groups = np.array([record.group for record in test])
        return {
            "summary": f"retrieval by {job.facets['arm']} on {job.dataset.name}",
            "data": data_facts(job, material, material.parts),
            "protocol": transfer_of(config).facts(),
            "budget": frozen_budget(job, backbone, view, material, frozen, compute, began),
            "chance": None,
            "queries": len(test),
            "gallery": len(train),
            "dim": gallery.shape[1],
            "recall": recalled(order, labels, groups, ks, bank),
            "average_precision": {"value": _mean(precision), "groups": counts_of(precision, groups)},
            "notes": material.notes,
        }


def _mean(precision: np.ndarray) -> float | None:
    """Mean average precision over the queries whose class is in the gallery; None if there is none."""
    known = precision[~np.isnan(precision)]
    return float(known.mean()) if len(known) else None


RETRIEVAL = Retrieval()
