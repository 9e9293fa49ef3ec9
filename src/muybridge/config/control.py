"""What every verb can be told: where results go, on what it computes, and what it may do."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

Precision = Literal["auto", "fp32", "bf16"]
Tracker = Literal["tensorboard", "wandb", "mlflow"]


@dataclass(frozen=True, kw_only=True)
class Control:
    """Run control: the same for every verb."""

    stage: ClassVar[str] = ""
    out: Path = Path("muybridge-out")
    """Folder of the results; runs go to OUT/runs."""
    resume: bool = True
    """Go on where an earlier command with this --out stopped; --no-resume refuses a folder that is not empty."""
    overwrite: bool = False
    """Delete what Muybridge wrote to --out before, and start anew."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Precision = "auto"
    """auto takes bf16 on GPUs and CPUs that multiply it well (AMX), fp32 elsewhere."""
    seed: int = 0
    """Names every random stream of the run."""
    workers: int = 0
    """Processes or decoding threads; 0 means one for each physical core (`muybridge info`)."""
    limit: int | None = None
    """Use at most this many training and as many test videos; the result is marked as limited."""
    allow_broken: bool = False
    """Go on although more than 1 % of the videos are broken: they are left out of training and count as wrong where they are tested."""
    allow_links: bool = False
    """Read videos to which links lead out of the data's folder."""
    stream: int | None = None
    """Video stream that is read of files with several, from 0; FFmpeg's choice when not given. A list may name one for each video."""
    dry_run: bool = False
    """Print the resolved config and what would be done, and stop."""
    track: tuple[Tracker, ...] = ()
    """Curves and final numbers for other viewers too, below OUT/track and offline: tensorboard, wandb, mlflow (extra `track`)."""
    prereg: str = ""
    """SHA-256 of the pre-registration that the run belongs to (`muybridge prereg`); it is part of the run's name."""
    trust_code: tuple[str, ...] = ()
    """module:function words that may be called although a run folder names them; what you type as --backbone or --model needs none."""
