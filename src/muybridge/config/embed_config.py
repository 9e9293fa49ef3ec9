"""What ``muybridge.load`` and ``muybridge embed`` can be told: which model, fed how, shown which clips; and what is written. No torch."""

from dataclasses import dataclass
from typing import Literal

from muybridge.config.control import Precision


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A model of any kind, and how clips are cut for it."""

    model: str = ""
    """Folder of a run with weights, or a snapshot in one; i3d, torchvision:NAME, hf:NAME_OR_FOLDER, module:function; a backbone of
    `muybridge list backbones` (untrained); or NAME=FILE with its weights."""
    weights: str | None = None
    """File of the weights of a model that is no run."""
    weights_key: str | None = None
    """Under which key the weights lie in that file, dotted, as model or teacher.state_dict; found by the names when not given."""
    weights_prefix: str | None = None
    """What stands in front of the network's names in it, as module.backbone; found when not given."""
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
    protocol: str | None = None
    """How clips are cut for a model that is no run: kinetics, ucf101, hmdb51, ssv2, zeroshot or i3d-kinetics. Fields below override it."""
    views: str | None = None
    """Temporal x spatial views per video, as 10x1 or 10x3."""
    frames: int | None = None
    """Frames per clip."""
    stride: int | None = None
    """Step between the frames of a clip."""
    fps: float | None = None
    """Rate to which videos are resampled first, frames per second; not for runs, which were trained at the videos' own."""
    sampling: Literal["dense", "uniform", "ends"] | None = None
    """Which frames: dense (with --stride), uniform (the middle of equal parts), or ends (from the first to the last); not for runs."""
    short_side: int | None = None
    """Short side to which pictures are scaled, pixels."""
    crop: int | None = None
    """Height and width of what the model sees, pixels."""
    seed: int = 0
    """Of weights that are drawn at random."""
    trust_code: tuple[str, ...] = ()
    """module:function words that may be called although a run folder names them; what you type as MODEL needs none."""


@dataclass(frozen=True, kw_only=True)
class RowsConfig:
    """Which videos, and what is written of them."""

    data: tuple[str, ...] = ()
    """Videos, labels optional: names of `muybridge list datasets`, folders, lists or tar shards; those of the run when not given."""
    out: str = ""
    """What to write: FILE.parquet, FILE.npz, or a folder of safetensors with an index."""
    layers: tuple[str, ...] = ("pooled",)
    """pooled (the pooled feature), names of modules as similarity shows them, stages (where the stages of the network end), or all."""
    pool: Literal["all", "space", "time", "none"] = "all"
    """What is averaged in named layers: frames, rows and columns; rows and columns; frames; or nothing."""
    per: Literal["video", "clip"] = "video"
    """One row a video, the mean over its views; or one row a view."""
    dtype: Literal["float32", "float16"] = "float32"
    """Number format of what is written."""


@dataclass(frozen=True, kw_only=True)
class EmbedConfig(ModelConfig, RowsConfig):
    """Write what a model makes of videos, one row a video or a clip."""

    label: str | None = None
    """Label column of a list."""
    group: str | None = None
    """Group column of a list, or /PATTERN/ of names."""
    root: str | None = None
    """Folder that the paths of a list start from."""
    where: tuple[str, ...] = ()
    """Rows of a list that count: COLUMN=VALUE or COLUMN!=VALUE; all of several must hold."""
    stream: int | None = None
    """Video stream that is read of files with several, from 0; FFmpeg's choice when not given."""
    limit: int | None = None
    """At most this many videos, spread over the classes."""
    allow_broken: bool = False
    """Go on although more than 1 % of the videos are broken: they have no row and stand in the facts of the file."""
    allow_links: bool = False
    """Read videos to which links lead out of the data's folder."""
    batch: int | None = None
    """Clips per forward pass; as many as a run is tested with, or as fit the caches of the processor, when not given."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Precision = "auto"
    """Of the backbone: auto is that of the other verbs for runs, fp32 for all other models."""
    workers: int = 0
    """Processes or threads that decode; 0 means one per core."""
    overwrite: bool = False
    """Replace what OUT holds, also embeddings of another model, and parts of them."""
    dry_run: bool = False
    """Say what would be written, and stop."""
