"""Finished runs as models that a zero-shot run can ask: video-text pairs, and classifiers through the meaning of their classes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones import BACKBONES
from muybridge.backbones.text.dual import DualEncoder
from muybridge.backbones.weights.pretrained import put_weights
from muybridge.config.config_fields import ConfigFields
from muybridge.config.names import is_external
from muybridge.config.stage_configs import PretrainConfig, ZeroshotConfig, change, kind_of
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Classifier
from muybridge.objectives.language.vocabulary import unpacked
from muybridge.runs.records import Run
from muybridge.stages.job.facets import is_still
from muybridge.stages.job.origins import result_config
from muybridge.stages.testing.clip_protocol import Protocol, chosen, of_pretraining, of_run
from muybridge.stages.testing.models import TestedModel
from muybridge.stages.texts.text_scored import conse, external
from muybridge.stages.training.captions import needs_captions
from muybridge.stages.training.material import build_backbone
from muybridge.stages.training.pretext import build_objective
from muybridge.train.checkpoint import load_weights


class OwnPair(DualEncoder):
    """The network of a video-text run and its text encoder.

    Args:
        name: for tables.
        backbone: of the run.
        objective: with its text encoder.
        order_free: whether the backbone is blind to the order of frames.
    """

    def __init__(self, name: str, backbone: nn.Module, objective: Any, order_free: bool) -> None:
        super().__init__()
        self.name, self.backbone, self.objective, self.order_free = name, backbone, objective, order_free
        self.facts = {
            "loss": objective.loss,
            "text_layers": objective.layers,
            "vocabulary": len(objective.text.words),
        }

    @property
    def scale(self) -> float:
        """The learnt scale."""
        return float(self.objective.scale.detach().exp().clamp(max=100))

    @property
    def bias(self) -> float:
        """The learnt bias of the sigmoid loss."""
        return float(self.objective.bias.detach()) if self.objective.loss == "sigmoid" else 0.0

    def video(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """Projected features of clips."""
        found: Tensor = self.objective.project(self.backbone(frames).pooled)
        return found

    def text(self, prompts: Iterable[str]) -> Float[Tensor, "n d"]:
        """Embeddings of prompts in the words that it was trained on."""
        tokens = self.objective.text.tokens(list(prompts))
        found: Tensor = self.objective.text(tokens.to(self.objective.scale.device))
        return found

    def tokens(self, prompts: Iterable[str]) -> list[tuple[int, ...]]:
        """Numbers of the words."""
        return [tuple(row) for row in self.objective.text.tokens(list(prompts)).tolist()]


def of_input(config: ZeroshotConfig, run: Run, origin: ConfigFields) -> TestedModel:
    """The model of a finished run: a video-text pair, or a classifier through ``--words``.

    Raises:
        UsageError: a pretraining run without a text encoder.
        MuybridgeError: damaged weights.
    """
    label = str(run.result.get("facets", {}).get("arm") or run.stage)
    weights = run.path / "weights.safetensors"
    if run.stage == "pretrain":
        trained = change(PretrainConfig(), dict(origin), run.signature)
        if not needs_captions(trained):
            raise UsageError(
                f"--model {run.path}: pretrained by {trained.objective}, which knows no words. `muybridge probe --init` and"
                " `muybridge retrieval --init` test it; --objective video-text trains a network that can be asked."
            )
        backbone = build_backbone(trained.backbone, trained.seed)
        objective: Any = build_objective(trained, backbone.dim)
        state = load_weights(weights)
        objective.build(unpacked(state["objective.text.content"]))
        learner = nn.ModuleDict({"backbone": backbone, "objective": objective})
        put_weights(learner, state, weights)
        blind = bool(_blind(trained.backbone) or is_still(origin))
        return TestedModel(
            f"{label}, {trained.backbone}", OwnPair(label, backbone, objective, blind), None, run.signature
        )
    tested: Any = change(kind_of(run.stage)(), dict(origin), run.signature)
    classes = tuple(run.result["data"]["classes"])
    backbone = build_backbone(tested.backbone, tested.seed)
    classifier = Classifier(backbone, backbone.dim, len(classes))
    put_weights(classifier, load_weights(weights), weights)
    return conse(
        config, TestedModel(f"{label}, {tested.backbone}", classifier, classes, run.signature), classes
    )


def _blind(backbone: str) -> bool:
    return backbone in BACKBONES and BACKBONES[backbone].facts.get("order") is False


def clips_of(run: Run) -> Protocol:
    """How the clips of a run are cut."""
    told: Any = change(kind_of(run.stage)(), dict(result_config(run)), run.signature)
    return of_pretraining(told) if run.stage == "pretrain" else of_run(told)


def model_of(config: ZeroshotConfig) -> tuple[TestedModel, Protocol]:
    """The model that a config names and how its clips are cut.

    Raises:
        UsageError: as ``text_scored.external`` and ``of_input``; a model that was handed over as an object.
    """
    if is_external(config.model):
        subject = external(config)
        return subject, chosen(config, subject.protocol, subject.clip)
    run = Run(Path(config.model))
    if not run.done:
        raise UsageError(
            f"--model {config.model}: no finished run. A model that was handed over as an object cannot be found again: give"
            " muybridge.robustness the ZeroShot classifier itself (muybridge.backbones.text.dual)."
        )
    return of_input(config, run, result_config(run)), clips_of(run)
