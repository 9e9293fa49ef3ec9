"""What is exported of a run: its network in float32, and the facts that travel with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from muybridge import __version__
from muybridge.backbones.outside.exported_folder import FORMAT
from muybridge.backbones.weights.pretrained import put_weights
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.networks.features import Head
from muybridge.runs.contents import snapshots
from muybridge.runs.mirror import fetch
from muybridge.runs.records import Run
from muybridge.runs.seal import damage
from muybridge.runs.stages import NETWORKS, TRAINED
from muybridge.stages.job import consent
from muybridge.stages.job.origins import result_config
from muybridge.stages.training.material import build_backbone
from muybridge.store.storage import local, store_of
from muybridge.train.checkpoint import load_weights, part

WEIGHTS = "weights.safetensors"
INSTEAD = {
    "knn": ("init", "it classifies by neighbours among the features of its backbone"),
    "retrieval": ("init", "it compares the features of its backbone"),
    "neighbours": ("init", "it compares the features of its backbone"),
    "diversity": ("init", "it only looks at gradients"),
    "robustness": ("model", "it tests the network of another run"),
    "zeroshot": ("model", "it asks the network of another run"),
    "similarity": ("a", "it compares the layers of two networks"),
}
"""Fields that name what a run without weights looked at, and why it has none."""


class Exportable(nn.Module):
    """Clips to one tensor: logits where there is a linear layer, pooled features where there is none.

    Its state has the names of a run's weights: ``backbone.*`` and ``head.*``.
    """

    def __init__(self, backbone: nn.Module, head: Head | None) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b _"]:
        """Logits ``b k`` or features ``b d`` of frames in [0, 1]; mean and std are the backbone's own."""
        pooled: Tensor = self.backbone(frames).pooled
        if self.head is None:
            return pooled
        logits: Tensor = self.head(pooled)
        return logits


@dataclass(frozen=True)
class Source:
    """A run and its network.

    Attributes:
        run: the run folder.
        config: of the run, whole.
        network: in evaluation mode, float32, on the CPU.
        facts: what whoever uses it must know; plain data, written beside every format.
    """

    run: Run
    config: Mapping[str, Any]
    network: Exportable
    facts: Mapping[str, Any]

    @property
    def output(self) -> str:
        """``logits`` or ``features``."""
        return str(self.facts["output"])

    @property
    def title(self) -> str:
        """One line: what goes in and what comes out."""
        clip = self.facts["clip"]
        number = len(self.facts["classes"]) or self.facts["dim"]
        what = f"logits of {number} classes" if self.facts["classes"] else f"{number} features"
        size = sum(one.numel() for one in self.network.parameters())
        shape = f"{clip['frames']}x{clip['crop']}x{clip['crop']}"
        return f"{what} of clips of {shape}; {self.facts['backbone']}, {size:,} parameters"


def find_run(word: str) -> tuple[Run, int | None]:
    """The finished, sound run of a folder, and the share of a snapshot in it.

    Raises:
        UsageError: no finished run.
        MuybridgeError: damaged.
    """
    folder, share = snapshots.split(str(local(word).expanduser().absolute()))
    run = Run(Path(folder))
    if run.path.parent.parent.name != "runs":
        raise UsageError(
            f"export {word}: wanted a run, OUT/runs/STAGE/SIGNATURE. `muybridge runs ls --out OUT` lists them."
        )
    fetch(run)
    if not run.done:
        raise UsageError(
            f"export {word}: {'is not finished' if run.path.is_dir() else 'is not there'}. Wanted a finished run."
        )
    wrong = damage(run.path, thorough=True, partial=store_of(run.path) is not None)
    if wrong:
        raise MuybridgeError(
            f"{run.path}: damaged ({wrong}); nothing was exported. Run its command or the study again."
        )
    return run, share


def read_source(word: str, backbone_only: bool = False, trust_code: Collection[str] = ()) -> Source:
    """The network of a run.

    Args:
        word: folder of a run, or a snapshot in one.
        backbone_only: leave out the linear layer of a fine-tuning or a probe.
        trust_code: ``module:function`` words that may be called though the run names them.

    Raises:
        UsageError: a run without weights, says what to export instead; code that is not trusted.
        MuybridgeError: damaged.
    """
    run, share = find_run(word)
    if run.stage not in NETWORKS:
        raise _without_weights(run)
    config = result_config(run)
    if config.get("fold") == "all":
        raise UsageError(
            f"export {run.path}: joins the answers of all folds and has no network of its own; give the run of one fold. "
            "`muybridge runs ls --where fold=0` lists them."
        )
    consent.demand(config, run.path / "result.json", trust_code)
    path = run.path / (snapshots.name_of(share) if share else WEIGHTS)
    tensors = load_weights(path)
    backbone = build_backbone(str(config["backbone"]), int(config["seed"]))
    put_weights(backbone, part(tensors, "backbone"), path)
    head = None
    if run.stage in TRAINED and not backbone_only:
        weight = tensors.get("head.weight")
        if weight is None or weight.ndim != 2:
            raise MuybridgeError(f"{path}: has no linear layer. --backbone-only exports what is there.")
        head = Head(weight.shape[1], weight.shape[0])
        put_weights(head, part(tensors, "head"), path)
    network = Exportable(backbone, head).float().eval().requires_grad_(False)
    return Source(run, config, network, _facts(run, config, network, share))


def _facts(run: Run, config: Mapping[str, Any], network: Exportable, share: int | None) -> dict[str, object]:
    body: Any = network.backbone
    classes: list[str] = []
    if network.head is not None:
        number = network.head.out_features
        told = run.result.get("data", {}).get("classes") or ()
        classes = list(told) if len(told) == number else [f"class {place}" for place in range(number)]
    return {
        "format": FORMAT,
        "version": __version__,
        "backbone": _network_name(str(config["backbone"]), body),
        "dim": int(body.dim),
        "output": "logits" if classes else "features",
        "classes": classes,
        "clip": {name: int(config[key]) for name, key in
                 (("frames", "frames"), ("stride", "stride"), ("short_side", "size"), ("crop", "crop"))}
        | {"sampling": str(config.get("sampling", "dense"))},
        "input": {"layout": "b 3 t h w", "type": "float32", "range": [0, 1], "channels": "rgb", "normalisation": "inside"},
        "run": {"stage": run.stage, "signature": run.signature, "share": share},
    }  # fmt: skip


def _network_name(name: str, body: Any) -> str:
    """The backbone without the folder of this machine that a network of transformers came from: ``hf:`` and its type."""
    return f"hf:{body.model.config.model_type}" if name.startswith("hf:") else name


def _without_weights(run: Run) -> UsageError:
    field, why = INSTEAD.get(run.stage, ("", "runs of this stage keep none"))
    asked = run.result.get("config")
    word = asked.get(field) if isinstance(asked, dict) else None
    instead = (
        f"Export {word} instead"
        if isinstance(word, str) and word != "random"
        else "Export a run of probe or finetune"
    )
    return UsageError(
        f"export {run.path}: a run of {run.stage} holds no weights: {why}. {instead}; --format fiftyone takes its answers."
        if run.stage in ("knn", "robustness", "zeroshot")
        else f"export {run.path}: a run of {run.stage} holds no weights: {why}. {instead}."
    )
