"""Fields of ``result.json`` by name and type, as ``result.FIELDS`` checks them where it is read.

Any field may be absent: stages have some of them, and older records fewer. What ``FIELDS`` does not look into has values of any kind.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

Groups = Mapping[str, Sequence[float]]
"""Found and asked by source group."""


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


class InputFields(TypedDict):
    """A run that another one starts from."""

    stage: str
    signature: str


class Broken(TypedDict):
    """A video that cannot be decoded, and why."""

    path: str
    reason: str


class SplitFields(TypedDict):
    """Which of the official splits: ``number`` of ``of``, of a family of data sets."""

    number: str | int
    of: str | int
    family: str


class DataFields(TypedDict, total=False):
    """What a run learnt from and was tested on."""

    name: str
    fingerprint: str | None
    classes: list[str]
    videos: dict[str, int]
    broken: list[Broken]
    source: list[str]
    kind: str | None
    split: SplitFields | None
    partners: dict[str, str]


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
    cached: float
    shares: dict[str, float]
    meta: MetaSpent
    dearest: float


class Budget(Spent, total=False):
    """What a run cost, and what it was asked to."""

    asked: int
    unit: str | None
    spent: int
    kept: bool | None


def amount(budget: Mapping[str, object], unit: str) -> float | None:
    """How much of a unit was spent; None where that is not told."""
    found = budget.get(unit)
    return found if isinstance(found, int | float) else None


class Gate(TypedDict, total=False):
    """An auxiliary task at the end of a training: accuracy, that of guessing, whether it is above; or what it explains."""

    accuracy: float
    chance: float
    active: bool
    explained: float


class WeightingFields(TypedDict, total=False):
    """How several terms were weighted."""

    name: str
    options: dict[str, object]
    terms: Sequence[str]


class RecipeFields(TypedDict):
    """The published recipe of a pretext task, and the fields in which a run departs from it."""

    task: str
    preset: str
    hash: str
    differ: list[str]


class RecallFields(TypedDict, total=False):
    """Recall at ``k`` neighbours, or average precision."""

    k: int
    value: float | None
    groups: Groups


class KnnFields(TypedDict, total=False):
    """Answers of ``k`` neighbours by one kind of vote."""

    vote: str
    k: int
    accuracy: float
    groups: Groups


class ShownFields(TypedDict, total=False):
    """A video that is shown; of a neighbour with its similarity to the query."""

    video: str
    label: str | None
    similarity: float | None


class QueryFields(ShownFields, total=False):
    """A video and its nearest ones."""

    nearest: list[ShownFields]


class NeighboursFields(TypedDict, total=False):
    """Videos with their neighbours."""

    queries: list[QueryFields]


class FoldFields(TypedDict, total=False):
    """One fold of a run that joins all."""

    fold: int
    signature: str
    videos: dict[str, int]
    numbers: dict[str, float]


class RegimeFields(TypedDict):
    """Under which regime classes were told by their names: where the names come from, and numbers of those that training saw."""

    name: str
    labels: str
    seen: list[int]


class ResultFields(TypedDict, total=False):
    """All of it."""

    version: int
    stage: str
    signature: str
    summary: str
    command: str
    precision: str | None
    limited: bool
    transductive: bool
    notes: list[str]
    config: dict[str, Any]
    facets: Facets
    inputs: dict[str, InputFields]
    data: DataFields
    budget: Budget
    weighting: WeightingFields | None
    tasks: dict[str, Gate] | None
    weights: dict[str, dict[str, float]] | None
    numbers: dict[str, float] | None
    recipe: RecipeFields | None
    chance: float | None
    peak_memory: int | None
    recall: list[RecallFields]
    average_precision: RecallFields | None
    knn: list[KnnFields]
    majority: dict[str, Any]
    k: int
    queries: int
    dim: int
    selection: dict[str, Any]
    health: dict[str, Any]
    diversity: dict[str, Any]
    similarity: dict[str, Any]
    neighbours: NeighboursFields
    categories: dict[str, str] | None
    seen: list[str] | None
    label_changing: list[str] | None
    label_map: dict[str, dict[str, dict[str, str]]] | None
    order: dict[str, dict[str, dict[str, float]]] | None
    mean_angle: dict[str, dict[str, float]] | None
    folds: list[FoldFields]
    regime: RegimeFields | None
    parts: dict[str, list[str]] | None
    identity: dict[str, Any] | None
    lossless: dict[str, Any] | None
    order_free: bool
    profile: str | dict[str, str | int] | None
    protocol: str | dict[str, Any] | None
    model: dict[str, Any] | None
    checkpoint: dict[str, object]
    files: dict[str, "FileFields"]
    sha256: str


class FileFields(TypedDict):
    """A file of a finished run, as it was written."""

    bytes: int
    mtime_ns: int
    sha256: str
