"""Configs of the stages: frozen, complete, serialisable; the command line and the Python functions are made from them.

Imports no torch. Fields that cannot change a result are named in ``runs.signing.NOT_SIGNED``.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from muybridge.config.control import Control as Control
from muybridge.config.fields import fit_value
from muybridge.config.robustness_config import AuditConfig as AuditConfig
from muybridge.config.robustness_config import RobustnessConfig as RobustnessConfig
from muybridge.config.similarity_config import SimilarityConfig as SimilarityConfig
from muybridge.config.zeroshot_config import ZeroshotConfig as ZeroshotConfig
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.runs.stages import facts_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Optimiser = Literal["adamw", "sgd"]
Step = Literal[
    "centre-crop", "crop", "resized-crop", "resize", "flip", "rotate", "jitter", "gray", "gamma", "blur", "solarise",
    "benchmark", "benchmark-cvrl", "vcop", "prp", "cvrl", "cvrl-2", "tdl", "rspnet",
    "rspnet-finetune", "severe",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Data(Control):
    """Which videos, and how they become clips."""

    data: tuple[str, ...] = ()
    """Names of `muybridge list datasets`, folders, lists or tar shards (docs/data.md); NAME@N takes N training videos."""
    label: str | None = None
    """Label column of a list."""
    group: str | None = None
    """Group column of a list, or /PATTERN/ of names: groups (subjects, scenes) never straddle a split; intervals are clustered by them."""
    root: str | None = None
    """Folder that the paths of a list start from."""
    frames: int = 8
    """Frames per clip."""
    stride: int = 3
    """Step between the frames of a clip; 0 repeats one frame."""
    sampling: Literal["dense", "uniform"] = "dense"
    """Which frames: dense, every --stride-th of a part of the video; or uniform, one of each of --frames equal parts, at one place in all
    of them that training draws and tests put in the middle. Tasks that cut several clips, or play them faster, know dense alone."""
    short: Literal["shrink", "loop", "skip"] = "shrink"
    """Videos shorter than a clip: shrink gap and stride, loop, or skip the video."""
    size: int = 36
    """Short side and width at which videos are decoded and cached, pixels (centre crop)."""
    crop: int = 32
    """Height and width of what the network sees, pixels."""
    backbone: str = "r2plus1d-tiny"
    """A name of `muybridge list backbones`."""
    batch: int = 48
    """Clips per optimiser step (global, over all processes); a task of n clips per video takes batch / n videos."""


@dataclass(frozen=True, kw_only=True)
class Optimisation(Data):
    """How to train."""

    optimiser: Optimiser = "adamw"
    """adamw or sgd (momentum 0.9)."""
    lr: float = 2e-3
    """Highest learning rate."""
    schedule: Literal["cosine", "steps"] = "cosine"
    """Learning rate after the warm-up: cosine to zero; or steps, constant but for --decay-at or --decay-epochs."""
    decay: float = 0.1
    """What the learning rate is multiplied by there."""
    weight_decay: float = 0.02
    """Decay of weights; biases and norms are not decayed."""
    warmup: float = 0.2
    """Share of the steps with a rising learning rate."""
    clip_norm: float = 5.0
    """Largest gradient norm."""
    threads: int = 1
    """Threads that a step computes with on a CPU; another number rounds sums otherwise and gives other weights: it is part of the name."""
    augment: tuple[Step, ...] = ("crop",)
    """Augmentations in order, drawn once per clip: single steps (crop, flip, ...) or the whole list of a task (benchmark, cvrl, ...)."""
    auxiliary: tuple[str, ...] = ()
    """Pretext tasks of `muybridge list objectives` beside the primary one, on one backbone; a step encodes the clips of all of them."""
    auxiliary_options: tuple[str, ...] = ()
    """Their options as task.name=value words; also task.stride, task.gap, task.augment: vcop.clips=2 vcop.stride=1 tdl.queue=64."""
    weighting: str = "fixed"
    """How loss terms become one gradient: a name of `muybridge list weightings`."""
    weighting_options: tuple[str, ...] = ()
    """Its options as name=value words; of fixed, a weight per task or task.term: vcop=0.5 prp.rate=2."""
    mode: str | None = None
    """Mode of a weighting that has several (meltr: faithful, corrected, safe); short for --weighting-options mode=MODE."""
    meta_share: float = 0.2
    """Share of the training videos kept for the meta batches of a weighting that learns on held-out ones, whole groups."""

    @property
    def decays(self) -> tuple[float, ...]:
        """Shares of the training after which the learning rate is multiplied by ``decay`` (schedule steps)."""
        return ()


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(Optimisation):
    """Learn from unlabelled videos with one pretext task."""

    stage: ClassVar[str] = "pretrain"
    objective: str = "vcop"
    """A pretext task of `muybridge list objectives`."""
    complexity: int | None = None
    """Rotations of rotnet (2 to 4), clips of vcop (2 to 5), rates of prp (2 to 4); the task's own default when not given."""
    objective_preset: Literal["benchmark", "paper"] = "benchmark"
    """Options of the task, smaller ones for a tiny backbone; paper: options and training as its authors' (`muybridge info recipes`), with
    clips and length of --preset."""
    objective_options: tuple[str, ...] = ()
    """Options of the task as name=value words, over the preset: queue=512 temperature=0.1 momentum=0.99."""
    budget: int = 40_000
    """What pretraining may cost, in --budget-unit; the same for all arms of a fair comparison."""
    budget_unit: Literal["clips", "steps", "flops", "epochs"] = "clips"
    """clips: clips through the backbone or its momentum copy; steps: optimiser steps; flops: operations, forward and backward; epochs:
    passes over the training videos."""
    decay_at: tuple[float, ...] = ()
    """Shares of the training after which the learning rate is multiplied by --decay (schedule steps)."""
    gap: int = 0
    """Frames between the clips of a tuple (vcop; 8 in the paper)."""
    held_out_fold: int | None = None
    """Leave out this fold, which is tested later, where the data set states no split; everything is learnt from when not given."""
    held_out_folds: int | None = None
    """Number of folds, as --folds of what is tested later."""
    caption: str | None = None
    """Column of a list with a sentence about each video (video-text); `caption` when not given, builtin-scenes has its own."""
    augment: tuple[Step, ...] = ()
    """Augmentations in order, drawn once per clip, as words of ``Optimisation.augment``; the task's own list when not given."""
    augment2: tuple[Step, ...] = ()
    """Augmentations of the second view where a task has two that differ (cvrl); those of --augment when that is given alone."""

    @property
    def decays(self) -> tuple[float, ...]:
        """Those of ``decay_at``."""
        return self.decay_at


