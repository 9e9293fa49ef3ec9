"""Transfer protocol: everything but model, data and seed that decides what a transfer measures, as one hashed object.

Results with different hashes never share a table.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from muybridge.config.stage_configs import FinetuneConfig, KnnConfig, RetrievalConfig, Transfer, as_dict
from muybridge.core.plain_data import canonical
from muybridge.measure.features.linear import DECAYS
from muybridge.runs.signing import signed_fields
from muybridge.stages.testing.clip_protocol import Protocol, of_run

ARM = (
    *(
        "auxiliary",
        "auxiliary_options",
        "auxiliary_only_views",
        "weighting",
        "weighting_options",
        "mode",
        "meta_share",
    ),
    *("budget", "budget_unit"),
    *("teachers", "teacher_temperature", "teacher_classes"),
)
"""Fields of fine-tuning that make another arm of the same experiment: what else is trained, how that is weighted, at what cost."""
K = 20
"""Neighbours that vote where nothing is said."""


@dataclass(frozen=True)
class TransferProtocol:
    """How a network was transferred and tested.

    Attributes:
        kind: ``finetune``, ``probe``, ``knn`` or ``retrieval``.
        clips: how clips are cut, and the views of a test video.
        recipe: what is trained or compared, and how, by name.
        selection: what was chosen by which videos, in words.
        labels_per_class: of few-label training; None for all labels.
    """

    kind: str
    clips: Protocol
    recipe: Mapping[str, Any]
    selection: str
    labels_per_class: int | None = None

    @property
    def hash(self) -> str:
        """Name of everything."""
        content = [self.kind, self.clips.hash, dict(self.recipe), self.selection, self.labels_per_class]
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:12]

    def facts(self) -> dict[str, Any]:
        """What ``result.json`` says of it under ``protocol``."""
        return {
            "kind": self.kind, "clips": self.clips.facts(), "recipe": dict(self.recipe), "selection": self.selection,
            "labels_per_class": self.labels_per_class, "hash": self.hash,
        }  # fmt: skip


def transfer_of(config: Transfer) -> TransferProtocol:
    """The protocol that a config of a transfer stage asks for."""
    kind: str = config.stage  # type: ignore[attr-defined]
    recipe, selection = _KINDS[kind](config)
    few = getattr(config, "labels_per_class", None)
    return TransferProtocol(kind, of_run(config), recipe, selection, few)


def _finetune(config: FinetuneConfig) -> tuple[dict[str, Any], str]:
    """Every option of the training; those of clips, data and model, which all transfers share, are none of them."""
    shared = {field.name for field in fields(Transfer)} - {"batch"}
    left_out = shared | {"labels_per_class", *ARM}
    recipe = {name: value for name, value in signed_fields(as_dict(config)).items() if name not in left_out}
    if config.keep == "last":
        return recipe, "nothing is chosen: the weights of the last epoch"
    return recipe, "weights with the lowest loss on held-out training videos"


def _probe(config: Transfer) -> tuple[dict[str, Any], str]:
    recipe = {
        "layer": "multinomial logistic regression on standardised pooled features, one row per clip",
        "weight_decays": list(DECAYS),
    }
    return (
        recipe,
        "weight decay by held-out folds of the training videos, whole groups; then fitted on all of them",
    )


def _knn(config: KnnConfig) -> tuple[dict[str, Any], str]:
    recipe = {
        "similarity": "cosine of pooled features averaged over views",
        "k": config.k or f"{K}, or the mean number of training videos per class if less",
        "temperature": config.temperature,
    }
    return recipe, "nothing is chosen"


def _retrieval(config: RetrievalConfig) -> tuple[dict[str, Any], str]:
    similarity = f"cosine of {config.features} features averaged over views"
    return {"similarity": similarity}, "nothing is chosen"


_KINDS: dict[str, Callable[[Any], tuple[dict[str, Any], str]]] = {
    "finetune": _finetune, "probe": _probe, "knn": _knn, "retrieval": _retrieval,
}  # fmt: skip
