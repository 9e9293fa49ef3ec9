"""``prereg.yaml``: what a study will do and how it will be judged, written before its first run and named by a hash.

The hash covers everything but ``deviations`` and itself: what was registered cannot be changed, and what was done otherwise can be added
and is shown. Every run of the study carries the hash; runs under another one are not analysed.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import yaml

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.files import atomic, read_bytes
from muybridge.core.parse import UnreadableError, parse_yaml
from muybridge.core.plain_data import canonical
from muybridge.runs.contents.result import misfit

NAME = "prereg.yaml"
VERSION = 1
OUTSIDE = ("sha256", "deviations")
"""Fields that the hash does not cover."""


class StudyNamed(TypedDict):
    """The study, and its config."""

    name: str
    config: dict[str, object]


class Primary(TypedDict):
    """The primary test: of a rank correlation of ``y`` with ``x``."""

    x: str
    y: str
    test: str
    covariates: list[str]
    alpha: float
    sesoi: float


class Hypothesis(TypedDict):
    """What is claimed, and by which test it is judged."""

    text: str
    direction: str
    primary: Primary
    secondary: list[str]
    rule: str


class Population(TypedDict):
    """Data sets and networks, and how sets of losses were drawn."""

    data: list[str]
    backbones: list[str]
    sampler: str
    frames: NotRequired[list[int]]


class LossSet(TypedDict):
    """A set of auxiliary losses, and what it counts for."""

    id: str
    losses: list[str]
    role: str


Cells = TypedDict("Cells", {"name": str, "class": str, "severities": list[int], "counts": str})
"""Severities of a perturbation, whether it keeps the class, and what they count for."""


class Prereg(TypedDict):
    """All of it; kinds as in ``FIELDS``."""

    version: int
    id: str
    created: str
    code_version: str
    code_sha256: str
    seed_list: list[int]
    study: StudyNamed
    hypothesis: Hypothesis
    population: Population
    sets: list[LossSet]
    combiners: list[str]
    exclusions: dict[str, object]
    perturbations: list[Cells]
    exposure_map: dict[str, list[str]]
    partners: dict[str, str]
    power: dict[str, float]
    stopping: str
    deviations: list[str]
    sha256: str


def _hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and all(one in "0123456789abcdef" for one in value)


_ANY: object = lambda value: True  # noqa: E731 - plain data of any kind
FIELDS: dict[str, object] = {
    "version!": int,
    "id!": str,
    "created!": str,
    "code_version!": str,
    "code_sha256!": _hash,
    "seed_list!": [int],
    "study!": {"name!": str, "config!": dict},
    "hypothesis!": {
        "text!": str,
        "direction!": lambda value: value == "positive",
        "primary!": {
            "x!": str, "y!": str, "test!": str, "covariates!": [str], "alpha!": float, "sesoi!": float,
        },
        "secondary!": [str],
        "rule!": str,
    },
    "population!": {"data!": [str], "backbones!": [str], "sampler!": str, "frames": [int]},
    "sets!": [{"id!": str, "losses!": [str], "role!": str}],
    "combiners!": [str],
    "exclusions!": {"*": _ANY},
    "perturbations!": [{"name!": str, "class!": lambda value: value in ("preserving", "altering"), "severities!": [int], "counts!": str}],
    "exposure_map!": {"*": [str]},
    "partners!": {"*": str},
    "power!": {"*": float},
    "stopping!": str,
    "deviations!": [str],
    "sha256!": _hash,
}  # fmt: skip
"""Kind of every field (``result.misfit``)."""


def digest(content: Mapping[str, object]) -> str:
    """SHA-256 of the canonical JSON of what was registered."""
    kept = {name: value for name, value in content.items() if name not in OUTSIDE}
    return hashlib.sha256(canonical(kept).encode()).hexdigest()


def write_prereg(out: Path, content: Mapping[str, object]) -> str:
    """Write ``OUT/prereg.yaml``; returns its hash.

    Raises:
        UsageError: there is one already.
        ValueError: the content does not fit.
    """
    path = out / NAME
    if path.exists():
        raise UsageError(
            f"{path}: is there already, and a pre-registration is written once. What is done otherwise goes below `deviations:`; another "
            "study goes to another --out."
        )
    full = {**content, "deviations": [], "sha256": digest(content)}
    check(full, path)
    with atomic(path) as file:
        yaml.safe_dump(full, file, sort_keys=False, allow_unicode=True, width=140)
    return str(full["sha256"])


def read_prereg(out: Path) -> Prereg | None:
    """The pre-registration of a folder; None where there is none.

    Raises:
        MuybridgeError: not what was written: unreadable, of another kind, or changed.
    """
    path = out / NAME
    try:
        content = parse_yaml(read_bytes(path))
    except FileNotFoundError:
        return None
    except UnreadableError as error:
        raise MuybridgeError(f"{path}: cannot be read ({error}).") from error
    check(content, path)
    return cast(Prereg, content)


def check(content: Any, path: Path) -> None:
    """Refuse a pre-registration that does not fit or was changed.

    Raises:
        MuybridgeError: says the field, or both hashes.
    """
    if wrong := misfit(content, FIELDS):
        what = "not a mapping" if wrong == "value" else f"{wrong!r} is missing or of another kind"
        raise MuybridgeError(f"{path}: no pre-registration ({what}).")
    if content["version"] != VERSION:
        raise MuybridgeError(f"{path}: of version {content['version']}; this Muybridge reads {VERSION}.")
    names = [one["id"] for one in content["sets"]]
    alike = [(tuple(sorted(one["losses"])), one["role"]) for one in content["sets"]]
    if len(set(names)) < len(names) or len(set(alike)) < len(alike):
        raise MuybridgeError(f"{path}: sets are not distinct.")
    if digest(content) != content["sha256"]:
        raise MuybridgeError(
            f"{path}: was changed after it was registered (sha256 {content['sha256'][:12]} is stated, {digest(content)[:12]} is found). "
            "Put it back; what is done otherwise goes below `deviations:`."
        )
