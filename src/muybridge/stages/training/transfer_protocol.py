"""Transfer protocol: everything but model, data and seed that decides what a transfer measures, as one hashed object.

Results with different hashes never share a table.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from muybridge.config.stage_configs import Transfer
from muybridge.core.plain_data import canonical
from muybridge.stages.job.job import Stage, stage_of
from muybridge.stages.testing.clip_protocol import Protocol, of_run


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
    recipe: Mapping[str, object]
    selection: str
    labels_per_class: int | None = None

    @property
    def hash(self) -> str:
        """Name of everything."""
        content = [self.kind, self.clips.hash, dict(self.recipe), self.selection, self.labels_per_class]
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:12]

    def facts(self) -> dict[str, object]:
        """What ``result.json`` says of it under ``protocol``."""
        return {
            "kind": self.kind, "clips": self.clips.facts(), "recipe": dict(self.recipe), "selection": self.selection,
            "labels_per_class": self.labels_per_class, "hash": self.hash,
        }  # fmt: skip


def transfer_of(config: Transfer) -> TransferProtocol:
    """The protocol that a config of a transfer stage asks for."""
    stage: Stage[Transfer] = stage_of(config.stage)
    recipe, selection = stage.recipe(config)
    few = vars(config).get("labels_per_class")
    return TransferProtocol(stage.name, of_run(config), recipe, selection, few)
