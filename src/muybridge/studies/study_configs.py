"""Configs of the shipped studies. Imports no torch."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from muybridge.config.stage_configs import Control


@dataclass(frozen=True, kw_only=True)
class StudyConfig(Control):
    """How a study is run; studies add what they let the user choose."""

    stage: ClassVar[str] = "study"
    shorter: ClassVar[str] = "--limit"
    """Flags that make it take less, in words."""
    executor: Literal["local", "ray", "slurm"] = "local"
    """Who runs the cells: processes of this machine, Ray or Slurm."""
    address: str | None = None
    """HOST:PORT of a Ray cluster, one of this machine when not given; for Slurm NAME=VALUE,... of submitit (docs/clusters.md)."""
    trials: int = 1
    """Equal tuning: multiples of its learning rate that are tried for every pretext task and network, up to 7; the best on held-out
    training videos is taken."""

    @property
    def is_timed(self) -> bool:
        """Whether minutes decide what is done, and were said with it."""
        return False


@dataclass(frozen=True, kw_only=True)
class QuickstartConfig(StudyConfig):
    """Pretrain, probe, fine-tune and perturb: on the embedded data sets, or on your own videos with --data."""

    stage: ClassVar[str] = "quickstart"
    shorter: ClassVar[str] = "--budget, --epochs or fewer --tasks"
    data: tuple[str, ...] = ()
    """Your labelled videos (folder or list); the embedded data sets when not given."""
    pretrain_data: tuple[str, ...] = ()
    """Videos to pretrain on, labels unused; those of --data when not given."""
    label: str | None = None
    """Label column of a list."""
    group: str | None = None
    """Group column of a list, or /PATTERN/ of names: groups never straddle a split, and intervals are clustered by them."""
    root: str | None = None
    """Folder that the paths of the --data list start from."""
    tasks: tuple[str, ...] = ("rotnet", "vcop")
    """Pretext tasks of `muybridge list objectives`, each under the same budget."""
    seeds: int = 1
    """Number of seeds, counted from --seed."""
    minutes: float | None = None
    """With --data and without --budget: what it may take; clips, passes and severities are chosen by a trial. 5 when not given, 0: all."""
    budget: int | None = None
    """Clips per task: 30,000 on the embedded data; at most 24,000 on your own, shared by the folds, but at least 6,000 for each."""
    label_changing: tuple[str, ...] = ()
    """With --data: perturbations that change the label of every video, or a csv file, as of `muybridge robustness --label-changing`."""
    transductive: bool = False
    """Pretrain once on all of --data, tested videos too, instead of once a fold without them; the report says so."""
    labels_per_class: int | None = None
    """Labels for fine-tuning; 10 on the embedded data, all on your own."""
    epochs: int = 20
    """Passes over the labelled videos in fine-tuning."""
    severities: tuple[int, ...] = (1, 3, 5)
    """Severities of the perturbations, from 1 to 5."""
    size: int | None = None
    """Side at which videos are decoded; 36 on the embedded data, 72 on your own."""
    crop: int | None = None
    """Side of what the network sees; 32 on the embedded data, 64 on your own."""

    @property
    def is_timed(self) -> bool:
        """On own videos a trial says what fits into the minutes."""
        return bool(self.data) and self.minutes != 0


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig(StudyConfig):
    """What all studies of the benchmark have in common; a page on each is in docs/studies."""

    shorter: ClassVar[str] = "--limit, or fewer --seeds, --data or --backbones"
    scale: Literal["tiny", "small", "paper"] = "tiny"
    """tiny: embedded data, two cores. small: UCF101 and HMDB51, one GPU. paper: the published setting."""
    data: tuple[str, ...] = ()
    """Labelled data sets, each on its own; those of the scale when not given."""
    roots: tuple[str, ...] = ()
    """Where the official files of named data sets lie, as NAME=FOLDER words."""
    label_changing: tuple[str, ...] = ()
    """With --data: perturbations that change the label of every video, or a csv file, as of `muybridge robustness --label-changing`."""
    backbones: tuple[str, ...] = ()
    """Names of `muybridge list backbones`; those of the study when not given."""
    seeds: int | None = None
    """Number of seeds, counted from --seed; that of the scale when not given."""


@dataclass(frozen=True, kw_only=True)
class ShippedConfig(BenchmarkConfig):
    """A study of pretext tasks; a page on it is in docs/studies."""

    source: tuple[str, ...] = ()
    """Videos to pretrain on, labels unused; those of the scale when not given. NAME@N takes N of them, evenly from the classes."""
    tasks: tuple[str, ...] = ()
    """Pretext tasks of `muybridge list objectives`; those of the study when not given."""


FEATURE_PARTS = ("tasks", "seeds", "length", "amount", "complexity", "source", "perturbed")
"""Parts of the study of layers."""


@dataclass(frozen=True, kw_only=True)
class FeatureConfig(ShippedConfig):
    """A study of layers; a page on it is in docs/studies."""

    parts: tuple[Literal["tasks", "seeds", "length", "amount", "complexity", "source", "perturbed"], ...] = ()
    """What is compared: every task and network, their seeds, length, amount, complexity and source of pretraining, perturbed clips; all
    when not given."""


@dataclass(frozen=True, kw_only=True)
class SourcesConfig(ShippedConfig):
    """A study that compares what is pretrained on; a page on it is in docs/studies."""

    source: tuple[str, ...] = ()
    """Videos to pretrain on, each word a source of its own; NAME@N takes N of them, evenly from the classes."""


@dataclass(frozen=True, kw_only=True)
class WeightingConfig(BenchmarkConfig):
    """A study of auxiliary losses and their weighting; a page on it is in docs/studies."""

    tasks: tuple[str, ...] = ()
    """Auxiliary tasks of `muybridge list objectives`; the six of the benchmark when not given."""
    weightings: tuple[str, ...] = ()
    """Arms by name, as single, sum, constant-0.1, meltr-safe, pcd-0.2; all when not given."""


@dataclass(frozen=True, kw_only=True)
class DiversityStudyConfig(BenchmarkConfig):
    """A study of sets of auxiliary losses, pre-registered with `muybridge prereg`; a page on it is in docs/studies."""

    sets: int = 48
    """Confirmatory sets of four losses, chosen by the pre-registration."""
    exploratory: tuple[int, ...] = ()
    """Sizes of exploratory sets beside them, as 1 2 6 8."""


@dataclass(frozen=True, kw_only=True)
class DistillConfig(ShippedConfig):
    """A study of students and their teachers; a page on it is in docs/studies."""

    backbones: tuple[str, ...] = ()
    """Names of `muybridge list backbones`: the student's, then those of further teachers; those of the study when not given."""
    arms: tuple[str, ...] = ()
    """Students by name, as labels, labels-matched, ae-kd, average, single, permuted, self; all when not given."""


