"""finetune: train backbone and linear layer on labels, then predict every test video."""

import math
from typing import Any

from muybridge.backbones import check_clip
from muybridge.core.features import Classifier
from muybridge.core.predictions import write_predictions
from muybridge.core.records import write_strips
from muybridge.data.index import check_classes, divide, few
from muybridge.objectives.objective import Learner
from muybridge.objectives.supervised import Supervised
from muybridge.stages.answers import predict
from muybridge.stages.config import FinetuneConfig
from muybridge.stages.job import Job, Progress
from muybridge.stages.material import build_backbone, data_facts, law_of, prepare, seeded
from muybridge.stages.predict import View
from muybridge.stages.strips import class_strips
from muybridge.stages.training import budget, loader_of, optimise
from muybridge.train.checkpoint import save_weights
from muybridge.train.precision import choose


def run(job: Job, progress: Progress | None) -> dict[str, Any]:
    """Train, save the classifier and one row of predictions per test view."""
    config: FinetuneConfig = job.config
    train, test = divide(job.dataset, config.fold, config.folds)
    job.notes.extend(check_classes(job.dataset, train, test))
    chosen = few([r for r in train if r.label >= 0], config.labels_per_class, config.seed)
    backbone = build_backbone(config.backbone, config.seed, job.inputs.get("init"))
    check_clip(backbone, config.frames, config.crop)
    material = prepare(job, {"train": chosen, "test": test}, config, law_of(config))
    classes = len(job.dataset.classes)
    head: Any = seeded(Supervised, config.seed, backbone.dim, classes)
    steps = max(1, math.ceil(config.epochs * len(material.parts["train"]) / config.batch))
    loader = loader_of(job, material, law_of(config), config.batch)
    state = optimise(job, Learner(backbone, head), loader, steps, progress)
    classifier = Classifier(backbone, backbone.dim, classes)
    classifier.head.load_state_dict(head.head.state_dict())
    save_weights(job.run.path / "weights.safetensors", classifier)
    view = View(law_of(config), config.views, config.crop, max(64, config.batch))
    write_predictions(
        job.run.path / "predictions.parquet",
        predict(classifier, job.dataset.classes, view, material, choose(config.device, config.precision)),
    )
    write_strips(job.run.path / "strips.npz", class_strips(job, material, view))
    return {
        "summary": f"{job.facets['protocol']} of {job.facets['arm']} on {job.dataset.name}",
        "data": data_facts(job, material, material.parts),
        "budget": budget(state, config.batch, config.frames),
        "chance": 1 / classes,
        "seen": list(config.perturb),
        "notes": material.notes,
    }  # fmt: skip
