"""What ``result.json`` says of maps of layer similarity: their axes, and numbers with what redrawn videos make of them."""

import math
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Float64

from muybridge.measure.similarity.blocks import (
    Means,
    block_score,
    diagonal_profile,
    inside,
    mean_off_diagonal,
)
from muybridge.measure.similarity.layer_similarity import LayerMap, quantiles
from muybridge.measure.similarity.twin_retrieval import TwinShare
from muybridge.stages.features.compared import NetworkFacts
from muybridge.stages.features.layer_grams import LayerGrams

SHOWN = 3
"""Names of layers that a note gives as examples."""


class Axis(TypedDict, total=False):
    """One network of a map: its name, the layers that fired and those that never did, notes on them, what is known of it."""

    name: str
    layers: list[str]
    never: list[str]
    notes: list[str]
    facts: NetworkFacts


def axis(one: LayerGrams, layers: Sequence[str]) -> Axis:
    """Layers of a network that fired, in order, and those that did not; notes on them."""
    net = one.network
    wanted = net.layers if net.layers is not None else [name for name, _ in net.module.named_modules()]
    fired = {layer.partition("#")[0] for layer in layers}
    never = [shown for shown in map(net.shown, wanted) if shown not in fired]
    odd = [layer for layer in never if layer in one.odd]
    never = [layer for layer in never if layer not in one.odd]
    notes = []
    if never:
        notes.append(f"{net.name}: {len(never)} modules never fire and are left blank ({_some(never)})")
    if odd:
        notes.append(
            f"{net.name}: {len(odd)} modules put out no tensor with one row per clip and are left blank ({_some(odd)})"
        )
    if one.whole:
        notes.append(
            f"{net.name}: --pool {one.pool} leaves {len(one.whole)} layers whole, whose axes are not known"
        )
    return {"name": net.name, "layers": list(layers), "never": [*never, *odd], "notes": notes}


def numbers(one: LayerMap, redrawn: Float64[np.ndarray, "r l l2"] | None) -> dict[str, object]:
    """Mean off the diagonal and block score, with 95 % intervals where groups were redrawn; profile; share inside the null band."""
    return {
        "mean_off_diagonal": _number(mean_off_diagonal, one.value, redrawn),
        "block_score": _number(block_score, one.value, redrawn),
        "profile": [_plain(value) for value in diagonal_profile(one.value)],
        "inside_null": _plain(float(np.mean(inside(one.value, *one.null)))),
        "undefined": int(np.isnan(one.value).sum()),
    }


def drift_numbers(
    one: LayerMap, cells: Sequence[tuple[str, int]], twins: Sequence[TwinShare | None]
) -> list[dict[str, object]]:
    """For each condition the mean over layers, the first and last layer, and how often clips find their twin by the last."""
    rows = zip(cells, one.value, twins, strict=True)
    return [
        {
            "type": name,
            "severity": severity,
            "mean": _plain(_mean(row)),
            "first": _plain(row[0]),
            "last": _plain(row[-1]),
            "twin": _twin(share),
        }
        for (name, severity), row, share in rows
    ]


def _twin(share: TwinShare | None) -> dict[str, float | None]:
    low, high = (None, None) if share is None or share.interval is None else map(_plain, share.interval)
    return {"value": None if share is None else _plain(share.value), "low": low, "high": high}


def _number(
    of: Callable[[np.ndarray], Means], value: Float64[np.ndarray, "l l2"], redrawn: np.ndarray | None
) -> dict[str, float | None]:
    told = {"value": _plain(float(of(value)))}
    if redrawn is not None and told["value"] is not None:
        low, high = quantiles(np.asarray(of(redrawn)))
        told |= {"low": _plain(float(low)), "high": _plain(float(high))}
    return told


def _mean(row: Float64[np.ndarray, "l"]) -> float:
    known = row[~np.isnan(row)]
    return float(known.mean()) if len(known) else math.nan


def _plain(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if math.isnan(value) else round(float(value), 6)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
