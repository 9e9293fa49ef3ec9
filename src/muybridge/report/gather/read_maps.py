"""Maps of layer similarity of a run, read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float64

from muybridge.core.errors import MuybridgeError
from muybridge.core.reference.published_axes import AXES
from muybridge.runs.contents.layer_maps import PERTURBED, REDRAWN, read_maps
from muybridge.runs.records import Run

STAGE = "similarity"


@dataclass(frozen=True)
class Axis:
    """One side of a map.

    Attributes:
        title: the network; or what stands for conditions.
        names: layers in the order of first firing, those that never fire at the end; or conditions.
        fired: how many of them have values.
        facts: what is known of the network.
        shown: places of the names where they are not in that order.
    """

    title: str
    names: list[str]
    fired: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    shown: tuple[int, ...] | None = None

    @property
    def places(self) -> tuple[int, ...]:
        """For every name its place among the layers that fired; -1 for none."""
        if self.shown is not None:
            return self.shown
        return tuple(place if place < self.fired else -1 for place in range(len(self.names)))

    @property
    def short(self) -> str:
        """The network without what all of a group share."""
        if not self.facts:
            return self.title
        arm, level, source = (str(self.facts.get(name) or "") for name in ("arm", "level", "source"))
        more = [f"level {level}"] if level else []
        more += [f"from {source}"] if "," in source or "@" in source else []
        more += [] if self.facts.get("stage") != "pretrain" else ["pretrained"]
        more += [] if self.facts.get("seed") is None else [f"seed {self.facts['seed']}"]
        return ", ".join([arm, *more])


@dataclass(frozen=True)
class LayerMap:
    """One map of one run.

    Attributes:
        arrays: ``value``, ``null_low``, ``null_high`` and perhaps ``low`` and ``high``, of the layers that fired.
        told: its numbers in ``result.json``; empty for clean against perturbed.
        redrawn: mean off the diagonal and block score in every replicate, if groups were redrawn.
    """

    run: Run
    measure: str
    rows: Axis
    columns: Axis
    arrays: Mapping[str, Float64[np.ndarray, "l l2"]]
    told: Mapping[str, Any]
    redrawn: Float64[np.ndarray, "2 r"] | None = None

    @property
    def itself(self) -> bool:
        """Whether a network is compared with itself on the same clips."""
        return self.rows is self.columns

    @property
    def title(self) -> str:
        """What a picture of it is called."""
        if self.measure == PERTURBED or self.itself:
            return self.columns.short
        return f"{self.rows.short} against {self.columns.short}"

    def filled(self, kind: str) -> Float64[np.ndarray, "rows columns"]:
        """An array with NaN where layers never fire."""
        whole = np.full((len(self.rows.names), len(self.columns.names)), np.nan)
        rows, columns = (np.flatnonzero(np.array(axis.places) >= 0) for axis in (self.rows, self.columns))
        kept = [[place for place in axis.places if place >= 0] for axis in (self.rows, self.columns)]
        whole[np.ix_(rows, columns)] = self.arrays[kind][np.ix_(*kept)]
        return whole

    @property
    def unsaid(self) -> np.ndarray:
        """Where the value lies inside the null band."""
        low, value, high = (self.filled(kind) for kind in ("null_low", "value", "null_high"))
        found: np.ndarray = (low <= value) & (value <= high)
        return found


def maps_of(run: Run) -> list[LayerMap]:
    """Every map of a run.

    Raises:
        MuybridgeError: a file of it is damaged.
    """
    told = run.result.get("similarity")
    if told is None or told["a"] is None:
        raise MuybridgeError(f"{run.path}: damaged (it says nothing of layers). Run its command again.")
    one = _axis(told["a"])
    other = _axis(told["b"]) if told["b"] else one
    shapes = dict.fromkeys(told["measures"], (one.fired, other.fired))
    conditions = [f"{name} {severity}" for name, severity in told["conditions"]]
    if conditions:
        shapes[PERTURBED] = (len(conditions), one.fired)
    if told["replicates"] and "cka" in told["measures"]:
        shapes[REDRAWN] = (2, told["replicates"])
    arrays = read_maps(run.path, shapes)
    redrawn = arrays.pop(REDRAWN, {}).get("value")
    found = [
        LayerMap(run, name, one, other, arrays[name], numbers, redrawn if name == "cka" else None)
        for name, numbers in told["measures"].items()
    ]
    if conditions:
        found.append(
            LayerMap(
                run, PERTURBED, Axis("condition", conditions, len(conditions)), one, arrays[PERTURBED], {}
            )
        )
    return found


def _axis(told: Mapping[str, Any]) -> Axis:
    return Axis(told["name"], [*told["layers"], *told["never"]], len(told["layers"]), told["facts"])


def has_published_axis(one: LayerMap) -> bool:
    """Whether figures of the benchmark show such a map: all modules of one of its networks against itself."""
    layers = one.run.result.get("config", {}).get("layers")
    return (
        one.itself
        and one.measure == "cka"
        and layers == ["all"]
        and one.columns.facts.get("backbone") in AXES
    )


def on_published_axis(one: LayerMap) -> LayerMap:
    """The map with the modules of the published network as its axes; blank where ours has none."""
    axis = one.columns
    place = {name: at for at, name in enumerate(axis.names[: axis.fired])}
    place["network"] = place.get(
        "backbone", place.get("network", -1)
    )  # of a classifier the figures leave the head out
    pairs = AXES[str(axis.facts["backbone"])]()
    other = replace(
        axis, names=[there for there, _ in pairs], shown=tuple(place.get(here or "", -1) for _, here in pairs)
    )
    return replace(one, rows=other, columns=other)
