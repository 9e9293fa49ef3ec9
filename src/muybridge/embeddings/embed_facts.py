"""What a file of embeddings says of itself: facts, and notes on what a reader must know."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from muybridge import __version__
from muybridge.core.text.redact import redact
from muybridge.data.index import check_same, fingerprints
from muybridge.data.loader import check_broken
from muybridge.embeddings.embed_material import EmbedMaterial
from muybridge.embeddings.embed_request import Request
from muybridge.embeddings.feature_files import column_of
from muybridge.embeddings.row_parts import Block, FeatureParts, added
from muybridge.stages.testing.tested import Direct


def facts_of(
    request: Request, material: EmbedMaterial, parts: FeatureParts, layers: Sequence[str]
) -> dict[str, Any]:
    """What the file says of itself, ``notes`` included.

    Args:
        request: what was asked for.
        material: the videos.
        parts: their rows, all of them.
        layers: those that were asked for, in order.

    Raises:
        UsageError: too many broken videos, or no row at all.
        MuybridgeError: a file changed while it was read.
    """
    found, shapes = parts.facts(), parts.shapes()
    reasons = {one["path"]: one["reason"] for one in found.broken} | {
        one["path"]: one["reason"] for one in material.broken
    }
    errors = [reasons.get(str(record.video), "") for record in material.records]
    broken = check_broken(material.records, errors, request.config.allow_broken)
    if isinstance(
        material.tested, Direct
    ):  # the cache is found by the content of the files, and checks what it holds
        check_same(request.dataset, material.records, fingerprints(material.records))
    held = [name for name in layers if name in shapes]
    left = [name for name in layers if name not in shapes]
    facts = {
        **request.facts,
        "layers": [{"name": name, "column": column_of(name), "shape": list(shapes[name])} for name in held],
        "rows": len(found), "videos": len(material.records) - len(broken), "broken": broken,
        "not_finite": {name: n for name, n in added(found.not_finite, found.overflown).items() if n},
        "notes": [
            *request.dataset.notes, *material.notes, *_of_model(request, found, left), *_of_broken(broken), *_of_numbers(found, held)
        ],
        "versions": {"muybridge": __version__, "torch": torch.__version__, "numpy": np.__version__},
    }  # fmt: skip
    told: dict[str, object] = redact(facts)
    return told


def _of_model(request: Request, found: Block, left: Sequence[str]) -> list[str]:
    notes = []
    if request.model.origin.untrained:
        notes.append(f"untrained: {request.model.origin.name}, drawn from seed {request.config.seed}")
    if found.whole:
        notes.append(
            f"--pool {request.config.pool} leaves {', '.join(found.whole)} whole, whose axes are not known"
        )
    if left:
        notes.append(
            f"{len(left)} modules put out nothing with one row a clip and are left out, as {left[0]}"
        )
    return notes


def _of_broken(broken: Sequence[dict[str, str]]) -> list[str]:
    if not broken:
        return []
    first = f"{broken[0]['path']}: {broken[0]['reason']}"
    return [f"{len(broken)} broken video{'s have' if len(broken) > 1 else ' has'} no row; the first: {first}"]


def _of_numbers(found: Block, layers: Sequence[str]) -> list[str]:
    """Notes on rows that hold infinities or what is no number."""
    notes = []
    for name in layers:
        ways = (
            (found.not_finite, "numbers that are not finite", "Try --precision fp32, or look at the weights"),
            (found.overflown, "numbers too large for float16", "Give --dtype float32"),
        )
        for counts, what, way in ways:
            if number := counts.get(name):
                notes.append(
                    f"{name}: {number:,} of {len(found):,} rows hold {what}, the first of {found.first[name]}. {way}"
                )
    return notes
