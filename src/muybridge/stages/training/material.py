"""What every stage starts from: decoded videos, networks, and the laws that make clips of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from muybridge.backbones import build
from muybridge.backbones.weights.pretrained import attach, checkpoint_of, load_backbone, put_weights
from muybridge.config.stage_configs import Control, Data, NeighboursConfig, Transfer
from muybridge.core import seeding
from muybridge.core.errors import UsageError
from muybridge.data import cache
from muybridge.data.decode import video_traits as traits
from muybridge.data.index import VideoRecord, balanced, check_same
from muybridge.data.loader import check_broken
from muybridge.data.sets.known_sets import kind_of, official_split
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run
from muybridge.sampling.frame_numbers import ClipLaw, Law, coincide, repeats
from muybridge.sampling.whole_video import clip_law
from muybridge.stages.job.declared import pairs
from muybridge.stages.job.job import Job
from muybridge.train.checkpoint import load_weights, part

T = TypeVar("T")


@dataclass(frozen=True)
class Material:
    """Decoded videos of a stage.

    Attributes:
        parts: records by role (``train``, ``test``), broken ones left out of training.
        store: where their frames lie; ``places`` maps ids to it.
        broken: path and reason of the videos that cannot be decoded.
    """

    parts: Mapping[str, Sequence[VideoRecord]]
    store: cache.FrameStore
    places: Mapping[str, int]
    broken: list[dict[str, str]]
    notes: list[str] = field(default_factory=list)

    def numbers(self, role: str) -> list[int]:
        """Places in the store of the records of a role."""
        return [self.places[record.id] for record in self.parts[role]]


def prepare(
    job: Job[Control], parts: Mapping[str, Sequence[VideoRecord]], config: Data, law: Law
) -> Material:
    """Decode what is not yet in the cache and look for broken and short videos.

    Raises:
        UsageError: too many broken videos.
    """
    parts = {role: limited(records, config.limit) for role, records in parts.items()}
    records = (
        job.dataset.records if config.limit is None else [r for chosen in parts.values() for r in chosen]
    )
    planned = cache.plan(records, cache.Geometry(config.size, config.size))
    check_same(job.dataset, records, planned.files)
    store = cache.build(records, planned)
    places = {record.id: i for i, record in enumerate(records)}
    broken = check_broken(records, store.errors, job.config.allow_broken)
    notes = [*job.notes, *traits.notes(planned.traits)]
    usable = {}
    for role, chosen in parts.items():
        usable[role], noted = _usable(role, chosen, store, places, law)
        notes += noted
    return Material(usable, store, places, broken, notes)


def limited(records: Sequence[VideoRecord], limit: int | None) -> list[VideoRecord]:
    """At most ``limit`` records, spread over the classes, chosen by hash."""
    if limit is None or limit >= len(records):
        return list(records)
    return balanced(records, limit, seed=0, stream="limit")


def _usable(
    role: str,
    records: Iterable[VideoRecord],
    store: cache.FrameStore,
    places: Mapping[str, int],
    law: Law,
) -> tuple[list[VideoRecord], list[str]]:
    kept, short, same, repeated = [], 0, 0, 0
    for record in records:
        place = places[record.id]
        if store.errors[place]:
            if role == "test":
                kept.append(record)
            continue
        total = int(store.frames[place])
        short += not law.fits(total)
        if law.short == "skip" and not law.fits(total):
            continue
        kept.append(record)
        same += coincide(law, total)
        repeated += repeats(law, total)
    notes = []
    if short:
        notes.append(
            f"{short} {role} video{'s are' if short > 1 else ' is'} shorter than the {law.span} frames wanted (policy: {law.short})"
        )
    if same:
        notes.append(f"{same} {role} videos are so short that all clips of a tuple show the same frames")
    if repeated:
        notes.append(f"{repeated} {role} videos are so short that a clip shows some of their frames twice")
    if not kept:
        raise UsageError(
            f"no {role} video is left: all are broken or shorter than {law.span} frames (--short skip)."
        )
    return kept, notes


def law_of(config: Data) -> ClipLaw:
    """The sampling law of a config."""
    return clip_law(config.sampling, config.frames, config.stride, config.short)


def build_backbone(
    name: str, seed: int, init: Run | Path | None = None, key: str | None = None, prefix: str | None = None
) -> Any:  # a module that is a ``Backbone`` too; Python has no type for both
    """A backbone with weights drawn from (seed, "backbone"), or read from a pretrain run, a snapshot of one or a file of public weights.

    ``pretrained.checkpoint_of`` says what was taken of such a file; ``key`` and ``prefix`` are those of ``load_backbone``.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.key(seed, "backbone"))
        backbone = build(name)
    if isinstance(init, Path) and snapshots.split(str(init))[1] is None:
        attach(backbone, load_backbone(backbone, init, key, prefix))
    elif init is not None:
        path = init if isinstance(init, Path) else init.path / "weights.safetensors"
        put_weights(backbone, part(load_weights(path), "backbone"), path)
    return backbone


def backbone_of(job: Job[Transfer | NeighboursConfig]) -> Any:
    """The backbone that a job starts from; what was taken of a file of public weights is kept for its result."""
    config = job.config
    flag = next((name for name in ("weights_key", "weights_prefix") if getattr(config, name)), None)
    if flag and (not isinstance(job.init, Path) or snapshots.split(str(job.init))[1] is not None):
        raise UsageError(f"--{flag.replace('_', '-')}: goes with a file of public weights as --init.")
    backbone = build_backbone(
        config.backbone, config.seed, job.init, config.weights_key, config.weights_prefix
    )
    taken = checkpoint_of(backbone)
    if taken is not None:
        job.checkpoint.update(taken.facts() | {"note": taken.note()})
    return backbone


def seeded(make: Callable[[], T], seed: int, stream: str = "head") -> T:
    """What ``make`` builds, its weights drawn from (seed, ``stream``)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.key(seed, stream))
        return make()


def data_facts(
    job: Job[Data], material: Material, role_counts: Mapping[str, Sequence[VideoRecord]]
) -> dict[str, object]:
    """The ``data`` part of ``result.json``."""
    return {
        "name": job.dataset.name,
        "fingerprint": job.dataset.fingerprint,
        "classes": list(job.dataset.classes),
        "videos": {role: len(records) for role, records in role_counts.items()},
        "broken": material.broken,
        "source": list(job.config.data),
        "kind": kind_of(job.config.data),
        "split": official_split(job.config.data),
        **pairs(job.dataset),
    }