@dataclass(frozen=True, kw_only=True)
class ModelsConfig(BenchmarkConfig):
    """A study of models under perturbations; a page on it is in docs/studies."""

    weights: tuple[str, ...] = ()
    """Public models at --scale paper, as MODEL=FILE words: i3d=FILE, torchvision:mvit_v2_s=FILE, hf:FOLDER= for what is its own file."""


@dataclass(frozen=True, kw_only=True)
class ZeroshotStudyConfig(ModelsConfig):
    """A study of models that are asked in words; a page on it is in docs/studies."""

    weights: tuple[str, ...] = ()
    """Public models at --scale small and paper, as words: hf:FOLDER= for a dual encoder, i3d=FILE for a classifier with --words."""
    words: str | None = None
    """Embedding of texts for classifiers (ConSE): a file of word vectors, a folder with a table, or hf:FOLDER."""


CONFIGS: dict[str, type[StudyConfig]] = {
    "quickstart": QuickstartConfig,
    "pretext-backbones": ShippedConfig,
    "probe-vs-finetune": ShippedConfig,
    "pretext-constraints": ShippedConfig,
    "subset-size": SourcesConfig,
    "training-length": ShippedConfig,
    "clip-length": ShippedConfig,
    "complexity": ShippedConfig,
    "data-distribution": SourcesConfig,
    "noise": ShippedConfig,
    "retrieval": ShippedConfig,
    "loss-weighting": WeightingConfig,
    "diversity-and-robustness": DiversityStudyConfig,
    "distill-capacity": DistillConfig,
    "distill-complexity": DistillConfig,
    "distill-source": DistillConfig,
    "distill-task": DistillConfig,
    "robustness-models": ModelsConfig,
    "feature-analysis": FeatureConfig,
    "zeroshot": ZeroshotStudyConfig,
}
"""Config of each shipped study."""