@dataclass(frozen=True, kw_only=True)
class Transfer(Data):
    """What a pretrained network is transferred to."""

    init: str = "random"
    """Folder of a pretrain run (but for finetune, also of a finetune run) or of `export --format hf`, a file of public weights for
    --backbone (.safetensors, .pt, ...), or random."""
    weights_key: str | None = None
    """Under which key the weights lie in that file, dotted, as model or teacher.state_dict; found by the names when not given."""
    weights_prefix: str | None = None
    """What stands in front of the network's names in it, as module.backbone; found when not given."""
    fold: int | Literal["all"] | None = None
    """Which fold is tested, where the data set states no split; all: each in turn, and one result over all videos."""
    folds: int | None = None
    """Number of folds; one per group up to ten groups, else five, when not given."""
    views: int = 1
    """Clips per test video, spread evenly; logits are averaged."""
    crops: Literal[1, 3] = 1
    """Crops of each of these clips: the middle, or three along the long side of pictures of short side --size, read from the files."""

    @property
    def split(self) -> tuple[int | None, int | None]:
        """The fold and the number of folds, of a run that tests one."""
        assert self.fold != "all", "joins the answers of other runs and divides nothing"
        return self.fold, self.folds


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig(Transfer, Optimisation):
    """Train backbone and linear layer on labels."""

    stage: ClassVar[str] = "finetune"
    teachers: tuple[str, ...] = ()
    """Folders of finetune or probe runs whose softened answers are learnt beside the labels (`muybridge distill`)."""
    teacher_temperature: float = 4.0
    """What scores of teachers and student are divided by before their answers are compared."""
    teacher_classes: Literal["own", "permuted"] = "own"
    """Whether teachers answer as they do, or with the names of their classes changed round: a control that must not help."""
    teacher_views: Literal["consistent", "cached"] = "consistent"
    """Whether teachers answer anew for every clip that the student sees, or once for each: where augmentation leaves few different ones."""
    feature_weight: float = 0.0
    """Weight of each teacher's features as targets, beside its answers; 0: none. Projectors in between are thrown away."""
    feature_targets: Literal["raw", "standardised"] = "raw"
    """Whether features of a teacher are targets as they are, or each brought to mean 0 and variance 1 over the clips so far."""
    labels_per_class: int | None = None
    """Train on this many videos per class (chosen by hash; smaller sets lie inside larger ones); all when not given."""
    epochs: int = 20
    """Passes over the training videos."""
    auxiliary_only_views: bool = False
    """Show the views of the auxiliary tasks to the classifier instead of asking about them: the control for what the views add."""
    budget: int | None = None
    """What training may cost, in --budget-unit, instead of --epochs: for arms of equal cost."""
    budget_unit: Literal["clips", "steps", "flops", "epochs"] | None = None
    """Unit of --budget: clips (when not given), steps or flops, as of pretrain, or epochs."""
    batch: int = 16
    """Clips per optimiser step (global)."""
    decay_epochs: tuple[int, ...] = ()
    """Epochs after which the learning rate is multiplied by --decay (schedule steps); those beyond --epochs are never reached."""
    validation: float = 0.0
    """Share of the training videos held out to choose the best epoch, whole groups, the labels counted in --labels-per-class; 0: none."""
    keep: Literal["last", "best-validation"] = "last"
    """Which weights the run hands on, those of the last or of the best epoch; with --validation both are tested and reported."""
    perturb: tuple[str, ...] = ()
    """Perturbations that training clips are shown under, one drawn per clip; marked in every robustness score."""
    perturb_severities: tuple[int, ...] = (1, 2, 3)
    """Severities to draw from."""
    perturb_share: float = 0.5
    """Share of the training clips that is perturbed."""
    perturb_profile: str = "muybridge-1"
    """Table of constants of the perturbations."""

    @property
    def decays(self) -> tuple[float, ...]:
        """Those of ``decay_epochs``."""
        return tuple(epoch / self.epochs for epoch in self.decay_epochs)


