"""Configs of the shipped studies. Imports no torch."""

from dataclasses import dataclass
from typing import ClassVar

from muybridge.stages.config import Control


@dataclass(frozen=True, kw_only=True)
class QuickstartConfig(Control):
    """Pretrain, probe, fine-tune and perturb: on the embedded data sets, or on your own videos with --data."""

    stage: ClassVar[str] = "quickstart"
    data: tuple[str, ...] = ()
    """Your labelled videos (folder or list); the embedded data sets when not given."""
    pretrain_data: tuple[str, ...] = ()
    """Videos to pretrain on, labels unused; those of --data when not given."""
    label: str | None = None
    """Label column of a list."""
    group: str | None = None
    """Group column of a list: groups never straddle a split, and intervals are clustered by them."""
    root: str | None = None
    """Folder that the paths of the --data list start from."""
    tasks: tuple[str, ...] = ("rotnet", "vcop")
    """Pretext tasks of `muybridge list objectives`, each under the same budget."""
    seeds: int = 1
    """Number of seeds, counted from --seed."""
    budget: int | None = None
    """Per task: clips through the backbone; 30,000 on the embedded data, 24,000 on your own."""
    labels_per_class: int | None = None
    """Labels for fine-tuning; 10 on the embedded data, all on your own."""
    epochs: int = 20
    """Passes over the labelled videos in fine-tuning."""
    size: int | None = None
    """Side at which videos are decoded; 36 on the embedded data, 72 on your own."""
    crop: int | None = None
    """Side of what the network sees; 32 on the embedded data, 64 on your own."""


@dataclass(frozen=True, kw_only=True)
class PretextsConfig(Control):
    """What every pretext task teaches several backbones under one budget: pretrain, then probe both embedded data sets."""

    stage: ClassVar[str] = "pretexts"
    data: tuple[str, ...] = ("builtin-objects", "builtin-motions")
    """Labelled data sets that are probed; pretraining reads the last one without its labels."""
    tasks: tuple[str, ...] = ("rotnet", "vcop", "prp", "cvrl", "tdl", "rspnet", "speed")
    """Pretext tasks of `muybridge list objectives`."""
    backbones: tuple[str, ...] = ("r2plus1d-tiny", "shufflenet-tiny")
    """Names of `muybridge list backbones`."""
    seeds: int = 3
    """Number of seeds, counted from --seed."""
    budget: int = 30_000
    """Clips through the backbone, the same for every task."""


CONFIGS: dict[str, type[Control]] = {"quickstart": QuickstartConfig, "pretexts": PretextsConfig}
"""Config of each shipped study."""
