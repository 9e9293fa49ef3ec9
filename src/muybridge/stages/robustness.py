"""robustness: predict every test video clean and under every perturbation, from one decode."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from muybridge.backbones.weights.pretrained import put_weights
from muybridge.config.config_fields import ConfigFields, fields_of
from muybridge.config.control import Precision
from muybridge.config.names import is_external, is_run_of
from muybridge.config.stage_configs import (
    FinetuneConfig,
    ProbeConfig,
    RobustnessConfig,
    ZeroshotConfig,
    change,
    kind_of,
)
from muybridge.core.errors import UsageError
from muybridge.core.label_changes import label_map
from muybridge.core.networks.features import Classifier
from muybridge.data.class_file import read_classes
from muybridge.data.index import Dataset, VideoRecord, check_same, divide, fingerprints
from muybridge.data.lists.name_groups import is_pattern
from muybridge.data.loader import check_broken
from muybridge.perturb.apply import conditions
from muybridge.perturb.profiles import profile_of
from muybridge.runs.contents import snapshots
from muybridge.runs.contents.result_fields import DataFields, Facets
from muybridge.runs.contents.strips import write_strips
from muybridge.runs.records import Run
from muybridge.runs.signing import signature
from muybridge.stages.job import consent, declared
from muybridge.stages.job.check import check_cells, check_own
from muybridge.stages.job.declared import changing, pairs
from muybridge.stages.job.facets import facets_of_run
from muybridge.stages.job.job import Job, Progress, Request, Result, Stage, Work, views_of
from muybridge.stages.job.origins import Planned, result_config
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.stages.testing import labelling, models
from muybridge.stages.testing.clip_protocol import Protocol, chosen, of_run
from muybridge.stages.testing.controls import CONTROLS, IDENTITY, LOSSLESS, against_clean, categories, moved
from muybridge.stages.testing.grid import Grid, run_grid, spent
from muybridge.stages.testing.labels import Labels, matched, same
from muybridge.stages.testing.models import TestedModel
from muybridge.stages.testing.parts import ResumableRows
from muybridge.stages.testing.predict import view_of
from muybridge.stages.testing.tested import Cached, Direct, Tested, direct, fitting, held_out, some
from muybridge.stages.testing.tested_strips import condition_strips, flip_strips
from muybridge.stages.texts.own_pair import model_of
from muybridge.stages.texts.question import question_of
from muybridge.stages.texts.text_scored import blind_words, judge
from muybridge.stages.training.material import build_backbone, law_of, prepare
from muybridge.store.storage import local
from muybridge.train.checkpoint import load_weights
from muybridge.train.precision import Compute, choose

FOREIGN = (
    "weights", "weights_key", "weights_prefix", "classes", "layout", "range", "mean", "std", "channels", "protocol", "views",
    "frames", "stride", "fps", "short_side", "crop",
)  # fmt: skip
"""Fields that a model of our own answers by itself."""


@dataclass(frozen=True)
class RobustnessSetup:
    """Who is asked about what.

    Attributes:
        subject: the model.
        labels: from labels of the data set to classes of the model.
        protocol: how clips are cut.
        records: tested videos, broken ones included.
        tested: their clips.
        batch: clips per forward pass.
        broken: videos of the data set that are known to be broken.
        seen: perturbations that the model was trained on.
        blind: whether no order of frames can change its scores.
    """

    subject: TestedModel
    labels: Labels
    protocol: Protocol
    records: Sequence[VideoRecord]
    tested: Tested
    batch: int
    broken: list[dict[str, str]]
    notes: list[str]
    seen: list[str] = field(default_factory=list)
    blind: bool = False


class Robustness(Stage[RobustnessConfig]):
    """Measure a classifier on perturbed clips."""

    name = "robustness"
    shorter = "--types, --severities, --views or --limit"

    def located(self, config: RobustnessConfig) -> RobustnessConfig:
        """Full paths of tables of changed labels."""
        return replace(config, label_changing=declared.absolute(config.label_changing))

    def precision(self, config: RobustnessConfig, subject: TestedModel | None, networks: Sequence[str]) -> Precision:  # fmt: skip
        """``auto`` is float32 for a model that came whole, head and all, and where texts are compared."""
        foreign = subject or is_external(config.model) or is_run_of(config.model, ("zeroshot",))
        own = replace(config, precision="fp32") if foreign and config.precision == "auto" else config
        return super().precision(own, subject, networks)

    def inherit(self, config: RobustnessConfig, origins: Planned) -> RobustnessConfig:
        """The data set of the model where none is named, and all types of the profile."""
        if "model" in origins and not config.data:
            model = origins["model"]
            config = replace(config, data=tuple(model["data"]), root=config.root or model["root"])
        return config if config.types else replace(config, types=tuple(profile_of(config.profile).types))

    def load(self, config: RobustnessConfig, origins: Planned, memory: ResolveCache) -> Dataset:
        """Read by the columns that the model was trained on, where the config names none itself.

        A folder has no columns: those of a list that the model was trained on say nothing of it.
        """
        values = fields_of(config)
        if "model" in origins:
            model = origins["model"]
            folders = all(local(source).expanduser().is_dir() for source in config.data)
            columns = (model["label"], model["group"])
            label, group = (None if folders and not is_pattern(one) else one for one in columns)
            values = {**values, "label": config.label or label, "group": config.group or group}
            values["where"] = config.where or model.get("where", ())
            values["allow_links"] = config.allow_links or model.get("allow_links", False)
        return declared.declare(memory.load_for(values), config.label_changing)

    def check(
        self, config: RobustnessConfig, dataset: Dataset, origins: Planned, memory: ResolveCache
    ) -> None:
        """Refuse what is no cell of the grid, and fields that a run answers by itself."""
        super().check(config, dataset, origins, memory)
        check_cells(config.profile, config.types, config.severities, config.frames or 2, single=True)
        for name in ("types", "severities"):
            given: tuple[object, ...] = vars(config)[name]
            if twice := next((value for value in given if given.count(value) > 1), None):
                raise UsageError(f"--{name}: {twice} stands there twice.")
        check_own(config, config.model, self.facts.inputs["model"], FOREIGN)

    def signed(self, config: RobustnessConfig, dataset: Dataset, memory: ResolveCache) -> dict[str, object]:
        """The label changes that are declared, not where they stand."""
        return declared.signed(dataset, config.label_changing)

    def job(self, asked: Request[RobustnessConfig]) -> Job[RobustnessConfig]:
        """Of a run: whether it is tested on other data than its own; of any other model: signed by its weights and classes."""
        if not asked.inputs:
            return _foreign_job(asked)
        job, model = super().job(asked), asked.inputs["model"]
        known = model.done and not asked.dataset.has(model.result.get("data", {}).get("fingerprint"))
        if not known:
            return job
        data = f"{asked.dataset.name} (trained on {job.facets['data']})"
        return replace(job, facets=job.facets | {"data": data, "fold": None}, shifted=True)

    def facets(self, config: ConfigFields, data: str, planned: Planned) -> Facets:
        """Those of its model."""
        model = Run(Path(snapshots.split(config["model"])[0]))
        told: Facets = model.result.get("facets", {}) if model.done else facets_of_run(model, data, planned)
        return told.copy()

    def work(self, config: ConfigFields, backbone: str, train: int, test: int) -> Work:
        """Every test view clean and under every type and severity."""
        cells = len(conditions(config["profile"], config["types"], config["severities"]))
        return Work(0.0, float(test * views_of(config) * cells), " ".join(config["types"]))

    def run(self, job: Job[RobustnessConfig], progress: Progress | None) -> Result:
        """Save one row per (test view, type, severity), the control cells, and film strips; several processes share the videos."""
        config = job.config
        began = time.monotonic()
        compute = choose(config.device, config.precision)
        trial = setup(job, compute)
        grid = grid_of(job, trial)
        tick = (lambda done, total: progress(done, total, {})) if progress else None
        state = job.run.path / "state"
        parts = run_grid(grid, trial.subject, trial.labels, trial.tested, compute, state, tick)
        if parts is None:
            return {}
        nans = _saved(job, trial, parts) - len(parts.broken) * len(grid.conditions)
        controls, notes = _controlled(job)
        if nans:
            notes.append(f"{nans} rows have scores that are not numbers: they count as wrong")
        facts = _facts(job, trial, grid)
        left_out = {*CONTROLS, *facts["label_changing"]}
        strips = condition_strips(grid, trial.tested, CONTROLS)
        strips |= flip_strips(
            grid, trial.tested, job.run.path / "predictions.parquet", trial.protocol.views, left_out
        )
        write_strips(job.run.path / "strips.npz", strips)
        if taken := trial.subject.checkpoint:
            job.checkpoint.update(taken.facts() | {"note": taken.note()})
        shown = len(trial.records) * len(grid.conditions)
        return {
            **facts,
            **controls,
            **({"order_free": True} if trial.blind else {}),
            "budget": spent(trial.subject, trial.protocol, len(trial.labels.classes), shown, compute, began),
            "notes": trial.notes + notes,
        }


def setup(job: Job[RobustnessConfig], compute: Compute) -> RobustnessSetup:
    """The model of a job, loaded, and the clips that it is asked about; nothing is computed yet but embeddings of texts.

    Raises:
        UsageError: model and data do not fit together.
    """
    if job.subject:
        return _foreign(job, job.subject, compute)
    return _zeroshot(job, compute) if job.inputs["model"].stage == "zeroshot" else _own(job)


def grid_of(job: Job[RobustnessConfig], trial: RobustnessSetup) -> Grid:
    """The cells of a job, clean first, then the identity.

    Raises:
        UsageError: a temporal type on clips of one frame.
    """
    config = job.config
    cells = config.profile, config.types, config.severities
    check_cells(*cells, trial.protocol.frames, single=True)
    clean, *others = conditions(*cells)
    return Grid([clean, (IDENTITY, 0), *others], job.dataset.name, trial.batch, config.profile, config.seed)


def _own(job: Job[RobustnessConfig]) -> RobustnessSetup:
    """A finished finetune or probe run, on the clips that it was tested with."""
    config = job.config
    source = job.inputs["model"]
    trained = source.result
    config_of = result_config(source)
    consent.demand(config_of, source.path / "result.json", consent.given(fields_of(config)))
    model = cast(
        FinetuneConfig | ProbeConfig,
        change(kind_of(source.stage)(), {**config_of, "limit": config.limit}, source.signature),
    )
    told = trained.get("data", {})
    classes = tuple(told.get("classes", ()))
    if job.shifted:
        labels = matched(job.dataset.classes, classes, job.dataset.name)
        test, notes = held_out(job.dataset, config.limit, config.limit_over, config.seed)
        notes = [*notes, labelling.shift(told, job.dataset, classes)]
    else:
        _check_data(job, told)
        labels, notes = same(job.dataset.classes), []
        test = some(divide(job.dataset, *model.split)[1], config.limit, config.limit_over, config.seed)
    material = prepare(job, {"test": test}, model, law_of(model))
    backbone = build_backbone(model.backbone, model.seed)
    classifier = Classifier(backbone, backbone.dim, len(labels.classes))
    weights = source.path / "weights.safetensors"
    put_weights(classifier, load_weights(weights), weights)
    batch = config.batch or view_of(model).batch
    return RobustnessSetup(
        TestedModel(trained.get("summary", ""), classifier, labels.classes, source.signature),
        labels,
        of_run(model),
        material.parts["test"],
        Cached(view_of(model, batch), material),
        batch,
        material.broken,
        material.notes + notes,
        list(trained.get("seen") or []),
    )


def _zeroshot(job: Job[RobustnessConfig], compute: Compute) -> RobustnessSetup:
    """A finished zero-shot run, on the clips and with the question that it was tested with."""
    config = job.config
    source = job.inputs["model"]
    told = result_config(source)
    consent.demand(told, source.path / "result.json", consent.given(fields_of(config)))
    asked = change(ZeroshotConfig(), {**told, "limit": config.limit}, source.signature)
    _check_data(job, source.result.get("data", {}))
    subject, protocol = model_of(asked)
    question = question_of(asked, job.dataset)
    judged = judge(subject, question, asked.logit_scale)
    records, notes = held_out(job.dataset, config.limit, config.limit_over, config.seed)
    batch = config.batch or asked.batch or fitting(protocol, compute.device)
    tested, noted = direct(records, protocol, batch, config.workers, config.allow_broken)
    model = TestedModel(
        str(source.result.get("summary", subject.name)), judged, question.classes, source.signature
    )
    blind = judged.model.order_free
    words = [blind_words(subject.name)] if blind else []
    notes = [*job.notes, *notes, *noted, *words]
    return RobustnessSetup(model, question.labels, protocol, records, tested, batch, [], notes, blind=blind)


def _check_data(job: Job[RobustnessConfig], told: DataFields) -> None:
    """Refuse other data than those of the model's run.

    Raises:
        UsageError: says both fingerprints.
    """
    if not job.dataset.has(told.get("fingerprint")):
        raise UsageError(
            f"--data {' '.join(job.config.data)}: fingerprint {job.dataset.fingerprint}, but the model's run read "
            f"{told.get('name')} with {told.get('fingerprint')}. Give the same list of the same files."
        )


def _foreign(job: Job[RobustnessConfig], subject: TestedModel, compute: Compute) -> RobustnessSetup:
    """Any other model, on clips straight from the files."""
    config = job.config
    where = job.dataset.name
    classes = subject.classes or job.dataset.classes
    labels = matched(job.dataset.classes, classes, where) if subject.classes else same(classes)
    protocol = chosen(config, subject.protocol, subject.clip)
    records, notes = held_out(job.dataset, config.limit, config.limit_over, config.seed)
    batch = config.batch or fitting(protocol, compute.device)
    tested, noted = direct(records, protocol, batch, config.workers, config.allow_broken)
    taken = labelling.notes(labels, job.dataset.classes, bool(subject.classes))
    return RobustnessSetup(
        subject, labels, protocol, records, tested, batch, [], [*job.notes, *taken, *notes, *noted]
    )


def _saved(job: Job[RobustnessConfig], trial: RobustnessSetup, parts: ResumableRows) -> int:
    """Join the parts into ``predictions.parquet`` and ``controls.parquet``; returns the rows with scores that are no numbers.

    Raises:
        UsageError: more than 1 % of the videos, read for the first time, turned out to be broken and that was not allowed.
        MuybridgeError: a file changed meanwhile.
    """
    if isinstance(trial.tested, Direct):
        reasons = {one["path"]: one["reason"] for one in parts.broken}
        found = [reasons.get(str(record.video), "") for record in trial.records]
        trial.broken.extend(check_broken(trial.records, found, job.config.allow_broken))
        check_same(job.dataset, trial.records, fingerprints(trial.records))
    path = job.run.path
    return parts.join({path / "controls.parquet": CONTROLS}, path / "predictions.parquet")


def _facts(job: Job[RobustnessConfig], trial: RobustnessSetup, grid: Grid) -> dict[str, Any]:
    """What ``result.json`` says of the model, the data and what was asked."""
    config = job.config
    profile, subject, labels = profile_of(config.profile), trial.subject, trial.labels
    videos = [record.id for record in trial.records]
    strength = moved(grid, trial.protocol.frames, videos, trial.protocol.views)
    names = {name: labels.classes[labels.first(i)] for i, name in enumerate(job.dataset.classes)}
    changed = label_map(job.dataset.changes, grid.conditions, strength["order"], names)
    return {
        "summary": f"robustness of {subject.name}" + (f" on {job.dataset.name}" if job.subject else ""),
        "data": {
            "name": job.dataset.name, "fingerprint": job.dataset.fingerprint, "classes": list(trial.labels.classes),
            "videos": {"test": len(videos)}, "broken": trial.broken, "source": list(config.data), **pairs(job.dataset, names),
        },
        "profile": {"name": profile.name, "version": profile.version},
        "protocol": trial.protocol.facts(),
        "categories": categories(grid.conditions),
        "model": {
            "name": subject.name, "weights": subject.key, "classes": len(trial.labels.classes),
            **({"preprocessing": dict(subject.preprocessing)} if subject.preprocessing else {}),
        },
        "accepted": {}
        if trial.labels == same(job.dataset.classes)
        else trial.labels.facts(job.dataset.classes),
        **strength,
        "seen": trial.seen,
        "chance": labels.chance([record.label for record in trial.records]),
        "label_changing": changing(changed),
        "label_map": changed,
    }  # fmt: skip


def _controlled(job: Job[RobustnessConfig]) -> tuple[Mapping[str, object], list[str]]:
    """The control cells for ``result.json``, and notes where one of them is not as it must be."""
    found = against_clean(job.run.path / "predictions.parquet", job.run.path / "controls.parquet")
    notes = []
    if not found[IDENTITY]["equal"]:
        notes.append("the identity cell differs from the clean run: the scores of equal clips differ")
    if LOSSLESS in found and not found[LOSSLESS]["equal"]:
        flips = found[LOSSLESS]["flips"]
        notes.append(
            f"a lossless encoder and decoder change {flips:.1%} of the answers: codecs lose that much by themselves"
        )
    return found, notes


def _foreign_job(asked: Request[RobustnessConfig]) -> Job[RobustnessConfig]:
    """A job on a model that is no run."""
    config, dataset = asked.config, asked.dataset
    subject = models.fed(asked.subject or models.load(config), config)
    if config.classes:
        subject = replace(subject, classes=read_classes(Path(config.classes)))
    evaluation = chosen(config, subject.protocol, subject.clip)
    signed = asked.signed | {"evaluation": evaluation.facts(), "class_names": subject.classes}
    name = signature(config.stage, signed, {"model": subject.key})
    facets = Facets(
        arm=subject.name, data=dataset.name, protocol=evaluation.name, seed=0, fold=None, backbone=""
    )
    return Job(config.stage, config, dataset, {}, name, facets, signed, list(dataset.notes), subject)


ROBUSTNESS = Robustness()
