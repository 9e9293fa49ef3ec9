"""robustness: predict every test video clean and under every perturbation, from one decode."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from muybridge.core.errors import UsageError
from muybridge.core.features import Classifier
from muybridge.core.predictions import write_predictions
from muybridge.core.records import write_strips
from muybridge.data.index import divide
from muybridge.perturb.apply import CLEAN, perturb
from muybridge.stages.config import FinetuneConfig, ProbeConfig, RobustnessConfig, change
from muybridge.stages.job import Job, Progress
from muybridge.stages.material import Material, build_backbone, data_facts, law_of, prepare
from muybridge.stages.predict import View, forward_budget, predict, strip
from muybridge.train.checkpoint import load_weights
from muybridge.train.precision import choose

KINDS = {"finetune": FinetuneConfig, "probe": ProbeConfig}


def run(job: Job, progress: Progress | None) -> dict[str, Any]:
    """Save one row per (test view, type, severity) and film strips of every condition."""
    config: RobustnessConfig = job.config
    began = time.monotonic()
    trained = job.inputs["model"].result
    conditions = conditions_of(config)
    model: Any = change(
        KINDS[trained["stage"]](), trained["config"] | {"limit": config.limit}, job.run.signature
    )
    if trained["data"]["fingerprint"] != job.dataset.fingerprint:
        raise UsageError(
            f"--data {' '.join(config.data)}: fingerprint {job.dataset.fingerprint}, but the model was trained on "
            f"{trained['data']['name']} with {trained['data']['fingerprint']}. Give the same list of the same files."
        )
    _, test = divide(job.dataset, model.fold, model.folds)
    material = prepare(job, {"test": test}, model, law_of(model))
    compute = choose(config.device, config.precision)
    backbone = build_backbone(model.backbone, model.seed)
    classifier = Classifier(backbone, backbone.dim, len(job.dataset.classes))
    classifier.load_state_dict(load_weights(job.inputs["model"].path / "weights.safetensors"))
    view = View(law_of(model), model.views, model.crop, config.batch)
    tick = (lambda done, total: progress(done, total, {})) if progress else None
    rows = predict(classifier, view, material, compute, conditions, seed=config.seed, tick=tick)
    write_predictions(job.run.path / "predictions.parquet", rows)
    write_strips(job.run.path / "strips.npz", _strips(view, material, conditions, config.seed))
    return {
        "summary": f"robustness of {trained['summary']}",
        "data": data_facts(job, material, material.parts),
        "budget": forward_budget(classifier, view, len(rows), compute, began),
        "chance": trained["chance"],
        "label_changing": list(job.dataset.label_changing),
        "notes": material.notes,
    }  # fmt: skip


def conditions_of(config: RobustnessConfig) -> list[tuple[str, int]]:
    """Clean first, then every type at every severity."""
    return [(CLEAN, 0)] + [
        (name, severity) for name in config.perturbations for severity in config.severities
    ]


def _strips(
    view: View, material: Material, conditions: Sequence[tuple[str, int]], seed: int
) -> dict[str, np.ndarray]:
    clip = next(view.clips(material, "test"))
    order = [i % view.number for i in range(len(clip))]
    return {
        f"{name} {severity}" if severity else name: strip(perturb(clip, name, severity, seed, order), 0)
        for name, severity in conditions
    }
