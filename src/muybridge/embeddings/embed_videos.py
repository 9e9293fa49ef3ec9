"""embed: features of every video of a data set, in order, into one file; goes on after a kill and ends with the same bytes."""

import errno
from collections.abc import Callable, Iterator
from shutil import rmtree

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from muybridge.config.embed_config import EmbedConfig
from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import write_json
from muybridge.embeddings.embed_facts import facts_of
from muybridge.embeddings.embed_material import Decode, EmbedMaterial, ahead, material_of
from muybridge.embeddings.embed_request import REQUEST, Request, begun_in, hashed, is_finished
from muybridge.embeddings.feature_files import WRITERS, Content
from muybridge.embeddings.layer_rows import LayerRows, Rows
from muybridge.embeddings.loaded_model import LoadedModel
from muybridge.embeddings.read_embeddings import Embeddings
from muybridge.embeddings.row_parts import Block, FeatureParts
from muybridge.stages.features.networks import calibrate
from muybridge.stages.testing.models import evaluating
from muybridge.stages.testing.tested import Chunk
from muybridge.train.precision import Compute

CALIBRATION = 256
"""Clips that set the batch norms of an untrained network."""
Say = Callable[[str], None]
Tick = Callable[[int, int], None]


def embed_videos(request: Request, decode: Decode, say: Say, tick: Tick | None = None) -> Embeddings:
    """Encode what is not encoded yet and write the file.

    Args:
        request: what was asked for.
        decode: as of ``material_of``.
        say: told what happens, and notes.
        tick: told how many videos are done.

    Raises:
        UsageError: the file holds something else, and was not to be replaced; too many broken videos.
        MuybridgeError: a full disk; another process works on the same file; a video that changed meanwhile.
    """
    if is_finished(request):
        say(f"{request.out}: finished before, not computed again; --overwrite does")
        return Embeddings(request.out)
    request.parts.mkdir(parents=True, exist_ok=True)
    lock = FileLock(request.parts / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise MuybridgeError(
            f"{request.out}: another process writes it now. Wait for it, or give another --out."
        ) from error
    try:
        if is_finished(request):  # by the process that held the lock
            return Embeddings(request.out)
        material = material_of(request.config, request.dataset, request.model, request.compute.device, decode)
        parts = FeatureParts(request.parts, _owner(request, material, say))
        if parts.stop:
            done = _videos(material, parts.stop)
            say(f"{request.parts}: goes on behind {done:,} of {len(material.records):,} videos")
        rows = LayerRows(request.model, request.config.layers, request.config.pool, request.compute)

        def counted(chunks: int) -> None:
            if tick:
                tick(_videos(material, chunks), len(material.records))

        _encode(request, material, parts, rows, counted)
        facts = facts_of(request, material, parts, list(rows.names))
        found = parts.shapes()
        content = Content(
            parts, {record.id: record for record in material.records}, request.dataset.classes,
            {one["name"]: found[one["name"]] for one in facts["layers"]}, request.config.dtype, request.config.per == "clip", facts,
        )  # fmt: skip
        WRITERS[request.kind](request.out, content)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise MuybridgeError(
            f"{request.out}: the disk is full. What is encoded is kept in {request.parts}; free some space (the file needs as much as the"
            " parts once more) and run the same command again: it goes on where it stopped."
        ) from error
    finally:
        lock.release()
    rmtree(request.parts)
    for note in facts["notes"]:
        say(f"note: {note}")
    return Embeddings(request.out)


def _videos(material: EmbedMaterial, chunks: int) -> int:
    return len(material.records) * chunks // max(1, material.tested.chunks)


def _owner(request: Request, material: EmbedMaterial, say: Say) -> str:
    """Hash of all that decides the bits of the rows: parts that were made otherwise are made anew, and that is said."""
    bits = [
        request.facts["request"],
        torch.__version__,
        torch.get_num_threads(),
        str(request.compute.device),
        material.batch,
    ]
    owner = hashed(bits)
    begun = begun_in(request.parts)
    if begun and begun.get("owner") != owner:
        say(f"{request.parts}: made with another version, device, batch or number of threads; begins anew")
    asked = [{"name": name} for name in request.config.layers]
    write_json(request.parts / REQUEST, {**request.facts, "layers": asked, "owner": owner})
    return owner


def _encode(
    request: Request,
    material: EmbedMaterial,
    parts: FeatureParts,
    rows: LayerRows,
    counted: Callable[[int], None],
) -> None:
    """Run the model on the chunks that are not in the parts yet."""
    model, compute = request.model, request.compute
    if parts.stop >= material.tested.chunks:
        return
    with evaluating(model, compute):
        if model.origin.untrained:
            _calibrate(model, material, compute)
        try:
            with rows.running(), ahead(material.tested.read(parts.stop)) as chunks:
                for chunk in chunks:
                    parts.add(_block(request.config, chunk, material.batch, rows))
                    counted(parts.stop)
        finally:  # also where somebody stops it
            parts.flush()


def _calibrate(model: LoadedModel, material: EmbedMaterial, compute: Compute) -> None:
    """Set the batch norms of an untrained network by the first clips, as every verb does with random weights."""

    def clips() -> Iterator[Tensor]:
        seen = 0
        for chunk in material.tested.read():
            if seen >= CALIBRATION:
                return
            for start in range(0, len(chunk.clip), material.batch):
                yield chunk.clip.frames[start : start + material.batch]
            seen += len(chunk.clip)

    calibrate(model.network, clips(), compute)


def _block(config: EmbedConfig, chunk: Chunk, batch: int, rows: LayerRows) -> Block:
    """The rows of a chunk, in the format that is written."""
    made = Block(broken=[{"path": str(record.video), "reason": why} for record, why in chunk.broken])
    if not len(chunk.clip):
        return made
    several = [
        rows.of(chunk.clip.frames[start : start + batch]) for start in range(0, len(chunk.clip), batch)
    ]
    found: Rows = {name: np.concatenate([one[name] for one in several]) for name in several[0]}
    videos, views = [record.id for record in chunk.records], list(chunk.views)
    if config.per == "video":
        number = len(views) // len(dict.fromkeys(videos))
        found = {name: one.reshape(-1, number, *one.shape[1:]).mean(axis=1) for name, one in found.items()}
        videos, views = list(dict.fromkeys(videos)), [0] * (len(views) // number)
    made.videos, made.views, made.whole = videos, views, sorted(rows.whole)
    for name, one in found.items():
        fine = np.isfinite(one.reshape(len(one), -1)).all(axis=1)
        with np.errstate(over="ignore"):
            kept = one.astype(config.dtype)
        held = np.isfinite(kept.reshape(len(kept), -1)).all(axis=1)
        made.features[name] = kept
        made.not_finite[name], made.overflown[name] = int((~fine).sum()), int((fine & ~held).sum())
        if not held.all():
            made.first[name] = videos[int(np.argmin(held))]
    return made
