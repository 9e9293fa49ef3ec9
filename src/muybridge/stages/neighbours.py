"""neighbours: for each video the nearest others in feature space, as pictures and as recall."""

import time
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from muybridge.config.stage_configs import NeighboursConfig
from muybridge.core import seeding
from muybridge.core.networks.gather import rank
from muybridge.data.index import VideoRecord
from muybridge.measure.features.linear import check_finite
from muybridge.measure.features.ranking import nearest
from muybridge.runs.contents.strips import write_strips
from muybridge.stages.features.frozen import frozen_features
from muybridge.stages.features.frozen_stage import FrozenStage, frozen_budget
from muybridge.stages.features.gallery import recalled
from muybridge.stages.features.norm_calibration import frozen_backbone
from muybridge.stages.job.job import Job, Progress, Result
from muybridge.stages.testing.predict import view_of
from muybridge.stages.training.material import Material, data_facts, law_of, prepare
from muybridge.train.precision import choose

KS = (1, 5, 10, 20)


class Neighbours(FrozenStage[NeighboursConfig]):
    """Find the nearest videos of each video."""

    name = "neighbours"

    def run(self, job: Job[NeighboursConfig], progress: Progress | None) -> Result:
        """Rank all videos by cosine similarity for every video; neighbours of the same group are left out."""
        config = job.config
        began = time.monotonic()
        material = prepare(job, {"train": list(job.dataset.records)}, config, law_of(config))
        records = material.parts["train"]
        compute, view = choose(config.device, config.precision), view_of(config)
        backbone = frozen_backbone(job, view, material, compute)
        frozen = frozen_features(job, backbone, view, material, compute, progress=progress)
        if rank() > 0:
            return {}
        pooled = frozen.mean_of(records)
        check_finite(pooled, "neighbours")
        groups = np.array([record.group for record in records])
        labels = np.array([record.label for record in records])
        most = min(max(*KS, config.nearest), len(records) - 1)
        order, similarity = nearest(pooled, groups, most)
        shown = _shown(records, config.queries)
        write_strips(
            job.run.path / "strips.npz", _thumbnails(shown, order[:, : config.nearest], material, records)
        )
        return {
            "summary": f"neighbours of {job.facets['arm']} on {job.dataset.name}",
            "data": data_facts(job, material, {"all": records}),
            "budget": frozen_budget(job, backbone, view, material, frozen, compute, began),
            "chance": None,
            "neighbours": {"queries": [_query(i, order, similarity, records, job.dataset.classes, config.nearest) for i in shown]},
            "recall": recalled(order, labels, groups, KS),
            "notes": material.notes,
        }  # fmt: skip


def _shown(records: Sequence[VideoRecord], most: int) -> list[int]:
    """Which videos are shown: all, or the first by a hash of the id."""
    ordered = sorted(range(len(records)), key=lambda i: seeding.key(0, "shown", records[i].id))
    return sorted(ordered[:most])


def _query(
    i: int,
    order: np.ndarray,
    similarity: Float32[np.ndarray, "n k"],
    records: Sequence[VideoRecord],
    classes: tuple[str, ...],
    number: int,
) -> dict[str, object]:
    def named(record: VideoRecord) -> dict[str, object]:
        return {"video": record.id, "label": classes[record.label] if record.label >= 0 else None}

    found = [
        {**named(records[j]), "similarity": round(float(similarity[i, rank]), 4)}
        for rank, j in enumerate(order[i, :number])
        if j >= 0
    ]
    return {**named(records[i]), "nearest": found}


def _thumbnails(
    shown: list[int], order: np.ndarray, material: Material, records: Sequence[VideoRecord]
) -> dict[str, np.ndarray]:
    wanted = sorted({*shown, *(int(j) for i in shown for j in order[i] if j >= 0)})
    thumbnails = {}
    for i in wanted:
        place = material.places[records[i].id]
        middle = np.array([int(material.store.frames[place]) // 2])
        thumbnails[records[i].id] = np.asarray(material.store.read(place, middle))
    return thumbnails


NEIGHBOURS = Neighbours()
