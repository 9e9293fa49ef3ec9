"""Config of the stage ``zeroshot``. Imports no torch."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from muybridge.config.control import Control


@dataclass(frozen=True, kw_only=True)
class ZeroshotConfig(Control):
    """Classify videos by the names of classes that were never trained on, said in words."""

    stage: ClassVar[str] = "zeroshot"
    model: str = ""
    """hf:FOLDER of a dual encoder, or module:function; a run of pretrain --objective video-text; with --words any classifier, as i3d."""
    weights: str | None = None
    """File of the weights of a classifier that is no run."""
    classes: str | None = None
    """File with the class names of such a classifier, one per line in the order of its scores; its own when not given."""
    words: str | None = None
    """Embedding of texts for a classifier (ConSE): a file of word vectors, a folder with a table of token vectors, or hf:FOLDER."""
    conse_top: int = 10
    """Classes with the highest posteriors that count in ConSE."""
    data: tuple[str, ...] = ()
    """Test videos."""
    label: str | None = None
    """Label column of a list; A|B accepts either class, an empty label leaves the video out."""
    group: str | None = None
    """Group column of a list, or /PATTERN/ of names: intervals are clustered by groups."""
    root: str | None = None
    """Folder that the paths of a list start from."""
    where: tuple[str, ...] = ()
    """Rows of a list that count: COLUMN=VALUE or COLUMN!=VALUE; all of several must hold."""
    candidates: str | None = None
    """File with the classes to choose from, one per line; those of the data set when not given."""
    templates: str = "video"
    """Set of prompts: bare, video, ucf101, kinetics, action-16, scenes, or a file with one template per line and {} for the class."""
    names: str = "clean"
    """Names of classes: clean (CamelCase split, _ as blank), raw, or a file of lines: class, tab, words."""
    ensemble: Literal["normalise-first", "mean-first"] = "normalise-first"
    """Average of the templates of a class: of embeddings of length one (CLIP), or as they come (open_clip)."""
    pooling: Literal["normalise-first", "mean-first"] = "normalise-first"
    """Average of the frames of models that see them one by one: of embeddings of length one, or as they come (Perception Encoder)."""
    seen: str | None = None
    """Action labels that the model was trained on: none, kinetics400, kinetics400-near (and their twins in UCF101), or a file."""
    logit_scale: float | None = None
    """What cosines are multiplied with; the model's own when not given."""
    protocol: str | None = None
    """How clips are cut: zeroshot, kinetics, ucf101, hmdb51, ssv2 or i3d-kinetics; the fields below override it."""
    sampling: Literal["dense", "uniform", "ends"] | None = None
    """Frames of a clip: in a row at --stride; the middle of equal parts; or from the first to the last in equal steps, rounded down."""
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
    """Clips per forward pass; as many as fit the caches of the processor when not given."""
