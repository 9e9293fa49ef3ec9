"""The config of the stage that compares networks layer by layer. Imports no torch."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from muybridge.config.control import Control


@dataclass(frozen=True, kw_only=True)
class SimilarityConfig(Control):
    """Compare what the layers of two networks tell apart: similarity of every layer of A with every layer of B on the same clips."""

    stage: ClassVar[str] = "similarity"
    a: str = ""
    """A network: folder of a run, a backbone (untrained), hf:FOLDER, module:function, or NAME=FILE with weights, as i3d=i3d.pt."""
    b: str = ""
    """The other one; A itself when not given."""
    data: tuple[str, ...] = ()
    """Videos, labels unused: those of the test split, else of the validation split, else all; those of the run A when not given."""
    label: str | None = None
    """Label column of a list, for an even choice of --videos."""
    group: str | None = None
    """Group column of a list, or /PATTERN/ of names: intervals redraw groups."""
    root: str | None = None
    """Folder that the paths of a list start from."""
    where: tuple[str, ...] = ()
    """Rows of a list that count: COLUMN=VALUE or COLUMN!=VALUE; all of several must hold."""
    videos: int = 256
    """At most this many videos, one clip of the middle of each, spread over the classes."""
    layers: tuple[str, ...] = ("all",)
    """all: every module; stages: where the stages of the network end; or names of modules, which both networks must have."""
    measure: tuple[Literal["cka", "cka-biased", "procrustes", "mutual-knn"], ...] = ("cka",)
    """cka is without bias; the others depend on the size of a batch and must be read beside their null band."""
    pool: Literal["none", "space", "time", "all"] = "none"
    """What is averaged before features are compared: nothing (places count), rows and columns, frames, or all of them."""
    repeats: Literal["last", "all"] = "last"
    """Of a module that fires several times: its last output, or all."""
    perturb: tuple[str, ...] = ()
    """Perturbations of `muybridge list perturbations`: compare every layer of A on clean clips with itself on perturbed ones, by cka."""
    perturb_severities: tuple[int, ...] = (1, 3, 5)
    """Severities from 1 to 5."""
    perturb_profile: str = "muybridge-1"
    """Table of constants of the perturbations."""
    protocol: str | None = None
    """How clips are cut: kinetics, ucf101, hmdb51, ssv2 or i3d-kinetics; as run A is tested when not given. Fields below override it."""
    frames: int | None = None
    """Frames per clip."""
    stride: int | None = None
    """Step between the frames of a clip."""
    fps: float | None = None
    """Rate to which videos are resampled first, frames per second."""
    sampling: Literal["dense", "uniform", "ends"] | None = None
    """Which frames: dense (with --stride), uniform (the middle of equal parts), or ends (from the first to the last)."""
    short_side: int | None = None
    """Short side to which pictures are scaled, pixels."""
    crop: int | None = None
    """Height and width of what the networks see, pixels."""
    batch: int = 16
    """Clips that are compared at once, 4 or more; a smaller rest joins the batch before where it has fewer than 4."""
    permutations: int = 200
    """Permuted pairings behind the null band."""
    replicates: int = 200
    """Redrawn sets of groups behind the intervals of cka."""
