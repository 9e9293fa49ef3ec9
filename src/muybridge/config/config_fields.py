"""Fields of the configs of all stages in one type: what ``vars`` of a config, a ``config.yaml`` or a plan says, read by name.

A stage has some of them; a field that several stages have is of any of their types. Sequences are tuples in a config and lists in a file,
and ``out`` is text there. A test compares every name and type with the configs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict, cast

from muybridge.config.stage_configs import Control, as_dict


class ConfigFields(TypedDict, total=False):
    """Resolved values by the name of their field."""

    out: Path | str
    resume: bool
    overwrite: bool
    device: str
    precision: str
    seed: int
    workers: int
    limit: int | None
    allow_broken: bool
    allow_links: bool
    stream: int | None
    dry_run: bool
    track: Sequence[str]
    prereg: str
    trust_code: Sequence[str]
    data: Sequence[str]
    label: str | None
    group: str | None
    root: str | None
    frames: int | None
    stride: int | None
    short: str
    size: int
    crop: int | None
    backbone: str
    batch: int | None
    optimiser: str
    lr: float
    schedule: str
    decay: float
    weight_decay: float
    warmup: float
    clip_norm: float
    threads: int
    augment: Sequence[str]
    auxiliary: Sequence[str]
    auxiliary_options: Sequence[str]
    weighting: str
    weighting_options: Sequence[str]
    mode: str | None
    meta_share: float
    objective: str
    complexity: int | None
    objective_preset: str
    objective_options: Sequence[str]
    budget: int | None
    budget_unit: str | None
    decay_at: Sequence[float]
    gap: int
    held_out_fold: int | None
    held_out_folds: int | None
    caption: str | None
    augment2: Sequence[str]
    init: str
    weights_key: str | None
    weights_prefix: str | None
    fold: int | Literal["all"] | None
    folds: int | None
    views: str | int | None
    crops: int
    k: int | None
    ks: Sequence[int]
    temperature: float
    teachers: Sequence[str]
    teacher_temperature: float
    teacher_classes: str
    teacher_views: str
    feature_weight: float
    feature_targets: str
    labels_per_class: int | None
    epochs: int
    auxiliary_only_views: bool
    decay_epochs: Sequence[int]
    validation: float
    keep: str
    perturb: Sequence[str]
    perturb_severities: Sequence[int]
    perturb_share: float
    perturb_profile: str
    model: str
    weights: str | None
    classes: str | None
    words: str | None
    conse_top: int
    where: Sequence[str]
    candidates: str | None
    templates: str
    names: str
    ensemble: str
    pooling: str
    seen: str | None
    logit_scale: float | None
    protocol: str | None
    sampling: str | None
    fps: float | None
    short_side: int | None
    layout: str | None
    range: str | None
    mean: Sequence[float]
    std: Sequence[float]
    channels: str | None
    label_changing: Sequence[str]
    profile: str
    types: Sequence[str]
    severities: Sequence[int]
    limit_over: str
    features: str
    nearest: int
    queries: int
    a: str
    b: str
    videos: int
    layers: Sequence[str]
    measure: Sequence[str]
    pool: str
    repeats: str
    permutations: int
    replicates: int
    points: Sequence[int]
    gradient_batch: int
    gradient_batches: int
    redraws: int


def fields_of(config: Control) -> ConfigFields:
    """The fields of a config; a stage of another package may have more of them."""
    return cast(ConfigFields, vars(config))


def saved_fields(config: Control) -> ConfigFields:
    """The fields of a config as they are saved: lists and text."""
    return cast(ConfigFields, as_dict(config))


def split_of(config: ConfigFields) -> tuple[int | None, int | None]:
    """The fold and the number of folds, as ``Transfer.split``."""
    fold = config.get("fold")
    assert not isinstance(fold, str), "joins the answers of other runs and divides nothing"
    return fold, config.get("folds")
