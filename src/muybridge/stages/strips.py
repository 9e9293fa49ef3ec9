"""Film strips of what a classifier is tested on."""

import numpy as np

from muybridge.data.index import VideoRecord
from muybridge.data.loader import evaluation
from muybridge.stages.job import Job
from muybridge.stages.material import Material
from muybridge.stages.predict import View, strip


def class_strips(job: Job, material: Material, view: View, most: int = 12) -> dict[str, np.ndarray]:
    """One test clip per class."""
    first: dict[int, VideoRecord] = {}
    for record in material.parts["test"]:
        if record.label >= 0 and not material.store.errors[material.places[record.id]]:
            first.setdefault(record.label, record)
    chosen = [first[label] for label in sorted(first)][:most]
    places = [material.places[record.id] for record in chosen]
    clips = evaluation(material.store, chosen, places, view.law, 1, len(chosen))
    names = [job.dataset.classes[record.label] for record in chosen]
    return {f"class {name}": strip(clip, i) for clip in clips for i, name in enumerate(names)}
