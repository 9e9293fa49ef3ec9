"""Fields of the configs as keyword arguments of the Python functions: what a type checker and an editor know of them.

Written out, as a type checker runs nothing; a test compares every name and type with the configs, which alone hold defaults and meanings.
``data``, ``out`` and what else a function names itself are not here.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Literal, TypedDict

from muybridge.config.control import Precision, Tracker
from muybridge.config.stage_configs import Optimiser, Step

Word = str | PathLike[str]
"""A name, a folder or a run."""
Words = Word | Sequence[Word]
Numbers = int | Sequence[int]


class ControlFields(TypedDict, total=False):
    """Fields of ``Control``."""

    resume: bool
    overwrite: bool
    device: Word
    precision: Precision
    seed: int
    workers: int
    limit: int | None
    allow_broken: bool
    allow_links: bool
    dry_run: bool
    track: Sequence[Tracker]
    prereg: Word
    trust_code: Words
    stream: int | None


class DataFields(ControlFields, total=False):
    """Fields of ``Data``."""

    label: Word | None
    group: Word | None
    root: Word | None
    frames: int
    stride: int
    sampling: Literal["dense", "uniform"]
    short: Literal["shrink", "loop", "skip"]
    size: int
    crop: int
    backbone: Word
    batch: int


class OptimisationFields(DataFields, total=False):
    """Fields of ``Optimisation``."""

    optimiser: Optimiser
    lr: float
    schedule: Literal["cosine", "steps"]
    decay: float
    weight_decay: float
    warmup: float
    clip_norm: float
    threads: int
    augment: Sequence[Step]
    auxiliary: Words
    auxiliary_options: Words
    weighting: Word
    weighting_options: Words
    mode: Word | None
    meta_share: float


class TransferFields(DataFields, total=False):
    """Fields of ``Transfer``."""

    init: Word
    weights_key: Word | None
    weights_prefix: Word | None
    fold: int | Literal["all"] | None
    folds: int | None
    views: int
    crops: Literal[1, 3]


class PretrainFields(OptimisationFields, total=False):
    """Fields of ``PretrainConfig``."""

    objective: Word
    complexity: int | None
    objective_preset: Literal["benchmark", "paper"]
    objective_options: Words
    budget: int
    budget_unit: Literal["clips", "steps", "flops", "epochs"]
    decay_at: Sequence[float]
    gap: int
    held_out_fold: int | None
    held_out_folds: int | None
    caption: Word | None
    augment2: Sequence[Step]


class FinetuneFields(TransferFields, OptimisationFields, total=False):
    """Fields of ``FinetuneConfig``."""

    teacher_temperature: float
    teacher_classes: Literal["own", "permuted"]
    teacher_views: Literal["consistent", "cached"]
    feature_weight: float
    feature_targets: Literal["raw", "standardised"]
    labels_per_class: int | None
    epochs: int
    auxiliary_only_views: bool
    budget: int | None
    budget_unit: Literal["clips", "steps", "flops", "epochs"] | None
    decay_epochs: Numbers
    validation: float
    keep: Literal["last", "best-validation"]
    perturb: Words
    perturb_severities: Numbers
    perturb_share: float
    perturb_profile: Word


class DiversityFields(FinetuneFields, total=False):
    """Fields of ``DiversityConfig``."""

    points: Numbers
    gradient_batch: int
    gradient_batches: int
    redraws: int
    teachers: Words


class ProbeFields(TransferFields, total=False):
    """Fields of ``ProbeConfig``."""


class KnnFields(TransferFields, total=False):
    """Fields of ``KnnConfig``."""

    k: int | None
    ks: Numbers
    temperature: float


class RetrievalFields(TransferFields, total=False):
    """Fields of ``RetrievalConfig``."""

    ks: Numbers
    features: Literal["pooled", "conv5"]


class TestedFields(ControlFields, total=False):
    """Fields of ``TestedConfig``."""

    weights: Word | None
    weights_key: Word | None
    weights_prefix: Word | None
    classes: Word | None
    layout: Literal["bcthw", "btchw", "list"] | None
    range: Literal["0-1", "0-255", "-1-1"] | None
    mean: Sequence[float]
    std: Sequence[float]
    channels: Literal["rgb", "bgr"] | None
    label: Word | None
    group: Word | None
    root: Word | None
    where: Words
    label_changing: Words
    protocol: Word | None
    views: Word | None
    frames: int | None
    stride: int | None
    fps: float | None
    short_side: int | None
    crop: int | None
    batch: int | None


class RobustnessFields(TestedFields, total=False):
    """Fields of ``RobustnessConfig``."""

    profile: Word
    types: Words
    severities: Numbers
    limit_over: Literal["classes", "groups"]


class AuditFields(TestedFields, total=False):
    """Fields of ``AuditConfig``, but for ``minutes``, which the function names itself."""


class ZeroshotFields(ControlFields, total=False):
    """Fields of ``ZeroshotConfig``."""

    weights: Word | None
    classes: Word | None
    words: Word | None
    conse_top: int
    label: Word | None
    group: Word | None
    root: Word | None
    where: Words
    candidates: Word | None
    templates: Word
    names: Word
    ensemble: Literal["normalise-first", "mean-first"]
    pooling: Literal["normalise-first", "mean-first"]
    seen: Word | None
    logit_scale: float | None
    protocol: Word | None
    sampling: Literal["dense", "uniform", "ends"] | None
    views: Word | None
    frames: int | None
    stride: int | None
    fps: float | None
    short_side: int | None
    crop: int | None
    batch: int | None


class NeighboursFields(DataFields, total=False):
    """Fields of ``NeighboursConfig``."""

    init: Word
    weights_key: Word | None
    weights_prefix: Word | None
    nearest: int
    queries: int
    views: int


class SimilarityFields(ControlFields, total=False):
    """Fields of ``SimilarityConfig``."""

    label: Word | None
    group: Word | None
    root: Word | None
    where: Words
    videos: int
    layers: Words
    measure: Sequence[Literal["cka", "cka-biased", "procrustes", "mutual-knn"]]
    pool: Literal["none", "space", "time", "all"]
    repeats: Literal["last", "all"]
    perturb: Words
    perturb_severities: Numbers
    perturb_profile: Word
    protocol: Word | None
    frames: int | None
    stride: int | None
    fps: float | None
    sampling: Literal["dense", "uniform", "ends"] | None
    short_side: int | None
    crop: int | None
    batch: int
    permutations: int
    replicates: int


class ModelFields(TypedDict, total=False):
    """Fields of ``ModelConfig``."""

    weights: Word | None
    weights_key: Word | None
    weights_prefix: Word | None
    layout: Literal["bcthw", "btchw", "list"] | None
    range: Literal["0-1", "0-255", "-1-1"] | None
    mean: Sequence[float]
    std: Sequence[float]
    channels: Literal["rgb", "bgr"] | None
    protocol: Word | None
    views: Word | None
    frames: int | None
    stride: int | None
    fps: float | None
    sampling: Literal["dense", "uniform", "ends"] | None
    short_side: int | None
    crop: int | None
    seed: int
    trust_code: Words


class EmbedFields(ModelFields, total=False):
    """Fields of ``EmbedConfig``."""

    layers: Words
    pool: Literal["all", "space", "time", "none"]
    per: Literal["video", "clip"]
    dtype: Literal["float32", "float16"]
    label: Word | None
    group: Word | None
    root: Word | None
    where: Words
    stream: int | None
    limit: int | None
    allow_broken: bool
    allow_links: bool
    batch: int | None
    device: Word
    precision: Precision
    workers: int
    overwrite: bool
    dry_run: bool


class StudyFields(ControlFields, total=False):
    """Fields of ``StudyConfig``."""

    executor: Literal["local", "ray", "slurm"]
    address: Word | None
    trials: int


class QuickstartFields(StudyFields, total=False):
    """Fields of ``QuickstartConfig``."""

    pretrain_data: Words
    label: Word | None
    group: Word | None
    root: Word | None
    tasks: Words
    seeds: int
    minutes: float | None
    budget: int | None
    label_changing: Words
    transductive: bool
    labels_per_class: int | None
    epochs: int
    severities: Sequence[int]
    size: int | None
    crop: int | None
