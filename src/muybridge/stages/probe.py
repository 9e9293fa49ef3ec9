"""probe: train a linear layer on frozen features, then predict every test video."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import torch

from muybridge.config.config_fields import ConfigFields
from muybridge.config.stage_configs import ProbeConfig
from muybridge.core.networks.features import Classifier
from muybridge.core.networks.gather import rank
from muybridge.data.index import VideoRecord, assign_folds
from muybridge.measure.features.linear import DECAYS, Linear, fit_linear
from muybridge.runs.contents.predictions import write_predictions
from muybridge.runs.contents.strips import write_strips
from muybridge.stages.features.frozen import Frozen, divided, frozen_features
from muybridge.stages.features.frozen_stage import FrozenStage, frozen_budget
from muybridge.stages.features.norm_calibration import frozen_backbone
from muybridge.stages.job.job import Job, Progress, Result, Work, views_of
from muybridge.stages.testing.answers import majority, predict
from muybridge.stages.testing.predict import view_of
from muybridge.stages.testing.tested_strips import class_strips
from muybridge.stages.training.material import data_facts
from muybridge.stages.training.transfer_protocol import transfer_of
from muybridge.train.checkpoint import save_weights
from muybridge.train.distributed import broadcast
from muybridge.train.precision import Compute, choose


class Probe(FrozenStage[ProbeConfig]):
    """Train a linear layer on frozen features."""

    name = "probe"

    def recipe(self, config: ProbeConfig) -> tuple[Mapping[str, object], str]:
        """A logistic regression whose weight decay is chosen on training videos."""
        recipe = {
            "layer": "multinomial logistic regression on standardised pooled features, one row per clip",
            "weight_decays": list(DECAYS),
        }
        chosen = (
            "weight decay by held-out folds of the training videos, whole groups; then fitted on all of them"
        )
        return recipe, chosen

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """It reads the features of all videos, then answers the test clips."""
        features = super().work(config, backbone, train, test)
        return Work(0.0, features.seen + views_of(config) * test)

    def run(self, job: Job[ProbeConfig], progress: Progress | None) -> Result:
        """Fit the linear layer, save backbone and layer as one classifier and one row of predictions per test view."""
        config = job.config
        began = time.monotonic()
        material = divided(job)
        compute, view = choose(config.device, config.precision), view_of(config)
        backbone = frozen_backbone(job, view, material, compute)
        train, test = material.parts["train"], material.parts["test"]
        frozen = frozen_features(job, backbone, view, material, compute, progress=progress)
        fitted = broadcast(_fitted(job, frozen, train, compute) if rank() == 0 else None)
        assert fitted is not None
        classifier = Classifier(backbone, fitted.weight.shape[1], len(job.dataset.classes))
        classifier.head.load_state_dict(
            {"weight": torch.from_numpy(fitted.weight), "bias": torch.from_numpy(fitted.bias)}
        )
        answers = predict(classifier, job.dataset.classes, view, material, compute)
        if rank() > 0:
            return {}
        save_weights(job.run.path / "weights.safetensors", classifier)
        write_predictions(job.run.path / "predictions.parquet", answers)
        write_strips(job.run.path / "strips.npz", class_strips(job, material, view))
        return {
            "summary": f"linear probe of {job.facets['arm']} on {job.dataset.name}",
            "data": data_facts(job, material, material.parts),
            "protocol": transfer_of(config).facts(),
            "budget": frozen_budget(job, backbone, view, material, frozen, compute, began, answered="test"),
            "chance": 1 / len(job.dataset.classes),
            "majority": majority(train, test, job.dataset.classes),
            "selection": selection(fitted),
            "notes": [*material.notes, *single(train, job.dataset.classes), *remarks(fitted)],
        }


def _fitted(job: Job[ProbeConfig], frozen: Frozen, train: Sequence[VideoRecord], compute: Compute) -> Linear:
    """The linear layer on the features of every view of the training videos."""
    rows, folds = frozen.of(train), validation_folds(job, train)
    return fit_linear(
        rows.reshape(-1, rows.shape[2]),
        np.repeat([record.label for record in train], rows.shape[1]),
        np.repeat([folds[record.id] for record in train], rows.shape[1]),
        len(job.dataset.classes),
        device=str(compute.device),
    )


def validation_folds(job: Job[ProbeConfig], train: Sequence[VideoRecord]) -> dict[str, int]:
    """Fold of each training video, for the choice of a setting: groups stay whole, classes are spread; one fold where there is one group.

    Videos without a known group are spread by a hash of their id.
    """
    if len({record.group for record in train}) < 2:
        return {record.id: 0 for record in train}
    number = assign_folds(replace(job.dataset, records=tuple(train)))
    return {record.id: number[record.group] for record in train}


def selection(fitted: Linear) -> dict[str, object]:
    """The choice of the weight decay for ``result.json``: what was chosen, on how many held-out training clips, and the whole grid."""
    return {
        "weight_decay": fitted.decay,
        "held_out": fitted.held_out,
        "refitted": "on all training clips with the chosen weight decay",
        "grid": [asdict(one) for one in fitted.grid],
    }


def single(train: Sequence[VideoRecord], classes: Sequence[str]) -> list[str]:
    """A note on classes that have one training video: it cannot be trained on and held out."""
    counts = Counter(record.label for record in train)
    names = [classes[label] for label, number in sorted(counts.items()) if number < 2]
    if not names:
        return []
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [
        f"class {names[0]!r}{more}: one training video, which has no say in the choice of the weight decay"
    ]


def remarks(fitted: Linear) -> list[str]:
    """What a reader must know of the choice."""
    if not fitted.grid:
        return [
            f"no training clip could be held out to choose the weight decay of the linear layer; {fitted.decay:g} was taken"
        ]
    ends = {fitted.grid[0].decay: "strongest", fitted.grid[-1].decay: "weakest"}
    if fitted.decay in ends:
        return [
            f"the weight decay chosen for the linear layer, {fitted.decay:g}, is the {ends[fitted.decay]} of the grid"
        ]
    return []


PROBE = Probe()
