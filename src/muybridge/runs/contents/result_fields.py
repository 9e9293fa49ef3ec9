"""Fields of ``result.json`` by name and type, as ``result.FIELDS`` checks them where they are read."""

from collections.abc import Sequence
from typing import Literal, TypedDict


class Facets(TypedDict, total=False):
    """How a run is sorted (``stages.job.facets``)."""

    arm: str
    data: str
    protocol: str
    seed: int
    fold: int | Literal["all"] | None
    backbone: str
    source: str
    source_kind: str
    level: str
    frames: str


class MetaSpent(TypedDict):
    """What the steps cost at which weights were learnt: their number, and operations and seconds in those of a plain step."""

    steps: int
    flops: float | None
    seconds: float | None


class Spent(TypedDict, total=False):
    """What a run cost."""

    clips: float
    steps: int
    epochs: float
    with_gradient: int
    without_gradient: int
    decoded: int
    frames: float
    flops: float
    seconds: float
    waiting: float
    shares: dict[str, float]
    meta: MetaSpent
    dearest: float


class Gate(TypedDict, total=False):
    """An auxiliary task at the end of a training: accuracy, that of guessing, whether it is above; or what it explains."""

    accuracy: float
    chance: float
    active: bool
    explained: float


class WeightingFields(TypedDict):
    """How several terms were weighted."""

    name: str
    options: dict[str, object]
    terms: Sequence[str]
