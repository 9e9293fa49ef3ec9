"""finetune: train backbone and linear layer on labels, then predict every test video.

With ``--validation`` a share of the training videos is held out, and both the weights of the last epoch and those with the lowest loss
on the held-out videos are tested. ``--keep`` says which of them the run hands on (``weights.safetensors``, ``predictions.parquet``);
the others lie beside them under their name. Nothing is chosen on test videos.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from functools import partial

from torch import Tensor

from muybridge.backbones import check_clip
from muybridge.config.config_fields import ConfigFields
from muybridge.config.stage_configs import FinetuneConfig, Transfer, as_dict
from muybridge.core.networks.features import Classifier
from muybridge.core.networks.gather import rank
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.objective import Learner
from muybridge.runs.contents.predictions import write_predictions
from muybridge.runs.contents.strips import write_strips
from muybridge.runs.signing import signed_fields
from muybridge.stages.job.facets import is_still
from muybridge.stages.job.job import Job, Progress, Result
from muybridge.stages.testing.answers import predict
from muybridge.stages.testing.predict import View, view_of
from muybridge.stages.testing.tested_strips import class_strips
from muybridge.stages.training.labelled import Labelled, parts_of
from muybridge.stages.training.material import Material, backbone_of, data_facts, law_of, prepare, seeded
from muybridge.stages.training.tasks import account as account_of_tasks
from muybridge.stages.training.tasks import build_weighting, inactive, meta_batches, with_auxiliaries
from muybridge.stages.training.teachers import with_teachers
from muybridge.stages.training.training import account as spent_of
from muybridge.stages.training.training import budget, compute_of, loader_of, optimise, steps_within
from muybridge.stages.training.transfer_protocol import transfer_of
from muybridge.stages.training.validation import Best, Validation, account
from muybridge.train.checkpoint import save_weights

ARM = (
    *(
        "auxiliary",
        "auxiliary_options",
        "auxiliary_only_views",
        "weighting",
        "weighting_options",
        "mode",
        "meta_share",
    ),
    *("budget", "budget_unit"),
    *("teachers", "teacher_temperature", "teacher_classes"),
    *("teacher_views", "feature_weight", "feature_targets"),
)
"""Fields that make another arm of the same experiment: what else is trained, how that is weighted, at what cost."""


class Finetune(Labelled[FinetuneConfig]):
    """Train backbone and linear layer on labels."""

    name = "finetune"
    shorter = "--epochs or --labels-per-class"

    def protocol(self, config: ConfigFields) -> str:
        """How many labels, whether clips move, and what they are perturbed by."""
        few = config["labels_per_class"]
        seen = f", perturbed by {' '.join(config['perturb'])}" if config.get("perturb") else ""
        still = ", single frame" if is_still(config) else ""
        return f"{self.facts.title}, {f'{few} labels per class' if few else 'all labels'}{still}{seen}"

    def recipe(self, config: FinetuneConfig) -> tuple[Mapping[str, object], str]:
        """Every option of the training; those of clips, data and model, which all transfers share, are none of them."""
        shared = {field.name for field in fields(Transfer)} - {"batch"}
        left_out = shared | {"labels_per_class", *ARM}
        recipe = {
            name: value for name, value in signed_fields(as_dict(config)).items() if name not in left_out
        }
        if config.keep == "last":
            return recipe, "nothing is chosen: the weights of the last epoch"
        return recipe, "weights with the lowest loss on held-out training videos"

    def run(self, job: Job[FinetuneConfig], progress: Progress | None) -> Result:
        """Train, save the classifier and one row of predictions per test view; of several processes the first writes."""
        config = job.config
        parts = parts_of(job)
        backbone = backbone_of(job)
        check_clip(backbone, config.frames, config.crop)
        classes = len(job.dataset.classes)
        supervised = seeded(partial(Supervised, backbone.dim, classes), config.seed)
        objective = with_auxiliaries(config, "supervised", supervised, backbone.dim)
        if config.teachers:
            objective = with_teachers(job, supervised, compute_of(config))
        weighting = build_weighting(config, objective, backbone)
        law = objective.law(config.frames, config.stride, 0, config.short)
        material = prepare(job, parts, config, law)
        objective.needs(config.batch, len(material.parts["train"]))
        learner = seeded(
            partial(Learner, backbone, objective, config.frames, config.crop), config.seed, "learner"
        )
        classifier = Classifier(backbone, backbone.dim, classes)
        classifier.head = supervised.head
        validation = _validation(job, learner, classifier, material)
        per_epoch = len(material.parts["train"]) / config.batch
        loader = loader_of(job, material, law, config.batch)
        meta = meta_batches(config, weighting, objective, material, config.batch)
        steps = max(1, math.ceil(config.epochs * per_epoch))
        if config.budget is not None:
            steps = steps_within(config, learner, loader, weighting, meta)
        state = optimise(
            job, learner, loader, steps, progress, validation=validation, weighting=weighting, meta=meta
        )
        _test(job, classifier, validation.best.weights if validation else {}, material)
        if rank() > 0:
            return {}
        curve = [row for row in job.run.metrics if "loss" in row]
        spent = budget(state, learner, loader, config.frames, weighting, config.budget_unit or "clips")
        stated, broken = spent_of(config, spent) if config.budget is not None else ({}, [])
        several = account_of_tasks(config, weighting, objective, curve, config.batch)
        return {
            "summary": f"{job.facets['protocol']} of {job.facets['arm']} on {job.dataset.name}",
            "data": data_facts(job, material, material.parts),
            "budget": spent | stated,
            "chance": 1 / classes,
            "protocol": transfer_of(config).facts(),
            "seen": list(config.perturb),
            "notes": material.notes + broken + inactive(several.get("tasks", {})) + weighting.words(),
            **several,
            **({"weights": account(job.run.metrics, per_epoch)} if validation else {}),
        }  # fmt: skip


def _validation(
    job: Job[FinetuneConfig], learner: Learner, classifier: Classifier, material: Material
) -> Validation | None:
    """Looks at the held-out videos; what they keep is saved with the learner."""
    config = job.config
    if not config.validation:
        return None
    learner.best = Best()
    view = View(law_of(config), 1, config.crop, max(64, config.batch))
    return Validation(classifier, learner.best, material, view, compute_of(config))


def _test(
    job: Job[FinetuneConfig], classifier: Classifier, best: Mapping[str, Tensor], material: Material
) -> None:
    """Write weights, predictions and film strips; ``best`` is empty where only the last weights are tested."""
    config = job.config
    last = {name: value.detach().cpu().clone() for name, value in classifier.state_dict().items()}
    view = view_of(config)
    for name, weights in (("last", last), *([("best-validation", best)] if best else [])):
        classifier.load_state_dict(weights)
        tail = "" if name == config.keep else f"-{name}"
        rows = predict(classifier, job.dataset.classes, view, material, compute_of(config))
        if rank() == 0:
            save_weights(job.run.path / f"weights{tail}.safetensors", classifier)
            write_predictions(job.run.path / f"predictions{tail}.parquet", rows)
    if rank() == 0:
        write_strips(job.run.path / "strips.npz", class_strips(job, material, view))


FINETUNE = Finetune()
