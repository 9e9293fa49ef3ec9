"""Configs of what tests a classifier on perturbed clips: the stage ``robustness``, and the audit that plans such runs within a time."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from muybridge.config.control import Control


@dataclass(frozen=True, kw_only=True)
class TestedConfig(Control):
    """Which model is tested on which clips."""

    model: str = ""
    """Folder of a finetune or probe run, or of `export --format hf`; or i3d, torchvision:NAME, hf:NAME_OR_FOLDER, or module:function, which
    returns the model."""
    weights: str | None = None
    """File of the weights of a model that is no run."""
    weights_key: str | None = None
    """Under which key the weights lie in that file, dotted, as model or teacher.state_dict; found by the names when not given."""
    weights_prefix: str | None = None
    """What stands in front of the network's names in it, as module.backbone; found when not given."""
    classes: str | None = None
    """File with the class names of a model that is no run: one per line in the order of its scores, numbered, or JSON; else its own."""
    layout: Literal["bcthw", "btchw", "list"] | None = None
    """What module:function takes: bcthw (usual), btchw, or list (bcthw alone in a list)."""
    range: Literal["0-1", "0-255", "-1-1"] | None = None
    """Range of the frames that it takes, in front of mean and std: 0-1 (usual), 0-255 or -1-1."""
    mean: tuple[float, ...] = ()
    """Of the colours, in that range, subtracted from what it takes: one number or three."""
    std: tuple[float, ...] = ()
    """Of the colours, divided by afterwards: one number or three."""
    channels: Literal["rgb", "bgr"] | None = None
    """Order of the colours that it takes, also of mean and std: rgb (usual) or bgr."""
    data: tuple[str, ...] = ()
    """Test videos. Where others are given than a run was trained and tested on, its classes are matched with their labels by name."""
    label: str | None = None
    """Label column of a list; A|B accepts either class, an empty label leaves the video out."""
    group: str | None = None
    """Group column of a list, or /PATTERN/ of names: intervals are clustered by groups."""
    root: str | None = None
    """Folder that the paths of a list start from."""
    where: tuple[str, ...] = ()
    """Rows of a list that count: COLUMN=VALUE or COLUMN!=VALUE; all of several must hold."""
    label_changing: tuple[str, ...] = ()
    """Perturbations that change the label of every video, or a csv file with columns perturbation,class,becomes,
    severity (the last may be left out)."""
    protocol: str | None = None
    """How clips are cut for a model that is no run: kinetics, ucf101, hmdb51, ssv2 or i3d-kinetics; the fields below override it."""
    views: str | None = None
    """Temporal x spatial views per video, as 10x1 or 10x3."""
    frames: int | None = None
    """Frames per clip."""
    stride: int | None = None
    """Step between the frames of a clip."""
    fps: float | None = None
    """Rate to which videos are resampled first, frames per second."""
    short_side: int | None = None
    """Short side to which pictures are scaled, pixels."""
    crop: int | None = None
    """Height and width of what the model sees, pixels."""
    batch: int | None = None
    """Clips per forward pass; as many as the run was tested with, or as fit the caches of the processor, when not given."""


@dataclass(frozen=True, kw_only=True)
class RobustnessConfig(TestedConfig):
    """Measure a classifier on perturbed clips."""

    stage: ClassVar[str] = "robustness"
    profile: str = "muybridge-1"
    """Table of constants: muybridge-1, samples-2022, release-2023, ssl-noise, imagenet-c, mini-kinetics-c or equal-rotations."""
    types: tuple[str, ...] = ()
    """Names of `muybridge list perturbations`, or TYPE:SEVERITY for one cell; single_frame, centre_masked and border_masked are controls
    (docs/audit.md); all of the profile when not given; clean for clean clips alone."""
    severities: tuple[int, ...] = (1, 2, 3, 4, 5)
    """From 1 to 5."""
    limit_over: Literal["classes", "groups"] = "classes"
    """What --limit spreads the test videos over: classes; or groups: classes, and within each its groups, chosen by --seed."""


@dataclass(frozen=True, kw_only=True)
class AuditConfig(TestedConfig):
    """Say how far a model can be trusted on your videos, within some minutes."""

    minutes: float = 5.0
    """What the audit may take, minutes: it measures the first clips and chooses videos, conditions and severities to fit."""
