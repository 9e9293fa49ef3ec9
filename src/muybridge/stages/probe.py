"""probe: train a linear layer on frozen features, then predict every test video."""

import time
from typing import Any

import numpy as np
import torch

from muybridge.core.features import Classifier
from muybridge.core.predictions import write_predictions
from muybridge.core.records import write_strips
from muybridge.data.index import check_classes, divide
from muybridge.measure.linear import fit_linear
from muybridge.stages.answers import predict
from muybridge.stages.calibration import frozen_backbone
from muybridge.stages.config import ProbeConfig
from muybridge.stages.job import Job, Progress
from muybridge.stages.material import data_facts, law_of, prepare
from muybridge.stages.predict import View, features, forward_budget
from muybridge.stages.strips import class_strips
from muybridge.train.checkpoint import save_weights
from muybridge.train.precision import choose


def run(job: Job, progress: Progress | None) -> dict[str, Any]:
    """Fit the linear layer, save backbone and layer as one classifier and one row of predictions per test view."""
    config: ProbeConfig = job.config
    began = time.monotonic()
    train, test = divide(job.dataset, config.fold, config.folds)
    job.notes.extend(check_classes(job.dataset, train, test))
    labelled = [record for record in train if record.label >= 0]
    material = prepare(job, {"train": labelled, "test": test}, config, law_of(config))
    compute = choose(config.device, config.precision)
    view = View(law_of(config), config.views, config.crop, max(64, config.batch))
    backbone = frozen_backbone(job, view, material, compute)
    rows, videos = features(backbone, view, material, "train", compute)
    label = {record.id: record.label for record in material.parts["train"]}
    group = {record.id: record.group for record in material.parts["train"]}
    fitted = fit_linear(
        rows,
        np.array([label[v] for v in videos]),
        np.array([group[v] for v in videos]),
        len(job.dataset.classes),
    )
    classifier = Classifier(backbone, backbone.dim, len(job.dataset.classes))
    classifier.head.load_state_dict(
        {"weight": torch.from_numpy(fitted.weight), "bias": torch.from_numpy(fitted.bias)}
    )
    save_weights(job.run.path / "weights.safetensors", classifier)
    answers = predict(classifier, job.dataset.classes, view, material, compute)
    write_predictions(job.run.path / "predictions.parquet", answers)
    write_strips(job.run.path / "strips.npz", class_strips(job, material, view))
    clips = config.views * sum(map(len, material.parts.values()))
    return {
        "summary": f"linear probe of {job.facets['arm']} on {job.dataset.name}",
        "data": data_facts(job, material, material.parts),
        "budget": forward_budget(backbone, view, clips, compute, began),
        "chance": 1 / len(job.dataset.classes),
        "regularisation": fitted.strength,
        "notes": material.notes,
    }  # fmt: skip
