"""``muybridge export``, ``push`` and ``pull``: runs for other programs, and folders to and from the Hugging Face Hub. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from muybridge.cli.flags import Options, Single
from muybridge.core.text.terminal import visible

Run = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
Repo = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="REPO")]


@dataclass(frozen=True, kw_only=True)
class Export(Options):
    """Write the network of a run, or its answers, for other programs (tables of runs: `muybridge runs export`).

      safetensors    one file of weights: backbone.*, head.*
      torch-export   a graph (.pt2) that torch runs without Muybridge
      onnx           a graph for ONNX Runtime and others (extra `onnx`)
      hf             a folder: config, weights, preprocessor, model card; read by --init, --model, and hf: where it is one of transformers
      fiftyone       a FiftyOneDataset: videos, labels, answers with scores, what flips; RUN may be a folder of results

    Graphs take float32 frames from 0 to 1, any number of clips, and apply mean and std themselves. What was written is read back and
    compared with the network on clips of the run's data.
    """

    run_: Annotated[Run, tyro.conf.arg(name="run")]
    """folder OUT/runs/STAGE/SIGNATURE"""
    format: Literal["safetensors", "torch-export", "onnx", "hf", "fiftyone"]
    """form to write"""
    out: Path | None = None
    """file or new folder; named by the run, in the working folder, when not given"""
    backbone_only: bool = False
    """leave out the linear layer of a fine-tuning or a probe: features instead of logits"""
    licence: str = "unknown"
    """licence of the weights for the model card of hf: an identifier such as apache-2.0"""
    clips: int = 4
    """clips on which what was written is compared with the network"""
    tolerance: float = 1e-4
    """largest difference of an output that is let through"""
    overwrite: bool = False
    """replace the file, or a folder that such an export wrote"""
    trust_code: tuple[str, ...] = ()
    """module:function words that may be called although the run names them"""

    def run(self) -> int:
        """Write it and say how far it is from the network."""
        from muybridge import api

        made = api.export(
            self.run_, self.format, self.out, backbone_only=self.backbone_only, licence=self.licence, clips=self.clips,
            tolerance=self.tolerance, overwrite=self.overwrite, trust_code=self.trust_code,
        )  # fmt: skip
        print(visible(made.title))
        if made.difference is not None:
            print(visible(f"largest difference from the network: {made.difference:.1e}, on {made.clips}"))
        for note in made.notes:
            print(visible(f"note: {note}"))
        print(made.path)
        return 0


@dataclass(frozen=True, kw_only=True)
class Push(Options):
    """Send a folder that `export --format hf` wrote to the Hugging Face Hub (extra `hub`); a new repository is private.

    The token is taken from where huggingface_hub keeps it (`hf auth login`, HF_TOKEN); it is never an option here, printed or written.
    """

    folder: Folder
    """folder to send"""
    repo: Repo
    """OWNER/NAME"""
    public: bool = False
    """make a new repository public"""

    def run(self) -> int:
        """Send it."""
        from muybridge.export.hub import push

        print(visible(push(self.folder, self.repo, public=self.public)))
        return 0


@dataclass(frozen=True, kw_only=True)
class Pull(Options):
    """Fetch such a folder from the Hugging Face Hub (extra `hub`): safetensors, JSON and the model card, nothing else.

    Names and sizes are looked at before anything is fetched; the folder appears when it is whole and could be read.
    """

    repo: Repo
    """OWNER/NAME"""
    folder: Folder
    """new folder"""
    revision: str = "main"
    """branch, tag or commit"""
    overwrite: bool = False
    """replace a folder that was pulled or exported before"""

    def run(self) -> int:
        """Fetch it."""
        from muybridge.export.hub import pull

        print(visible(pull(self.repo, self.folder, revision=self.revision, overwrite=self.overwrite)))
        print(self.folder.absolute())
        return 0


EXPORT = Single("export", Export)
PUSH = Single("push", Push)
PULL = Single("pull", Pull)