@dataclass(frozen=True, kw_only=True)
class DiversityConfig(FinetuneConfig):
    """How diverse the auxiliary losses are: their gradients on the way of a training under the equal sum."""

    stage: ClassVar[str] = "diversity"
    points: tuple[int, ...] = (10, 50, 90)
    """Per cent of the training after which gradients are taken."""
    gradient_batch: int = 128
    """Videos of a batch that gradients are taken on: of small batches they are mostly noise, whose share says whether a loss counts."""
    gradient_batches: int = 16
    """Independent batches of each point; all their gradients are held in memory at once."""
    redraws: int = 1000
    """Redrawn sets of batches behind the intervals."""


@dataclass(frozen=True, kw_only=True)
class ProbeConfig(Transfer):
    """Train a linear layer on frozen features (batch norm of a random backbone is calibrated on the training videos)."""

    stage: ClassVar[str] = "probe"


@dataclass(frozen=True, kw_only=True)
class KnnConfig(Transfer):
    """Classify test videos by the nearest training videos in feature space: cosine similarity, features averaged over views."""

    stage: ClassVar[str] = "knn"
    k: int | None = None
    """Neighbours that vote for the answers in tables; 20, or the mean number of training videos per class if less, when not given."""
    ks: tuple[int, ...] = ()
    """Numbers of neighbours that are reported besides; 1 5 10 20 50 200 as far as the gallery goes when not given."""
    temperature: float = 0.07
    """A neighbour weighs exp(cosine / temperature) (Wu et al., CVPR 2018)."""


@dataclass(frozen=True, kw_only=True)
class RetrievalConfig(Transfer):
    """Find training videos of the class of each test video: recall at k and mean average precision, features averaged over views."""

    stage: ClassVar[str] = "retrieval"
    views: int = 10
    """Clips per video, spread evenly; features are averaged."""
    ks: tuple[int, ...] = ()
    """Ranks at which recall is reported; 1 5 10 20 50 as far as the gallery goes when not given."""
    features: Literal["pooled", "conv5"] = "pooled"
    """The pooled feature; or the last map behind MaxPool3d(1, 2, 2), flattened (VCOP's code: 9216-d for 512x2x7x7)."""


@dataclass(frozen=True, kw_only=True)
class NeighboursConfig(Data):
    """Find the nearest videos of each video in feature space."""

    stage: ClassVar[str] = "neighbours"
    init: str = "random"
    """Folder of a pretrain or finetune run or of `export --format hf`, a file of public weights for --backbone, or random."""
    weights_key: str | None = None
    """Under which key the weights lie in that file, dotted, as model or teacher.state_dict; found by the names when not given."""
    weights_prefix: str | None = None
    """What stands in front of the network's names in it, as module.backbone; found when not given."""
    nearest: int = 5
    """Neighbours shown per video; those of the same group are left out."""
    queries: int = 64
    """At most this many videos are shown as pictures; all count."""
    views: int = 1
    """Clips per video, spread evenly; features are averaged."""


C = TypeVar("C", bound=Control)
D = TypeVar("D", bound="DataclassInstance")


def kind_of(stage: str) -> type[Control]:
    """The config of a stage, built in or of another package.

    Raises:
        UsageError: no such stage.
    """
    kind: type[Control] = facts_of(stage).kind()
    return kind


def change(base: D, values: Mapping[str, object], where: str) -> D:
    """The config with some values replaced; lists become tuples and text becomes paths as the fields want.

    Raises:
        UsageError: a field that does not exist (says the nearest one), or a value of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(base)}
    for name in values:
        if name not in fields:
            raise UsageError(
                f"{where}: no field {name!r}.{suggestion(name, fields)} Fields: {', '.join(sorted(fields))}."
            )
    fitted = {}
    for name, value in values.items():
        try:
            fitted[name] = fit_value(fields[name].type, value)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{where}: {name}: {error}.") from error
    return dataclasses.replace(base, **fitted)


def as_dict(config: Control) -> dict[str, Any]:
    """Plain values: what is printed, saved and hashed."""
    return {name: _plain(value) for name, value in vars(config).items()}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value
